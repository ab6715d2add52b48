package identity_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// TestAKeysRateComesBeforeItsOrganizations holds what a key is limited to: by
// its own rate, by its organization's, or by none that core knows.
func TestAKeysRateComesBeforeItsOrganizations(t *testing.T) {
	t.Parallel()
	g, own := newGate(t), core.Rate{PerMinute: 70, PerSecond: 3}
	_, plain := g.key()
	_, special := g.key(func(spec *identity.KeySpec) { spec.Rate = own })
	_, foreign, err := g.access.CreateKey(t.Context(), core.ID{2}, identity.KeySpec{Label: "a", Environment: core.Live})
	require.NoError(t, err)
	for _, c := range []struct {
		rate core.Rate
		want core.Limit
	}{
		{core.Rate{}, core.Limit{}},
		{core.Rate{PerMinute: 6000, PerSecond: 200}, core.Limit{PerMinute: 6000, Burst: 200}},
		{core.Rate{PerMinute: 600}, core.Limit{PerMinute: 600, Burst: 60}},
		{core.Rate{}, core.Limit{}},
	} {
		g.orgs.limit(core.ID{1}, c.rate, core.Rate{PerMinute: 5, PerSecond: 5})
		g.clock.Pass(2 * time.Second)
		require.Equal(t, c.want, g.accepted(g.access, plain).Limit)
		require.Equal(t, core.Limit{PerMinute: 70, Burst: 3}, g.accepted(g.access, special).Limit)
		require.Zero(t, g.accepted(g.access, foreign).Limit, "another organization's")
	}
}

// TestALimitOfAnOrganizationArrivesWithinTwoSeconds holds the promise at the
// worst moment, and that an organization is read for all its keys together.
func TestALimitOfAnOrganizationArrivesWithinTwoSeconds(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, early := g.key()
	_, late := g.key()
	g.accepted(g.access, early)
	g.clock.Pass(500*time.Millisecond - 1)
	g.orgs.limit(core.ID{1}, core.Rate{PerMinute: 6000, PerSecond: 200}, core.Rate{})
	require.Zero(t, g.accepted(g.access, late).Limit, "as it was a moment ago")
	require.Equal(t, 1, g.orgs.questions(), "one organization, two keys")
	for range 199 { // in use all the time
		g.clock.Pass(10 * time.Millisecond)
		g.accepted(g.access, early)
		g.accepted(g.access, late)
	}
	require.LessOrEqual(t, g.orgs.questions(), 4, "no more often than the two keys")
	for _, secret := range []string{early, late} {
		require.Equal(t, core.Limit{PerMinute: 6000, Burst: 200}, g.accepted(g.access, secret).Limit)
	}
}

// TestAKeyWaitsForItsOrganization holds that a key is not let in unlimited
// because its limits cannot be read.
func TestAKeyWaitsForItsOrganization(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	_, secret := g.key()
	g.orgs.broken = context.DeadlineExceeded
	_, err := g.access.Authenticate(t.Context(), secret)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	g.orgs.broken = nil
	g.accepted(g.access, secret)
}

// TestAPersonHasTheLimitOfTheOrganization holds the same for people.
func TestAPersonHasTheLimitOfTheOrganization(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	l.person("ann@example.com")
	l.person("bob@example.com")
	ann, bob := l.login("ann@example.com", password), l.login("bob@example.com", password)
	l.orgs.questions() // for the list of organizations
	limit := func(signIn core.SignIn) core.Limit {
		who, err := l.nodes[1].SignIns.Authenticate(t.Context(), signIn.AccessToken)
		require.NoError(t, err)
		return who.Limit
	}
	require.Zero(t, limit(ann))
	require.Zero(t, limit(bob))
	require.Equal(t, 1, l.orgs.questions())
	l.orgs.limit(lobbyOrg, core.Rate{PerMinute: 5, PerSecond: 5}, core.Rate{PerMinute: 1000, PerSecond: 100})
	l.clock.Pass(2*time.Second - 1)
	for range 3 {
		require.Equal(t, core.Limit{PerMinute: 1000, Burst: 100}, limit(ann))
	}
	require.Equal(t, core.Limit{PerMinute: 1000, Burst: 100}, limit(bob))
	require.Equal(t, 1, l.orgs.questions())
	l.clock.Pass(time.Second)
	l.orgs.broken = context.DeadlineExceeded
	_, err := l.nodes[1].SignIns.Authenticate(t.Context(), ann.AccessToken)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
}

// TestOnlyTheOperatorLimitsAnOrganization holds who changes limits, to what, and
// that it is recorded.
func TestOnlyTheOperatorLimitsAnOrganization(t *testing.T) {
	t.Parallel()
	l := newLobby(t)
	keys, people := core.Rate{PerMinute: 6000, PerSecond: 200}, core.Rate{PerMinute: 1000}
	limit := func(who core.Principal, limits core.OrganizationLimits) (core.Organization, error) {
		return l.nodes[0].Organizations.Limit(t.Context(), who, limits)
	}
	org, err := limit(operator(lobbyOrg), core.OrganizationLimits{Key: &keys})
	require.NoError(t, err)
	want := firm(lobbyOrg)
	want.KeyRate = keys
	require.Equal(t, want, org)
	org, err = limit(operator(lobbyOrg), core.OrganizationLimits{User: &people})
	require.NoError(t, err)
	want.UserRate = people
	require.Equal(t, want, org, "the other stays")
	require.Equal(t, core.AuditOrganizationChanged, l.trail[1].Action)
	require.Equal(t, map[string]string{"key_rate": "6000/200", "user_rate": "1000/100"}, l.trail[1].Details)

	for field, limits := range map[string]core.OrganizationLimits{
		"key_rate.per_minute":  {Key: &core.Rate{PerMinute: core.MaxLimit + 1}},
		"user_rate.per_minute": {User: &core.Rate{PerSecond: 1}},
		"user_rate.per_second": {User: &core.Rate{PerMinute: 1, PerSecond: -1}},
	} {
		_, err = limit(operator(lobbyOrg), limits)
		coretest.RequireRefusal(t, err, core.CodeValidation, field)
	}
	for _, who := range []core.Principal{{Org: lobbyOrg, User: core.ID{7}, Role: core.RoleAdmin}, {Org: lobbyOrg, Key: core.ID{7}, Role: core.RoleAdmin}} {
		_, err = limit(who, core.OrganizationLimits{Key: &core.Rate{}})
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	}
	stored, err := l.orgs.Organization(t.Context(), lobbyOrg)
	require.NoError(t, err)
	require.Equal(t, org, stored)
	require.Len(t, l.trail, 2)

	org, err = limit(operator(lobbyOrg), core.OrganizationLimits{Key: &core.Rate{}, User: &core.Rate{}})
	require.NoError(t, err)
	require.Equal(t, firm(lobbyOrg), org)
	require.Equal(t, map[string]string{"key_rate": "default", "user_rate": "default"}, l.trail[2].Details)
}
