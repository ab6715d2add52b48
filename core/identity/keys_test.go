package identity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// What is made is what was asked for, and whoever shows the secret is that.
func TestAKeyIsMadeAsAskedFor(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	expiry := c.clock.Now().Add(time.Hour + time.Nanosecond).In(time.FixedZone("elsewhere", 3600))
	key, secret := c.make(person(5, core.RoleAdmin), core.KindAPIKey, ofRole(core.RoleViewer), onStreams("orders", c.refunds.String(), "orders"), withDefault("refunds"), func(r *core.KeyRequest) {
		r.ExpiresAt, r.Rate = &core.Time{Time: expiry}, core.Rate{PerMinute: 600}
	})
	require.Equal(t, []core.ID{c.orders, c.refunds}, key.Streams)
	require.Equal(t, c.clock.Now().Add(time.Hour), *key.ExpiresAt)
	require.Equal(t, core.ID{5}, key.CreatedBy)
	require.Equal(t, core.Principal{
		Org: core.ID{1}, Key: key.ID, Label: "mailer", Role: core.RoleViewer, Streams: []core.ID{c.orders, c.refunds},
		DefaultStream: c.refunds, Limit: core.Limit{PerMinute: 600, Burst: 60},
	}, c.accepted(c.access, secret))
	token, _ := c.make(machine(7, core.RoleDeveloper), core.KindServiceToken, withDefault("orders"), func(r *core.KeyRequest) { r.Environment = "" })
	require.Equal(t, []any{core.RoleConsumer, core.Live, core.ID{7}, c.orders, 0}, []any{token.Role, token.Environment, token.CreatedBy, token.DefaultStream, len(token.Streams)})
	simple, _ := c.make(person(5, core.RoleDeveloper), core.KindAPIKey)
	require.Equal(t, core.RoleProducer, simple.Role)
}

// A request that makes no sense, or asks for what is not there, names its field.
func TestARequestForAKeyNamesItsFault(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	past := c.clock.Now()
	for field, change := range map[string]func(*core.KeyRequest){
		"label":           func(r *core.KeyRequest) { r.Label = "" },
		"environment":     func(r *core.KeyRequest) { r.Environment = "prod" },
		"role":            ofRole("king"),
		"streams[1]":      onStreams("orders", "nowhere"),
		"streams[0]":      onStreams(c.foreign.String()),
		"streams":         onStreams(make([]string, identity.MaxKeyStreams+1)...),
		"default_stream":  withDefault("elsewhere"),
		"expires_at":      func(r *core.KeyRequest) { r.ExpiresAt = &core.Time{Time: past} },
		"rate.per_minute": func(r *core.KeyRequest) { r.Rate.PerSecond = 5 },
		"rate.per_second": func(r *core.KeyRequest) { r.Rate = core.Rate{PerMinute: 1, PerSecond: -1} },
	} {
		for _, kind := range []core.KeyKind{core.KindAPIKey, core.KindServiceToken} {
			_, secret, err := c.keys.Create(t.Context(), person(5, core.RoleAdmin), kind, request(change))
			coretest.RequireRefusal(t, err, core.CodeValidation, field)
			require.Empty(t, secret)
		}
	}
	for _, change := range []func(*core.KeyRequest){withDefault("orders"), withDefault("nowhere")} {
		_, _, err := c.keys.Create(t.Context(), person(5, core.RoleAdmin), core.KindAPIKey, request(onStreams("refunds"), change))
		coretest.RequireRefusal(t, err, core.CodeValidation, "default_stream")
	}
	_, _, err := c.keys.Create(t.Context(), person(5, core.RoleAdmin), "password", request())
	coretest.RequireRefusal(t, err, core.CodeValidation, "kind")
	require.Zero(t, c.ring.made)
	c.ring.broken = coretest.ErrBroken
	_, err = c.keys.List(t.Context(), person(5, core.RoleAdmin), core.KindAPIKey, core.ID{}, "", 0)
	coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
}

