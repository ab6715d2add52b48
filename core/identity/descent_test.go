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

// admin is a key of the role admin that a person has made, with whoever presents it.
func (c *clerk) admin(changes ...func(*core.KeyRequest)) (core.APIKey, core.Principal) {
	c.t.Helper()
	key, secret := c.make(person(5, core.RoleAdmin), core.KindAPIKey, append([]func(*core.KeyRequest){ofRole(core.RoleAdmin)}, changes...)...)
	return key, c.accepted(c.access, secret)
}

// child is a key of the role admin that another one has made.
func (c *clerk) child(maker core.Principal, changes ...func(*core.KeyRequest)) (core.APIKey, core.Principal) {
	c.t.Helper()
	key, secret := c.make(maker, core.KindServiceToken, append([]func(*core.KeyRequest){ofRole(core.RoleAdmin)}, changes...)...)
	return key, c.accepted(c.access, secret)
}

func expiring(at time.Time) func(*core.KeyRequest) {
	return func(r *core.KeyRequest) { r.ExpiresAt = &core.Time{Time: at} }
}

// What a key makes expires no later than the key, and so does what that makes.
func TestAChildExpiresNoLaterThanItsMaker(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	until := c.clock.Now().Add(time.Hour)
	_, maker := c.admin(expiring(until))
	sooner, _ := c.child(maker, expiring(until.Add(-time.Minute)))
	require.Equal(t, until.Add(-time.Minute), *sooner.ExpiresAt)
	child, asChild := c.child(maker)
	grandchild, _ := c.child(asChild)
	require.Equal(t, []*time.Time{&until, &until}, []*time.Time{child.ExpiresAt, grandchild.ExpiresAt})
	for _, who := range []core.Principal{maker, asChild} {
		_, _, err := c.keys.Create(t.Context(), who, core.KindAPIKey, request(expiring(until.Add(time.Second))))
		coretest.RequireRefusal(t, err, core.CodeValidation, "expires_at")
	}
	free, asFree := c.admin()
	require.Nil(t, free.ExpiresAt)
	late, _ := c.child(asFree, expiring(until.Add(time.Hour)))
	require.Equal(t, until.Add(time.Hour), *late.ExpiresAt)
}

// What a key makes counts in its rate as well as in its own, at any depth, also after
// the maker was revoked.
func TestAChildCountsInTheRateOfItsMakers(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	maker, asMaker := c.admin(func(r *core.KeyRequest) { r.Rate = core.Rate{PerMinute: 60} })
	child, asChild := c.child(asMaker, func(r *core.KeyRequest) { r.Rate = core.Rate{PerMinute: 9000} })
	grandchild, secret := c.make(asChild, core.KindAPIKey)
	require.Empty(t, asMaker.Makers)
	require.Equal(t, []core.Maker{{Key: maker.ID, Limit: maker.Rate.Limit()}}, asChild.Makers)
	want := []core.Maker{{Key: child.ID, Limit: child.Rate.Limit()}, {Key: maker.ID, Limit: maker.Rate.Limit()}}
	for _, node := range []*identity.Access{c.access, c.node(7)} {
		require.Equal(t, want, c.accepted(node, secret).Makers)
	}
	require.NoError(t, c.keys.Revoke(t.Context(), person(5, core.RoleAdmin), core.KindAPIKey, maker.ID.String(), false))
	for range 3 {
		c.clock.Pass(2 * time.Second)
		require.Equal(t, want, c.accepted(c.access, secret).Makers)
	}
	require.Nil(t, grandchild.ExpiresAt)
}

// A role is handed out by whoever may all that it may, and by nobody else: the order of
// the roles does not count.
func TestARoleIsHandedOutByItsPermissions(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	c.keys = identity.NewKeys(identity.KeyPorts{
		Access: c.access, Credentials: c.ring, Streams: c.streams.Streams, Now: c.clock.Now,
		Authorizer: lacking{role: core.RoleAdmin, action: core.ActionIngest},
	})
	for _, role := range []core.Role{core.RoleProducer, core.RoleDeveloper} {
		_, secret, err := c.keys.Create(t.Context(), person(5, core.RoleAdmin), core.KindAPIKey, request(ofRole(role)))
		require.Equal(t, core.CodeForbidden, core.CodeOf(err), role)
		require.ErrorContains(t, err, "permissions that you do not have")
		require.Empty(t, secret)
	}
	c.make(person(5, core.RoleAdmin), core.KindAPIKey, ofRole(core.RoleAdmin))
	c.make(person(5, core.RoleDeveloper), core.KindAPIKey, ofRole(core.RoleProducer))
}

// lacking permits everything but one action to one role.
type lacking struct {
	role   core.Role
	action core.Action
}

func (l lacking) Allow(who core.Principal, _ core.ID, action core.Action) error {
	if who.Role == l.role && action == l.action {
		return core.Errorf(core.CodeForbidden, "this is lacking")
	}
	return nil
}

