package reach_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/dns/dnsmessage"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/core"
)

// resolver answers questions about any name by what addresses returns, each time anew.
func resolver(addresses func() []netip.Addr) *net.Resolver {
	answer := func(conn net.Conn) {
		defer conn.Close()
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		question := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, question); err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(question) != nil {
			return
		}
		m.Response, m.Authoritative, m.Additionals = true, true, nil
		for _, addr := range addresses() {
			header := dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: m.Questions[0].Type, Class: dnsmessage.ClassINET}
			if header.Type == dnsmessage.TypeA && addr.Is4() {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AResource{A: addr.As4()}})
			}
			if header.Type == dnsmessage.TypeAAAA && addr.Is6() {
				m.Answers = append(m.Answers, dnsmessage.Resource{Header: header, Body: &dnsmessage.AAAAResource{AAAA: addr.As16()}})
			}
		}
		packed, _ := m.Pack()
		_, _ = conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(packed))), packed...))
	}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		client, server := net.Pipe()
		go answer(server)
		return client, nil
	}}
}

func always(texts ...string) func() []netip.Addr {
	return func() (addresses []netip.Addr) {
		for _, text := range texts {
			addresses = append(addresses, netip.MustParseAddr(text))
		}
		return addresses
	}
}

// target listens at this machine and counts connections.
func target(t *testing.T) (port string, connections *atomic.Int64) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	connections = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			conn.Close()
		}
	}()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port, connections
}

func dial(t *testing.T, options reach.Options, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := reach.New(options).Dial(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err
}

// unreachable are addresses of every kind that is no host of the Internet, the first and
// the last of each range.
var unreachable = map[string][]string{
	"this network":           {"0.0.0.0", "0.0.0.1", "0.255.255.255"},
	"private":                {"10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"},
	"shared by a provider":   {"100.64.0.0", "100.100.100.200", "100.127.255.255"},
	"loopback":               {"127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"},
	"link-local":             {"169.254.0.0", "169.254.255.255", "fe80::", "fe80::1", "febf:ffff::1"},
	"metadata":               {"169.254.169.254", "169.254.170.2", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "168.63.129.16", "192.0.0.192", "100.100.100.200"},
	"protocol assignments":   {"192.0.0.0", "192.0.0.255", "2001::", "2001:1ff:ffff:ffff::"},
	"documentation":          {"192.0.2.0", "198.51.100.1", "203.0.113.255", "2001:db8::", "2001:db8:ffff::1", "3fff::", "3fff:fff:ffff::1"},
	"AS112 and AMT":          {"192.31.196.0", "192.52.193.1", "192.175.48.255", "2620:4f:8000::1"},
	"benchmarking":           {"198.18.0.0", "198.19.255.255", "2001:2::1"},
	"multicast":              {"224.0.0.0", "224.0.0.251", "239.255.255.255", "ff00::", "ff02::1", "ffff:ffff::"},
	"reserved":               {"240.0.0.0", "255.255.255.254"},
	"broadcast":              {"255.255.255.255"},
	"unspecified":            {"::"},
	"mapped to IPv4":         {"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"},
	"compatible with IPv4":   {"::7f00:1", "::a9fe:a9fe"},
	"translated by NAT64":    {"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::808:808", "64:ff9b:1::a00:1"},
	"6to4":                   {"192.88.99.1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1"},
	"Teredo":                 {"2001:0:4136:e378:8000:63bf:3fff:fdd2"},
	"ORCHID":                 {"2001:10::1", "2001:20::1", "2001:30::1"},
	"discard-only":           {"100::1", "100:0:0:1::1"},
	"segment routing":        {"5f00::1"},
	"unique local":           {"fc00::", "fd12:3456:789a::1", "fdff:ffff::1"},
	"site-local":             {"fec0::1", "feff::1"},
	"the former 6bone":       {"3ffe::1"},
	"not allocated to hosts": {"1::1", "200::1", "4000::1", "c000::1", "1fff:ffff::1"},
}

func TestNoAddressInsideIsReached(t *testing.T) {
	t.Parallel()
	for kind, addresses := range unreachable {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			for _, address := range addresses {
				var refused *reach.RefusedError
				require.ErrorAs(t, dial(t, reach.Options{}, net.JoinHostPort(address, "80")), &refused, address)
				require.NotContains(t, refused.Error(), address, "what a name means inside is nobody's business")
				name := reach.Options{Resolver: resolver(always(address))}
				require.ErrorAs(t, dial(t, name, "hooks.example:443"), &refused, "a name that means %s", address)
				_, err := reach.Options{}.Check("url", "http://"+hostOf(address)+"/")
				require.Equal(t, core.CodeValidation, core.CodeOf(err), address)
			}
		})
	}
}

func hostOf(address string) string {
	if strings.Contains(address, ":") {
		return "[" + address + "]"
	}
	return address
}

// Hosts of the Internet beside those ranges are not refused. That they answer is not asked.
func TestHostsOfTheInternetAreNotRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.1",
		"172.15.255.255", "172.32.0.1", "192.0.1.1", "192.167.255.255", "198.17.255.255", "198.20.0.1", "223.255.255.255",
		"2000::1", "2001:200::1", "2003::1", "2606:4700:4700::1111", "2a00:1450::1", "3ffd:ffff::1",
	} {
		_, err := reach.Options{}.Check("url", "https://"+hostOf(address)+"/hooks?a=b")
		require.NoError(t, err, address)
	}
}

