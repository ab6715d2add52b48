package server_test

import (
	"net/netip"
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
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
		o.HTTPS = true
	}
	for name, c := range map[string]struct {
		options []option
		header  string
		want    string
	}{
		"nobody is trusted":           {nil, "203.0.113.9", "127.0.0.1"},
		"no header":                   {[]option{trusting}, "", "127.0.0.1"},
		"one proxy":                   {[]option{trusting}, "203.0.113.9", "203.0.113.9"},
		"a client that makes it up":   {[]option{trusting}, "1.1.1.1, 203.0.113.9", "203.0.113.9"},
		"two proxies":                 {[]option{trusting}, "1.1.1.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"},
		"nonsense":                    {[]option{trusting}, "203.0.113.9, x", "127.0.0.1"},
		"IPv6":                        {[]option{trusting}, "2001:db8::1", "2001:db8::1"},
		"IPv4 in the clothes of IPv6": {[]option{trusting}, "::ffff:203.0.113.9", "203.0.113.9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := openOffice(t, c.options...)
			signedIn := o.person("ann@example.com", core.RoleAdmin)
			got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"ann@example.com","password":"x"}`), "-", "X-Forwarded-For: "+c.header)
			require.Equal(t, 401, got.StatusCode)
			require.Equal(t, len(c.options) > 0, got.Header.Get("Strict-Transport-Security") != "")
			page, err := o.as(signedIn).AuditPage(t.Context(), core.EventQuery{Filter: core.Filter{Type: "login.failed"}})
			require.NoError(t, err)
			require.Contains(t, string(page.Items[0].Payload), `"address":"`+c.want+`"`)
			require.Contains(t, o.logged.String(), "remote="+c.want+"\n", "the log names it too")
			require.Equal(t, 400, o.do("GET", rest.UsersPath+"/x", nil, "X-API-Key: "+signedIn.AccessToken).StatusCode)
			require.Contains(t, o.logged.String(), "user_id="+signedIn.User.ID.String(), "and who it was")
		})
	}
}