// Nobody makes a key that may do more than they may themselves.
func TestNobodyMakesMoreThanTheyAre(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	narrowed := machine(7, core.RoleAdmin, c.orders)
	rate := func(r *core.KeyRequest) { r.Rate.PerMinute = 1 }
	for name, refused := range map[string]struct {
		who    core.Principal
		change func(*core.KeyRequest)
	}{
		"a viewer makes none":            {person(3, core.RoleViewer), ofRole(core.RoleProducer)},
		"a producer makes none":          {machine(3, core.RoleProducer), ofRole(core.RoleProducer)},
		"a consumer makes none":          {machine(3, core.RoleConsumer), ofRole(core.RoleConsumer)},
		"a developer makes no admin":     {person(3, core.RoleDeveloper), ofRole(core.RoleAdmin)},
		"a developer makes no developer": {person(3, core.RoleDeveloper), ofRole(core.RoleDeveloper)},
		"a developer makes no viewer":    {machine(3, core.RoleDeveloper), ofRole(core.RoleViewer)},
		"a developer sets no rate":       {person(3, core.RoleDeveloper), rate},
	} {
		for _, kind := range []core.KeyKind{core.KindAPIKey, core.KindServiceToken} {
			_, secret, err := c.keys.Create(t.Context(), refused.who, kind, request(refused.change))
			require.Equal(t, core.CodeForbidden, core.CodeOf(err), name)
			require.Empty(t, secret)
		}
	}
	for field, change := range map[string]func(*core.KeyRequest){
		"streams[0]": onStreams("refunds"), "streams[1]": onStreams("orders", "refunds"), "default_stream": withDefault("refunds"),
	} {
		_, secret, err := c.keys.Create(t.Context(), narrowed, core.KindAPIKey, request(change))
		coretest.RequireRefusal(t, err, core.CodeValidation, field)
		require.ErrorContains(t, err, field+": there is no such stream", "who is narrowed stays so, and learns no name")
		require.Empty(t, secret)
	}
	require.Zero(t, c.ring.made)
	for _, role := range core.Roles {
		c.make(person(3, core.RoleAdmin), core.KindAPIKey, ofRole(role), rate)
		key, _ := c.make(narrowed, core.KindServiceToken, ofRole(role))
		require.Equal(t, []core.ID{c.orders}, key.Streams, "what a narrowed key makes is narrowed alike")
	}
	for _, role := range []core.Role{core.RoleProducer, core.RoleConsumer, ""} {
		c.make(person(3, core.RoleDeveloper), core.KindAPIKey, ofRole(role))
	}
}

// A key is there for who made it and for who is in charge of it; for all others
// there is none.
func TestAKeyIsThereForItsOwn(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	ann, narrow := person(5, core.RoleDeveloper), machine(7, core.RoleDeveloper, c.orders)
	wide, _ := c.make(ann, core.KindAPIKey)
	own, _ := c.make(narrow, core.KindAPIKey)
	byOperator, _ := c.key()
	stranger := person(5, core.RoleAdmin)
	stranger.Org = core.ID{9}
	for name, view := range map[string]struct {
		who   core.Principal
		there []core.APIKey
	}{
		"who made it":                {ann, []core.APIKey{wide}},
		"the key that made it":       {narrow, []core.APIKey{own}},
		"a colleague":                {person(6, core.RoleDeveloper), nil},
		"a colleague's key":          {machine(8, core.RoleDeveloper), nil},
		"an admin":                   {person(6, core.RoleAdmin), []core.APIKey{wide, own, byOperator}},
		"an admin of some streams":   {machine(8, core.RoleAdmin, c.orders, c.refunds), []core.APIKey{own}},
		"an admin of other streams":  {machine(8, core.RoleAdmin, c.refunds), nil},
		"another organization":       {stranger, nil},
		"nobody, with a good role":   {core.Principal{Org: core.ID{1}, Role: core.RoleDeveloper}, nil},
		"who made it, when an admin": {person(5, core.RoleAdmin), []core.APIKey{wide, own, byOperator}},
	} {
		page, err := c.keys.List(t.Context(), view.who, core.KindAPIKey, core.ID{}, "", 0)
		require.NoError(t, err, name)
		require.ElementsMatch(t, view.there, page.Items, name)
		for _, key := range []core.APIKey{wide, own, byOperator} {
			there := slices.ContainsFunc(view.there, func(k core.APIKey) bool { return k.ID == key.ID })
			_, err := c.keys.Get(t.Context(), view.who, core.KindAPIKey, key.ID.String())
			require.Equal(t, there, err == nil, "%s: %v", name, err)
			if !there {
				c.nothing(view.who, core.KindAPIKey, key.ID.String())
			}
		}
	}
	c.nothing(person(6, core.RoleAdmin), core.KindServiceToken, wide.ID.String())
	c.nothing(person(6, core.RoleAdmin), core.KindAPIKey, core.ID{4}.String())
	_, err := c.keys.Get(t.Context(), ann, core.KindAPIKey, "7")
	coretest.RequireRefusal(t, err, core.CodeValidation, "id")
}

