package core

import (
	"net/netip"
	"strings"
	"unicode"
)

// Visitor is where a request comes from.
type Visitor struct{ Address, UserAgent, RequestID string }

// NetworkOf returns the address by which a client is counted. Of IPv6 these are the
// first 64 bits, because a client chooses the rest itself.
func NetworkOf(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() {
		return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
	}
	return address
}

// maxUserAgent bounds what is kept of a browser's description of itself.
const maxUserAgent = 256

// Browser returns the browser's description of itself, as far as it is kept. It is
// valid UTF-8 without control characters, which every database takes.
func (v Visitor) Browser() string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(v.UserAgent[:min(len(v.UserAgent), maxUserAgent)], ""))
}
