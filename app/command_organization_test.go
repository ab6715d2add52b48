package app_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// An operator makes organizations on the host, and names the one to work on.
func TestOrganizationsOnTheHost(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve(secret)
	made := h.run([]string{secret}, "org", "create", "acme")
	require.Zero(t, made.code, made.stderr)
	_, ticket, _ := strings.Cut(strings.TrimSpace(made.stdout), "/setup#t=")
	client := server.client("")
	_, err := client.Setup(context.Background(), rest.SetupRequest{Token: ticket, Email: "eve@example.com", Password: "Correct-Horse-9"})
	require.NoError(t, err)
	org, err := client.Organization(context.Background())
	require.NoError(t, err)
	require.Equal(t, "acme", org.Name)

	require.Contains(t, h.run([]string{secret}, "user", "list", "--org", "acme").stdout, "eve@example.com")
	require.NotContains(t, h.run([]string{secret}, "user", "list").stdout, "eve@example.com")
	key := h.run([]string{secret}, "key", "create", "--org", "acme", "--label", "shop", "--role", "developer")
	require.Zero(t, key.code, key.stderr)
	require.Contains(t, h.run([]string{secret}, "key", "list", "--org", "acme").stdout, "shop")
	require.NotContains(t, h.run([]string{secret}, "key", "list").stdout, "shop")
	require.Contains(t, h.run([]string{secret}, "audit", "verify", "--org", "acme").stdout, `"acme" is intact`)
	unknown := h.run([]string{secret}, "user", "list", "--org", "umbrella")
	require.NotZero(t, unknown.code)
	require.Contains(t, unknown.stderr, "no such organization")

	// A name is for an organization to choose. Where two have one, the host takes the id.
	require.Zero(t, h.run([]string{secret}, "org", "create", "acme").code)
	ambiguous := h.run([]string{secret}, "user", "list", "--org", "acme")
	require.NotZero(t, ambiguous.code)
	require.Contains(t, ambiguous.stderr, `2 organizations are named "acme": give the id instead`)
	require.Contains(t, ambiguous.stderr, org.ID.String())
	require.NotZero(t, h.run([]string{secret}, "org", "limit", "acme", "--key", "70/7").code)
	require.Contains(t, h.run([]string{secret}, "user", "list", "--org", org.ID.String()).stdout, "eve@example.com")
	limited := h.run([]string{secret}, "org", "limit", org.ID.String(), "--key", "70/7")
	require.Zero(t, limited.code, limited.stderr)
	require.Contains(t, limited.stdout, org.ID.String())
}

// TestTheHostLimitsAnOrganization holds that a server that runs follows what the
// command line says an organization is limited to, and goes back to the settings;
// the other organization's keys and people are left alone.
func TestTheHostLimitsAnOrganization(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve("EVENTFLOW_RATE_KEY=900/90", "EVENTFLOW_RATE_USER=400/40")
	made := h.run([]string{secret}, "org", "create", "acme")
	require.Zero(t, made.code, made.stderr)
	_, ticket, _ := strings.Cut(strings.TrimSpace(made.stdout), "#t=")
	signedIn, err := server.client("").Setup(t.Context(), rest.SetupRequest{Token: ticket, Email: "eve@acme.example", Password: goodPassword})
	require.NoError(t, err)
	theirs := h.credential("key", "create", "--org", "acme", "--label", "shop", "--role", "admin").Secret
	special := h.credential("key", "create", "--org", "acme", "--label", "till", "--rate", "70/7").Secret
	mine := h.key()
	policy := func(credential string) string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.url+"/api/v1/auth/me", nil)
		require.NoError(t, err)
		request.Header.Set("X-API-Key", credential)
		return do(t, request).header.Get("RateLimit-Policy")
	}
	follows := func(key, person string) {
		t.Helper()
		want := map[string]string{theirs: key, signedIn.AccessToken: person, special: "70", mine: "900"}
		for credential, limit := range want {
			require.Eventually(t, func() bool { return policy(credential) == `"default";q=`+limit+`;w=60` }, patience, 20*time.Millisecond, "%s", limit)
		}
	}
	follows("900", "400")
	limited := h.run([]string{secret}, "org", "limit", "acme", "--key", "6000/200", "--user", "1000/100")
	require.Zero(t, limited.code, limited.stderr)
	require.Regexp(t, ` acme +\S+Z +6000/200 +1000/100\n$`, limited.stdout)
	follows("6000", "1000")
	var org core.Organization
	require.Eventually(t, func() bool { // what asked until now has used up the key's permits
		org, err = server.client(theirs).Organization(t.Context())
		return err == nil
	}, patience, 20*time.Millisecond)
	require.Equal(t, core.Rate{PerMinute: 6000, PerSecond: 200}, org.KeyRate)

	listed := h.run([]string{secret}, "org", "list", "-o", "json")
	var all []core.Organization
	require.NoError(t, json.Unmarshal([]byte(listed.stdout), &all))
	require.Len(t, all, 2)
	require.Equal(t, org, all[0], "by name")
	require.Equal(t, []any{core.FirstOrganizationName, core.Rate{}, core.Rate{}}, []any{all[1].Name, all[1].KeyRate, all[1].UserRate})
	require.Regexp(t, `(?m)^`+org.ID.String()+` +acme .* 6000/200 +1000/100$`, h.run([]string{secret}, "org", "list").stdout)

	require.Zero(t, h.run([]string{secret}, "org", "limit", "acme", "--key", "default").code)
	follows("900", "1000")
}

// TestMistakesWithOrganizationsAreNamed holds that what cannot be done exits with
// the documented code and one line that says what is wrong.
func TestMistakesWithOrganizationsAreNamed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"limit"}, 2, "wrong number of arguments"},
		{[]string{"limit", "default"}, 2, "give --key, --user or both"},
		{[]string{"limit", "", "--key", "1/1"}, 2, "'eventflow org list' shows the names"},
		{[]string{"limit", "umbrella", "--key", "1/1"}, 4, "no such organization"},
		{[]string{"limit", "default", "--key", "6000"}, 2, "--key must be requests per minute and at once"},
		{[]string{"limit", "default", "--key", "1/1", "--user", "off"}, 2, "--user must be requests per minute and at once, each 1 to 1000000, like 6000/200, or default"},
		{[]string{"list", "-o", "yaml"}, 2, "--output must be table or json"},
	} {
		o := h.run([]string{secret}, append([]string{"org"}, c.args...)...)
		require.Equal(t, c.code, o.code, "%q: %s", c.args, o.stderr)
		require.Contains(t, o.stderr, c.says, "%q", c.args)
		require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
		require.Empty(t, o.stdout)
	}
	require.NotRegexp(t, `\d/\d`, h.run([]string{secret}, "org", "list").stdout, "nothing was changed")
}
