package core

import (
	"net/netip"
	"strings"
	"unicode"
)

// Visitor is where a request comes from.
type Visitor struct{ Address, UserAgent, RequestID string }

// NetworkOf is what a client is counted by: its address, but of IPv6 the first
// 64 bits, because the rest is the client's to choose.
func NetworkOf(address string) string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Is6() {
		return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
	}
	return address
}

// maxUserAgent bounds what is kept of a browser's description of itself.
const maxUserAgent = 256

// Browser is a browser's description of itself, as far as it is kept: no part of
// a character at its end, and nothing that a database would not take.
func (v Visitor) Browser() string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(v.UserAgent[:min(len(v.UserAgent), maxUserAgent)], ""))
}

func (v Visitor) Record(who Principal, action AuditAction, kind string, target ID) AuditRecord {
	return AuditRecord{Who: who, Action: action, Kind: kind, Target: target.String(), From: v}
}
