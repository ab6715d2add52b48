package server_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// Guesses are bounded for an account, whether there is one or not, and the
// right password does not help who has guessed too often.
func TestGuessesAreThrottled(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	o.accounts.Throttle = identity.Throttle(memlimit.New(), o.time)
	for _, email := range []string{"ann@example.com", "nobody@example.com"} {
		o.accounts.Throttle = identity.Throttle(memlimit.New(), o.time)
		for range 10 {
			got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"`+email+`","password":"Wrong-Horse-99"}`), "-")
			require.Equal(t, 401, got.StatusCode)
		}
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"`+email+`","password":"`+password+`"}`), "-")
		require.Equal(t, core.CodeRateLimited, got.problem(t).Code)
		require.NotEmpty(t, got.Header.Get("Retry-After"))
	}
}

// Who has a network of IPv6 has more addresses than there are guesses: they
// count as one.
func TestGuessesAreThrottledByNetwork(t *testing.T) {
	t.Parallel()
	o := openOffice(t, func(options *server.Options, _ *fixture) {
		options.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	o.accounts.Throttle = identity.Throttle(memlimit.New(), o.time)
	guess := func(i int, from string) int {
		body := fmt.Sprintf(`{"email":"%d@example.com","password":"Wrong-Horse-99"}`, i)
		return o.do("POST", rest.AuthPath+"/login", strings.NewReader(body), "-", "X-Forwarded-For: "+from).StatusCode
	}
	for i := range 10 {
		require.Equal(t, 401, guess(i, fmt.Sprintf("2001:db8:1:2::%d", i)))
	}
	require.Equal(t, 429, guess(10, "2001:db8:1:2:3::4"))
	require.Equal(t, 401, guess(11, "2001:db8:1:3::1"), "others are not held up")
}

// Nobody fills another's mailbox, or tries links one after the other.
func TestMailsAndLinksAreThrottled(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	for path, body := range map[string]string{
		"/password/forgot": `{"email":"ann@example.com"}`, "/password/reset": `{"token":"x","password":"` + password + `"}`,
		"/accept": `{"token":"x","password":"` + password + `"}`, "/setup": `{"token":"x","email":"eve@example.com","password":"` + password + `"}`,
	} {
		o.accounts.Throttle = identity.Throttle(memlimit.New(), o.time)
		ask := func() int { return o.do("POST", rest.AuthPath+path, strings.NewReader(body), "-").StatusCode }
		for range 10 {
			require.Contains(t, []int{202, 401}, ask(), path)
		}
		require.Equal(t, 429, ask(), path)
	}
	require.Len(t, o.mails, 10)
}
