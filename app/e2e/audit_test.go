package e2e

import (
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
	page := p.signIn("dev@example.com")
	page.Click("Sign out")
	page.See("Email")
	page.Fill("Email", adminEmail)
	page.Fill("Password", password)
	page.Click("Sign in")
	page.See("Newest events")

	page.Go("/audit")
	page.See("stream.created")
	page.Click("dev@example.com")
	page.Gone("stream.created")
	page.See("login.succeeded")
	require.Equal(t, "/audit?who=dev%40example.com", page.URL())
	page.Screenshot("full/audit-of-one")
	page.Reload()
	page.See("login.succeeded")
	require.False(t, page.Shows("stream.created"))

	page.Go("/audit?action=stream.created&who=dev%40example.com")
	page.See("Nothing matches")
	page.Click("Clear")
	page.See("stream.created")
	page.Go("/audit?to=2020-01-01T00:00")
	page.See("Nothing matches")
	page.Go("/audit?from=2020-01-01T00:00&action=stream.created")
	page.See("stream.created")
	require.False(t, page.Shows("login.succeeded"+"\n"))
}
