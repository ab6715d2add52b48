package reach

import "net/netip"

// metadata are the addresses at which clouds tell a machine its credentials. They are
// out of reach even where private networks are allowed.
var metadata = prefixes(
	"169.254.0.0/16",     // nearly all clouds, within the link-local addresses
	"100.100.100.200/32", // Alibaba
	"168.63.129.16/32",   // Azure, at a public address
	"192.0.0.192/32",     // Oracle
	"fd00:ec2::/32",      // Amazon
	"fd20:ce::/32",       // Google
)

// private are networks that are somebody's own, and the machine itself.
var private = prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "100.64.0.0/10", "::1/128", "fc00::/7")

// special are the other entries of IANA's registries of special-purpose addresses, and
// multicast.
var special = prefixes(
	"0.0.0.0/8",       // this network
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.31.196.0/24", // AS112
	"192.52.193.0/24", // automatic multicast tunnelling
	"192.88.99.0/24",  // relays of 6to4
	"192.175.48.0/24", // AS112
	"198.18.0.0/15",   // benchmarking
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, and the limited broadcast

	"2001::/23",         // protocol assignments: Teredo, benchmarking, ORCHID
	"2001:db8::/32",     // documentation
	"2002::/16",         // 6to4: an IPv4 address follows
	"2620:4f:8000::/48", // AS112
	"3ffe::/16",         // the former 6bone
	"3fff::/20",         // documentation
)

// global is what IANA has allocated for hosts of the Internet. Everything else in IPv6
// is out of reach: unspecified, compatible with and mapped to IPv4, NAT64 (64:ff9b::/96
// and 64:ff9b:1::/48), discard-only, segment routing, link-local, site-local, multicast.
var global = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	parsed := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		parsed[i] = netip.MustParsePrefix(text)
	}
	return parsed
}

func within(addr netip.Addr, ranges []netip.Prefix) bool {
	for _, r := range ranges {
		if r.Contains(addr) {
			return true
		}
	}
	return false
}

// judgeAddr returns why an address is not a host of the Internet, or nil. An IPv4 address
// that is mapped into IPv6 is the IPv4 address: the system connects to that.
func judgeAddr(addr netip.Addr) *RefusedError {
	if addr.Zone() != "" {
		return &RefusedError{Reason: "has a zone, and is of one link only"}
	}
	addr = addr.Unmap()
	switch {
	case within(addr, metadata):
		return &RefusedError{Reason: "is link-local or of a cloud's metadata service"}
	case within(addr, private):
		return &RefusedError{Reason: "is private, or of the server's own machine", Private: true}
	case within(addr, special), addr.Is6() && !global.Contains(addr), !addr.IsValid():
		return &RefusedError{Reason: "is reserved, translated or of no single host"}
	}
	return nil
}
