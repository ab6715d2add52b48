package server_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// The cookie is for this site's pages only, and the browser says where a
// request comes from.
func TestTheRefreshCookie(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"ann@example.com","password":"`+password+`"}`), "-")
	cookie := got.Header.Get("Set-Cookie")
	for _, attribute := range []string{"__Host-eventflow-refresh=efr_", "HttpOnly", "secure", "SameSite=Strict", "path=/", "expires="} {
		require.Contains(t, cookie, attribute)
	}
	require.NotContains(t, cookie, "omain")
	require.NotContains(t, string(got.body), "efr_", "a browser's script never sees it")
	pair, _, _ := strings.Cut(cookie, ";")
	for header, status := range map[string]int{
		"Sec-Fetch-Site: cross-site": 403, "Sec-Fetch-Site: same-site": 403, "Sec-Fetch-Site: none": 403,
		"Origin: https://evil.example": 403, "Origin: null": 403, "X-Nothing: x": 403,
	} {
		got := o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, header)
		require.Equal(t, status, got.StatusCode, header)
	}
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, "Sec-Fetch-Site: same-origin")
	require.Equal(t, 200, got.StatusCode)
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, "Origin: http://"+o.address)
	require.Equal(t, 200, got.StatusCode, "an older browser says it by Origin")
	wanting := func(body string) reply {
		return o.do("POST", rest.AuthPath+"/refresh", strings.NewReader(body), "-", "Cookie: "+pair, "Sec-Fetch-Site: same-origin")
	}
	require.NotContains(t, string(wanting(`{"want_refresh_token":true}`).body), "efr_", "nor when it asks")
	got = o.do("GET", rest.AuthPath+"/me", nil, "-", "Cookie: "+pair)
	require.Equal(t, 401, got.StatusCode, "the cookie refreshes and does nothing else")
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair+"x", "Sec-Fetch-Site: same-origin")
	require.Equal(t, 401, got.StatusCode)
	require.Contains(t, got.Header.Get("Set-Cookie"), "__Host-eventflow-refresh=;", "what is good no longer goes")
	require.NoError(t, o.catalog.Close())
	got = o.do("POST", rest.AuthPath+"/refresh", nil, "-", "Cookie: "+pair, "Sec-Fetch-Site: same-origin")
	require.Equal(t, 503, got.StatusCode)
	require.Empty(t, got.Header.Get("Set-Cookie"), "it may be good later")
}