func TestNoPacketReachesAnAddressThatIsRefused(t *testing.T) {
	t.Parallel()
	port, connections := target(t)
	for _, host := range []string{
		"127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "localhost.", "127.1", "127.0.1", "2130706433", "0177.0.0.1", "017700000001",
		"0x7f000001", "0x7f.0.0.1", "0x7f.1", "0", "0.0.0.0", "[::]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "127.0.0.1.",
		"[fe80::1%25lo]", "[::1%25lo]", "１２７.０.０.１", "127。0。0。1", "①②⑦.0.0.1",
	} {
		require.Error(t, dial(t, reach.Options{Timeout: time.Second, Resolver: resolver(always("127.0.0.1"))}, host+":"+port), host)
		_, err := reach.Options{}.Check("url", "http://"+host+":"+port+"/")
		require.Equal(t, core.CodeValidation, core.CodeOf(err), host)
	}
	require.Zero(t, connections.Load())
	require.NoError(t, dial(t, reach.Options{AllowPrivate: true}, "127.0.0.1:"+port), "the listener is there")
}

// The name server answers with a public address while the settings are checked, and with
// another one afterwards.
func TestANameThatChangesItsMeaningIsRefused(t *testing.T) {
	t.Parallel()
	port, connections := target(t)
	var asked atomic.Int64
	options := reach.Options{Resolver: resolver(func() []netip.Addr {
		if asked.Add(1) == 1 {
			return always("1.1.1.1")()
		}
		return always("127.0.0.1")()
	})}
	_, err := options.Resolver.LookupNetIP(t.Context(), "ip4", "rebound.example.")
	require.NoError(t, err)
	_, err = options.Check("url", "http://rebound.example:"+port)
	require.NoError(t, err)
	for range 5 {
		var refused *reach.RefusedError
		require.ErrorAs(t, dial(t, options, "rebound.example:"+port), &refused)
	}
	require.Zero(t, connections.Load())
}

func TestPrivateNetworksMayBeAllowed(t *testing.T) {
	t.Parallel()
	port, connections := target(t)
	allowed := reach.Options{AllowPrivate: true, Ports: []uint16{443}}
	require.NoError(t, dial(t, allowed, "127.0.0.1:"+port))
	allowed.Resolver = resolver(always("127.0.0.1"))
	require.NoError(t, dial(t, allowed, "box.internal.:"+port))
	require.EqualValues(t, 2, waitFor(connections, 2))
	for _, kind := range []string{"link-local", "metadata", "multicast", "translated by NAT64", "6to4", "Teredo", "unspecified", "this network", "broadcast"} {
		for _, address := range unreachable[kind] {
			var refused *reach.RefusedError
			require.ErrorAs(t, dial(t, allowed, net.JoinHostPort(address, "80")), &refused, address)
		}
	}
}

// waitFor waits for what a listener has accepted and not yet counted.
func waitFor(n *atomic.Int64, want int64) int64 {
	for n.Load() < want {
		time.Sleep(time.Millisecond) // nothing tells of a count in another goroutine
	}
	return n.Load()
}

func TestOtherPortsAreRefused(t *testing.T) {
	t.Parallel()
	options := reach.Options{Ports: []uint16{80, 443}}
	for _, port := range []string{"22", "25", "6379", "8080", "1", "65535"} {
		var refused *reach.RefusedError
		require.ErrorAs(t, dial(t, options, "1.1.1.1:"+port), &refused, port)
		for _, host := range []string{"1.1.1.1", "[2606:4700:4700::1111]", "example.com"} {
			_, err := options.Check("url", "http://"+host+":"+port+"/")
			require.ErrorContains(t, err, "port "+port)
		}
	}
	for _, url := range []string{"https://example.com", "http://example.com:443/", "https://example.com:80/", "https://my_box.example-1.com./a?b=c"} {
		_, err := options.Check("url", url)
		require.NoError(t, err, url)
	}
}

func TestWhatIsNoURLIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "example.com", "//example.com", "/hooks", "ftp://example.com", "file:///etc/passwd", "gopher://example.com", "HTTPS:example.com",
		"https://", "https:///a", "https://user:hunter2@example.com", "https://user@example.com", "https://:@example.com", "https://@example.com/",
		"https://example.com:0", "https://example.com:65536", "https://example.com:", "https://example.com:-1", "https://example.com:http",
		"https://example.com#a", "https://example.com/#", "https://exa mple.com", "https://example.com/\n", "https://example.com/ä", "https://bücher.example",
		"https://a..b", "https://-" + strings.Repeat("a", 64) + ".com", "https://" + strings.Repeat("a.", 200) + "com", "https://[::1", "https://[::1]x/",
		"https://a,b/", "https://a%41/", "https://a$(id)/", "https://" + strings.Repeat("a", 3000),
		"http://localhost", "http://LOCALHOST/", "http://a.localhost.", "http://1/", "http://1.2.3.4.5/", "http://0x/", "http://a.0x1f", "http://09.1",
	} {
		_, err := reach.Options{}.Check("destination", text)
		require.Equal(t, core.CodeValidation, core.CodeOf(err), text)
		require.NotContains(t, err.Error(), "hunter2")
		known, ok := errors.AsType[*core.Error](err)
		require.True(t, ok)
		require.Equal(t, "destination", known.Details[0].Field)
	}
	_, err := reach.Options{AllowPrivate: true}.Check("url", "http://localhost:"+strconv.Itoa(8080))
	require.NoError(t, err)
}

// A refusal says what to write, in words that need no second look.
func TestAURLInOtherLettersIsToldHowToBeWritten(t *testing.T) {
	t.Parallel()
	_, err := reach.Options{}.Check("url", "https://münchen.example/")
	require.ErrorContains(t, err, "percent-encoded")
	require.NotContains(t, err.Error(), "%")
}
