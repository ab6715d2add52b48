package server_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// Of X-Forwarded-For counts what trusted proxies say, from the right: the rest
// is whatever the client made up.
func TestTheClientsAddress(t *testing.T) {
	t.Parallel()
	trusting := func(o *server.Options, _ *fixture) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
		o.HTTPS = true
	}
	for name, c := range map[string]struct {
		options []option
		lines   []string
		want    string
	}{
		"nobody is trusted":           {nil, []string{"203.0.113.9"}, "127.0.0.1"},
		"no header":                   {[]option{trusting}, nil, "127.0.0.1"},
		"an empty header":             {[]option{trusting}, []string{""}, "127.0.0.1"},
		"one proxy":                   {[]option{trusting}, []string{"203.0.113.9"}, "203.0.113.9"},
		"a client that makes it up":   {[]option{trusting}, []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		"a made-up line":              {[]option{trusting}, []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		"made-up trusted lines":       {[]option{trusting}, []string{"1.1.1.1, 10.0.0.1", "10.0.0.2", "203.0.113.9"}, "203.0.113.9"},
		"two proxies":                 {[]option{trusting}, []string{"1.1.1.1, 203.0.113.9, 10.1.2.3"}, "203.0.113.9"},
		"two proxies, each a line":    {[]option{trusting}, []string{"1.1.1.1", "203.0.113.9", "10.1.2.3"}, "203.0.113.9"},
		"proxies only":                {[]option{trusting}, []string{"10.1.2.3, 10.1.2.4"}, "10.1.2.3"},
		"empty elements":              {[]option{trusting}, []string{",203.0.113.9 ,\t,", ""}, "203.0.113.9"},
		"nonsense":                    {[]option{trusting}, []string{"203.0.113.9, x"}, "unknown via 127.0.0.1"},
		"nonsense of another proxy":   {[]option{trusting}, []string{"203.0.113.9, _hidden, 10.1.2.3:443"}, "unknown via 10.1.2.3"},
		"nonsense that is made up":    {[]option{trusting}, []string{"unknown, 203.0.113.9"}, "203.0.113.9"},
		"a port":                      {[]option{trusting}, []string{"1.1.1.1:5, 203.0.113.9:5678"}, "203.0.113.9"},
		"a port of a proxy":           {[]option{trusting}, []string{"203.0.113.9:5678, 10.1.2.3:80"}, "203.0.113.9"},
		"no port that there is":       {[]option{trusting}, []string{"203.0.113.9:99999"}, "unknown via 127.0.0.1"},
		"IPv6":                        {[]option{trusting}, []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv6 in brackets":            {[]option{trusting}, []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv6 with a port":            {[]option{trusting}, []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		"IPv6 with a zone":            {[]option{trusting}, []string{"fe80::1%eth0"}, "fe80::1"},
		"IPv6 with a zone and a port": {[]option{trusting}, []string{"[fe80::1%eth0]:443"}, "fe80::1"},
		"a proxy with a zone":         {[]option{trusting}, []string{"203.0.113.9, fd00::1%eth0"}, "203.0.113.9"},
		"half a bracket":              {[]option{trusting}, []string{"[2001:db8::1"}, "unknown via 127.0.0.1"},
		"IPv4 in the clothes of IPv6": {[]option{trusting}, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"in the clothes, with a port": {[]option{trusting}, []string{"[::ffff:203.0.113.9]:1"}, "203.0.113.9"},
		"a proxy in the clothes":      {[]option{trusting}, []string{"203.0.113.9, ::ffff:10.1.2.3"}, "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, c.options...)
			signedIn := o.person("ann@example.com", core.RoleAdmin)
			const body = `{"email":"ann@example.com","password":"x"}`
			headers := fmt.Sprintf("Host: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n", len(body))
			for _, line := range c.lines {
				headers += "X-Forwarded-For: " + line + "\r\n"
			}
			got, _ := o.raw("POST " + rest.AuthPath + "/login HTTP/1.1\r\n" + headers + "\r\n" + body)
			require.Equal(t, 401, got.StatusCode)
			require.Equal(t, len(c.options) > 0, got.Header.Get("Strict-Transport-Security") != "")
			page, err := o.as(signedIn).AuditPage(t.Context(), core.EventQuery{Filter: core.Filter{Type: "login.failed"}})
			require.NoError(t, err)
			require.Contains(t, string(page.Items[0].Payload), `"address":"`+c.want+`"`)
			require.Contains(t, o.logged.String(), remoteAttr(c.want), "the log names it too")
			require.Equal(t, 400, o.do("GET", rest.UsersPath+"/x", nil, "X-API-Key: "+signedIn.AccessToken).StatusCode)
			require.Contains(t, o.logged.String(), "user_id="+signedIn.User.ID.String(), "and who it was")
		})
	}
}

// remoteAttr is how the log names an address.
func remoteAttr(address string) string {
	if strings.Contains(address, " ") {
		address = strconv.Quote(address)
	}
	return "remote=" + address + "\n"
}

// A trailer comes after the body, when the address has been believed already.
func TestATrailerIsNoHeader(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	body := event("1")
	for range 2 {
		got, _ := f.raw(fmt.Sprintf("POST /api/v1/streams/orders/events HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nTransfer-Encoding: chunked\r\n"+
			"Trailer: Idempotency-Key\r\n\r\n%x\r\n%s\r\n0\r\nIdempotency-Key: once\r\n\r\n", f.key, len(body), body))
		require.Equal(t, 202, got.StatusCode, "%s", got.body)
	}
	require.EqualValues(t, 2, f.events("orders"))
}