// Who has no right to keys sees none and revokes none, not even those that they
// made when they had it.
func TestKeysNeedTheRightToThem(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	key, secret := c.make(person(5, core.RoleDeveloper), core.KindAPIKey)
	for _, who := range []core.Principal{person(5, core.RoleViewer), machine(7, core.RoleProducer)} {
		_, err := c.keys.List(t.Context(), who, core.KindAPIKey, core.ID{}, "", 0)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err))
		require.Equal(t, core.CodeForbidden, core.CodeOf(c.keys.Revoke(t.Context(), who, core.KindAPIKey, key.ID.String(), false)))
	}
	c.accepted(c.access, secret)
}

// Pages of any size make up the list, past keys that are not there for the
// reader, and a cursor leads on in its own list only.
func TestPagesOfKeysMakeUpTheList(t *testing.T) {
	t.Parallel()
	c := newClerk(t)
	admin, narrow := person(6, core.RoleAdmin), machine(7, core.RoleAdmin, c.orders)
	var all, narrowed []core.ID
	for i := range 17 {
		if i%4 == 0 {
			c.clock.Pass(time.Microsecond)
		}
		key, _ := c.make(admin, core.KindAPIKey)
		all = append(all, key.ID)
		if i%3 == 0 {
			key, _ = c.make(narrow, core.KindAPIKey)
			all, narrowed = append(all, key.ID), append(narrowed, key.ID)
		}
		c.make(admin, core.KindServiceToken)
	}
	for _, limit := range []int{1, 2, 3, 5, 22, 23, 24} {
		require.ElementsMatch(t, all, c.pages(admin, limit))
		require.ElementsMatch(t, narrowed, c.pages(narrow, limit))
	}
	page, err := c.keys.List(t.Context(), admin, core.KindAPIKey, core.ID{}, "", 2)
	require.NoError(t, err)
	elsewhere := admin
	elsewhere.Org = core.ID{9}
	for _, bad := range []func() error{
		func() error {
			_, err := c.keys.List(t.Context(), admin, core.KindServiceToken, core.ID{}, page.NextCursor, 2)
			return err
		},
		func() error {
			_, err := c.keys.List(t.Context(), elsewhere, core.KindAPIKey, core.ID{}, page.NextCursor, 2)
			return err
		},
		func() error {
			_, err := c.keys.List(t.Context(), admin, core.KindAPIKey, core.ID{}, "AAAA", 2)
			return err
		},
	} {
		coretest.RequireRefusal(t, bad(), core.CodeValidation, "cursor")
	}
	_, err = c.keys.List(t.Context(), admin, core.KindAPIKey, core.ID{}, "", 1001)
	coretest.RequireRefusal(t, err, core.CodeValidation, "limit")
}
