package e2e

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// The trail is narrowed by what was done, by whom, to what and when, and the
// address leads back to it.
func TestTheTrailIsNarrowed(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.person("dev@example.com", core.RoleDeveloper)
	_, err := p.admin.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	page := p.signInHome("dev@example.com")
	page.Allow("401 (Unauthorized)") // what was on its way when the session ended
	page.Click("Sign out")
	page.See("Email")
	page.Fill("Email", adminEmail)
	page.Fill("Password", password)
	page.Click("Sign in")
	page.See("Newest events")

	// What the list says, not the choices above it.
	shows := func(action string, yes bool) {
		t.Helper()
		condition := fmt.Sprintf("[...document.querySelectorAll('tbody .badge')].some(one => one.innerText === %q)", action)
		if !yes {
			condition = "document.querySelector('tbody') && !" + condition
		}
		page.Await(fmt.Sprintf("%s to be listed: %v", action, yes), condition)
	}
	page.Go("/audit")
	shows("stream.created", true)
	page.Click("dev@example.com")
	shows("stream.created", false)
	shows("login.succeeded", true)
	require.Equal(t, "/audit?who=dev%40example.com", page.URL())
	page.Screenshot("full/audit-of-one")
	page.Reload()
	shows("login.succeeded", true)
	shows("stream.created", false)

	page.Go("/audit?action=stream.created&who=dev%40example.com")
	page.See("Nothing matches")
	page.Click("Clear")
	shows("stream.created", true)
	page.Go("/audit?to=2020-01-01T00:00")
	page.See("Nothing matches")
	page.Go("/audit?from=2020-01-01T00:00&action=stream.created")
	shows("stream.created", true)
	shows("login.succeeded", false)
}
