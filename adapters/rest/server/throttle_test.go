package server_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Guesses are bounded for an account, whether there is one or not, and the
// right password does not help who has guessed too often.
func TestGuessesAreThrottled(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.person("ann@example.com", core.RoleViewer)
	o.accounts.Throttle = core.Throttle(memlimit.New(), o.time)
	for _, email := range []string{"ann@example.com", "nobody@example.com"} {
		o.accounts.Throttle = core.Throttle(memlimit.New(), o.time)
		for range 10 {
			got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"`+email+`","password":"Wrong-Horse-99"}`), "-")
			require.Equal(t, 401, got.StatusCode)
		}
		got := o.do("POST", rest.AuthPath+"/login", strings.NewReader(`{"email":"`+email+`","password":"`+password+`"}`), "-")
		require.Equal(t, core.CodeRateLimited, got.problem(t).Code)
		require.NotEmpty(t, got.Header.Get("Retry-After"))
	}
}
