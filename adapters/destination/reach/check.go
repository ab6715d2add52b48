package reach

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// maxURLLength bounds a URL, in bytes.
const maxURLLength = 2048

// Check reads a URL of http or https that somebody has written. The error is a
// [core.CodeValidation] error about a field, and never repeats a password. A host that is
// an address is judged here, too. A name is judged when it is dialled, but for those of
// the machine itself.
func (o Options) Check(field, text string) (*url.URL, error) {
	u, err := parse(field, text)
	if err != nil {
		return nil, err
	}
	port := uint16(80)
	if u.Scheme == "https" {
		port = 443
	}
	if given := u.Port(); given != "" || strings.HasSuffix(u.Host, ":") {
		number, err := strconv.ParseUint(given, 10, 16)
		if err != nil || number == 0 {
			return nil, core.Invalid(field, "must have a port of 1 to 65535")
		}
		port = uint16(number)
	}
	return u, o.checkHost(field, u.Hostname(), port)
}

// parse reads the parts of a URL, whatever its host is.
func parse(field, text string) (*url.URL, error) {
	const example = "must be a URL like https://example.com/hooks"
	if text == "" {
		return nil, core.Invalid(field, "is required: a URL like https://example.com/hooks")
	}
	if len(text) > maxURLLength {
		return nil, core.Invalid(field, "must have at most %d bytes", maxURLLength)
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] >= 0x7f {
			return nil, core.Invalid(field, "must be ASCII without spaces: write a name as xn--…, and other characters of a path percent-encoded")
		}
	}
	u, err := url.Parse(text)
	switch {
	case err != nil: // its text would repeat a password
		return nil, core.Invalid(field, example)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, core.Invalid(field, "must begin with https:// or http://")
	case u.User != nil:
		return nil, core.Invalid(field, "must not have a user or a password in it")
	case u.Opaque != "" || u.Hostname() == "":
		return nil, core.Invalid(field, example)
	case u.Fragment != "" || strings.Contains(text, "#"):
		return nil, core.Invalid(field, "must not have a #fragment, which is never sent")
	}
	return u, nil
}

// checkHost refuses a host that can never be reached, and one that is written so that
// programs read it differently.
func (o *Options) checkHost(field, host string, port uint16) error {
	addr, err := netip.ParseAddr(host)
	switch {
	case err == nil && (addr.Zone() != "" || addr.Is4In6()):
		return core.Invalid(field, "must name an IPv4 or IPv6 address without a zone, and not one within the other")
	case err == nil:
		if refused := o.judge(netip.AddrPortFrom(addr, port)); refused != nil {
			return core.Invalid(field, "cannot be reached from here: %v", refused)
		}
		return nil
	case endsInNumber(host):
		return core.Invalid(field, "must write an IPv4 address as four decimal numbers, like 192.0.2.1")
	case !isName(host):
		return core.Invalid(field, "must have the name of a host, of letters, digits, hyphens and dots")
	case isOwnName(host) && !o.AllowPrivate:
		return core.Invalid(field, "cannot be reached from here: it is the server's own machine")
	case len(o.Ports) > 0 && !o.AllowPrivate: // where they are allowed, the name may mean a private address
		if refused := o.judge(netip.AddrPortFrom(somebody, port)); refused != nil {
			return core.Invalid(field, "cannot be reached from here: %v", refused)
		}
	}
	return nil
}

// somebody is a public address, in whose place a name is judged for its port.
var somebody = netip.AddrFrom4([4]byte{1, 1, 1, 1})

// endsInNumber reports whether a host that is no address in the common form may be taken
// for an IPv4 address: its last part is a number, in any of the forms that C reads.
func endsInNumber(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if digits, hexadecimal := strings.CutPrefix(last, "0x"); hexadecimal {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

// isName reports whether a host may be a name. An underscore is in names of containers.
func isName(host string) bool {
	const longestName, longestPart = 253, 63
	name := strings.TrimSuffix(host, ".")
	if name == "" || len(name) > longestName || !utf8.ValidString(name) {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if part == "" || len(part) > longestPart {
			return false
		}
		for i := range len(part) {
			c := part[i] | 0x20
			if (c < 'a' || c > 'z') && (part[i] < '0' || part[i] > '9') && part[i] != '-' && part[i] != '_' {
				return false
			}
		}
	}
	return true
}

// isOwnName reports whether a name is always the machine's own.
func isOwnName(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || name == "ip6-localhost" || name == "ip6-loopback"
}