// Revoking a key leaves what it has made alone, unless it is revoked with its children,
// which are all that descend from it. That can be asked for later, too.
func TestAKeyIsRevokedWithItsChildren(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann := person(5, core.RoleAdmin)
	maker, asMaker := c.admin()
	child, asChild := c.child(asMaker)
	grandchild, secret := c.make(asChild, core.KindAPIKey)
	_, stranger := c.make(machine(7, core.RoleAdmin), core.KindAPIKey)
	children, err := c.keys.Children(t.Context(), ann, core.KindAPIKey, maker.ID.String())
	require.NoError(t, err)
	require.ElementsMatch(t, []core.ID{child.ID, grandchild.ID}, []core.ID{children[0].ID, children[1].ID})
	for _, who := range []core.Principal{person(6, core.RoleDeveloper), machine(8, core.RoleAdmin, c.orders)} {
		_, err := c.keys.Children(t.Context(), who, core.KindAPIKey, maker.ID.String())
		require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	}
	require.NoError(t, c.keys.Revoke(t.Context(), ann, core.KindServiceToken, child.ID.String(), false))
	c.accepted(c.access, secret)
	require.NoError(t, c.keys.Revoke(t.Context(), ann, core.KindAPIKey, maker.ID.String(), true))
	c.refused(c.access, secret)
	c.accepted(c.access, stranger)
	children, err = c.keys.Children(t.Context(), ann, core.KindAPIKey, maker.ID.String())
	require.NoError(t, err)
	require.Empty(t, children)
}

// A key that is revoked while it makes another one has made none that works.
func TestAKeyThatIsRevokedMakesNoMore(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann := person(5, core.RoleAdmin)
	maker, asMaker := c.admin()
	var fail error
	keys := identity.NewKeys(identity.KeyPorts{
		Access: c.access, Streams: c.streams.Streams, Authorizer: coretest.Everything{}, Now: c.clock.Now,
		Credentials: &revoking{keyring: c.ring, after: func() { // the maker was looked at, and the child is made
			fail = c.keys.Revoke(context.Background(), ann, core.KindAPIKey, maker.ID.String(), true)
		}},
	})
	_, secret, err := keys.Create(t.Context(), asMaker, core.KindAPIKey, request())
	require.NoError(t, fail)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	require.Empty(t, secret)
	made, err := c.ring.Keys(t.Context(), core.ID{1}, core.KeyScan{CreatedBy: maker.ID})
	require.NoError(t, err)
	require.NotNil(t, made[0].RevokedAt)
	_, _, err = c.keys.Create(t.Context(), asMaker, core.KindAPIKey, request())
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err), "however long this node remembers it")
}

// revoking is a keyring in which something happens after a key was looked up once.
type revoking struct {
	*keyring
	after func()
}

func (r *revoking) Key(ctx context.Context, org, id core.ID) (core.APIKey, error) {
	key, err := r.keyring.Key(ctx, org, id)
	if after := r.after; after != nil {
		r.after = nil
		after()
	}
	return key, err
}

// Keys make keys only so deep, because a request counts in the rate of each of them.
func TestKeysDescendOnlySoDeep(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	_, who := c.admin()
	for range 7 {
		_, who = c.child(who)
	}
	require.Len(t, who.Makers, 7)
	_, _, err := c.keys.Create(t.Context(), who, core.KindAPIKey, request())
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	require.ErrorContains(t, err, "8 deep")
}

// A key gets the secret of none but itself and what descends from it: with another one
// it would outlive its own revocation, and its rate.
func TestAKeyRotatesItsOwnOnly(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	maker, asMaker := c.admin()
	child, asChild := c.child(asMaker)
	grandchild, _ := c.child(asChild)
	foreign, _ := c.admin()
	rotate := func(who core.Principal, key core.APIKey) error {
		_, secret, err := c.keys.Rotate(t.Context(), who, key.Kind, key.ID.String(), nil)
		require.Equal(t, err != nil, secret == "")
		return err
	}
	for _, key := range []core.APIKey{maker, child, grandchild} {
		require.NoError(t, rotate(asMaker, key))
	}
	for who, keys := range map[*core.Principal][]core.APIKey{&asMaker: {foreign}, &asChild: {maker, foreign}} {
		for _, key := range keys {
			require.Equal(t, core.CodeForbidden, core.CodeOf(rotate(*who, key)))
		}
	}
	require.NoError(t, rotate(person(6, core.RoleAdmin), foreign))
}

// Keys are found by who made them, by those alone who see them anyway.
func TestKeysAreListedByTheirMaker(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann, bob, admin := person(5, core.RoleDeveloper), person(6, core.RoleDeveloper), person(4, core.RoleAdmin)
	hers, _ := c.make(ann, core.KindAPIKey)
	his, _ := c.make(bob, core.KindAPIKey)
	for name, list := range map[string]struct {
		who     core.Principal
		creator core.ID
		found   []core.APIKey
	}{
		"an admin looks for one":     {admin, core.ID{5}, []core.APIKey{hers}},
		"an admin looks for another": {admin, core.ID{6}, []core.APIKey{his}},
		"an admin looks for all":     {admin, core.ID{}, []core.APIKey{hers, his}},
		"nobody has this id":         {admin, core.ID{99}, nil},
		"somebody looks for theirs":  {ann, core.ID{5}, []core.APIKey{hers}},
		"somebody looks for another": {ann, core.ID{6}, nil},
	} {
		page, err := c.keys.List(t.Context(), list.who, core.KindAPIKey, list.creator, "", 0)
		require.NoError(t, err, name)
		require.ElementsMatch(t, list.found, page.Items, name)
	}
	c.make(bob, core.KindAPIKey)
	page, err := c.keys.List(t.Context(), admin, core.KindAPIKey, core.ID{6}, "", 1)
	require.NoError(t, err)
	_, err = c.keys.List(t.Context(), admin, core.KindAPIKey, core.ID{5}, page.NextCursor, 1)
	coretest.RequireRefusal(t, err, core.CodeValidation, "cursor")
}
