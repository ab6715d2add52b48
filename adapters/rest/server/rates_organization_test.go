package server_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// TestAnOrganizationHasLimitsOfItsOwn holds that an organization's keys and
// people are told and held to its limits, a key with a rate of its own to that,
// and another organization's to the settings.
func TestAnOrganizationHasLimitsOfItsOwn(t *testing.T) {
	t.Parallel()
	v := openVault(t, withLimiter(memlimit.New(), someRates))
	ctx := t.Context()
	acme := core.Organization{
		ID: newID(), Name: "acme", CreatedAt: v.time(),
		KeyRate: core.Rate{PerMinute: 30, PerSecond: 2}, UserRate: core.Rate{PerMinute: 3000, PerSecond: 1},
	}
	_, err := v.catalog.EnsureOrganization(ctx, acme)
	require.NoError(t, err)
	key := func(org core.ID, rate core.Rate) string {
		_, secret, err := v.access.CreateKey(ctx, org, identity.KeySpec{Label: "a", Environment: core.Live, Role: core.RoleAdmin, Rate: rate})
		require.NoError(t, err)
		return secret
	}
	_, err = v.identity.Users.Create(ctx, operator(acme.ID), identity.NewPerson{Email: "eve@acme.example", Password: password}, core.RoleAdmin)
	require.NoError(t, err)
	theirs := key(acme.ID, core.Rate{})
	eve, ann := v.login("eve@acme.example", password).AccessToken, v.person("ann@example.com", core.RoleAdmin).AccessToken
	for name, c := range map[string]struct{ credential, policy string }{
		"a key":                     {theirs, `"default";q=30;w=60`},
		"a key with a rate":         {key(acme.ID, core.Rate{PerMinute: 70, PerSecond: 7}), `"default";q=70;w=60`},
		"a person":                  {eve, `"default";q=3000;w=60`},
		"a key somewhere else":      {key(v.org.ID, core.Rate{}), `"default";q=1000;w=60`},
		"a person somewhere else":   {ann, `"default";q=500;w=60`},
		"nobody, from one address":  {"wrong", `"default";q=60;w=60`},
		"a key with a rate, abroad": {key(v.org.ID, core.Rate{PerMinute: 70, PerSecond: 7}), `"default";q=70;w=60`},
	} {
		got := v.do("GET", rest.StreamsPath, nil, "X-API-Key: "+c.credential)
		require.Equal(t, c.policy, got.Header.Get("RateLimit-Policy"), name)
	}
	refused := func() bool {
		got := v.do("GET", rest.StreamsPath, nil, "X-API-Key: "+theirs)
		return got.StatusCode == 429 && strings.Contains(string(got.body), "30 per minute and 2 at once are allowed")
	}
	require.Eventually(t, refused, time.Minute, time.Millisecond, "two at once are all")

	got := v.do("GET", rest.OrganizationPath, nil, "X-API-Key: "+key(acme.ID, core.Rate{}))
	require.Equal(t, 200, got.StatusCode)
	var shown map[string]any
	require.NoError(t, json.Unmarshal(got.body, &shown))
	require.Equal(t, map[string]any{"per_minute": 30.0, "per_second": 2.0}, shown["key_rate"])
	require.Equal(t, map[string]any{"per_minute": 3000.0, "per_second": 1.0}, shown["user_rate"])
	got = v.do("GET", rest.OrganizationPath, nil)
	require.NotContains(t, string(got.body), "rate", "the settings are the installation's")
}

// TestNobodyLimitsTheirOrganization holds that limits are a field of no request,
// also not of an admin's, and that a rename leaves them alone.
func TestNobodyLimitsTheirOrganization(t *testing.T) {
	t.Parallel()
	v := openVault(t)
	limited := v.org
	limited.KeyRate, limited.UserRate = core.Rate{PerMinute: 6000, PerSecond: 200}, core.Rate{PerMinute: 1000, PerSecond: 100}
	require.NoError(t, v.catalog.LimitOrganization(t.Context(), limited))
	admin := v.person("ann@example.com", core.RoleAdmin)
	for _, field := range []string{
		`"key_rate":{"per_minute":1000000,"per_second":1000000}`, `"user_rate":null`, `"key_rate":null`, `"KeyRate":{}`, `"rate":{"per_minute":1}`,
		`"id":"` + newID().String() + `"`, `"created_at":"2020-01-01T00:00:00Z"`,
	} {
		for method, path := range map[string]string{"PATCH": rest.OrganizationPath, "POST": rest.OrganizationsPath} {
			got := v.do(method, path, strings.NewReader(`{"name":"mine",`+field+`}`), "X-API-Key: "+admin.AccessToken)
			require.Equal(t, core.CodeValidation, got.problem(t).Code, "%s %s", method, field)
		}
	}
	stored, err := v.catalog.Organization(t.Context(), v.org.ID)
	require.NoError(t, err)
	require.Equal(t, limited, stored)
	renamed, err := v.as(admin).RenameOrganization(t.Context(), "mine")
	require.NoError(t, err)
	limited.Name = "mine"
	require.Equal(t, limited, renamed)
}
