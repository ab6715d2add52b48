package identity_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// clerk makes keys for whoever asks, under the real policies.
type clerk struct {
	*gate
	streams *coretest.Rig
	keys    *identity.Keys
	// orders and refunds are streams of the organization, foreign is another's.
	orders, refunds, foreign core.ID
}

func newClerk(t *testing.T) *clerk {
	t.Helper()
	c := &clerk{gate: newGate(t), streams: coretest.NewRig(t, nil)}
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	c.keys = identity.NewKeys(identity.KeyPorts{
		Access: c.access, Credentials: c.ring, Streams: c.streams.Streams, Authorizer: authorizer, Now: c.clock.Now,
	})
	for id := byte(7); id <= 8; id++ { // whom machine makes
		require.NoError(t, c.ring.Catalog.CreateKey(t.Context(), core.APIKey{
			ID: core.ID{id}, Org: core.ID{1}, Kind: core.KindServiceToken, Role: core.RoleAdmin, Hash: core.KeyHash{id}, CreatedBy: core.ID{77}, CreatedAt: c.clock.Now(),
		}))
	}
	c.orders = c.streams.Create(core.StreamSpec{Name: "orders"})
	c.refunds = c.streams.Create(core.StreamSpec{Name: "refunds"})
	c.streams.Who.Org = core.ID{9}
	c.foreign = c.streams.Create(core.StreamSpec{Name: "elsewhere"})
	return c
}

// person is a user of a role.
func person(id byte, role core.Role) core.Principal {
	return core.Principal{Org: core.ID{1}, User: core.ID{id}, Label: fmt.Sprint("person ", id), Role: role}
}

// machine is a key of a role, narrowed to streams.
func machine(id byte, role core.Role, streams ...core.ID) core.Principal {
	return core.Principal{Org: core.ID{1}, Key: core.ID{id}, Label: fmt.Sprint("machine ", id), Role: role, Streams: streams}
}

// request is a good one for either kind, changed.
func request(changes ...func(*core.KeyRequest)) core.KeyRequest {
	r := core.KeyRequest{Label: "mailer", Environment: core.Live}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func (c *clerk) make(who core.Principal, kind core.KeyKind, changes ...func(*core.KeyRequest)) (core.APIKey, string) {
	c.t.Helper()
	key, secret, err := c.keys.Create(c.t.Context(), who, kind, request(changes...))
	require.NoError(c.t, err)
	return key, secret
}

func ofRole(role core.Role) func(*core.KeyRequest) {
	return func(r *core.KeyRequest) { r.Role = role }
}

func onStreams(streams ...string) func(*core.KeyRequest) {
	return func(r *core.KeyRequest) { r.Streams = streams }
}

func withDefault(stream string) func(*core.KeyRequest) {
	return func(r *core.KeyRequest) { r.DefaultStream = stream }
}

// nothing holds that a key is not there, whatever is done with it.
func (c *clerk) nothing(who core.Principal, kind core.KeyKind, id string) {
	c.t.Helper()
	_, err := c.keys.Get(c.t.Context(), who, kind, id)
	require.EqualError(c.t, err, "NOT_FOUND: there is no such "+kind.String())
	_, secret, err := c.keys.Rotate(c.t.Context(), who, kind, id, nil)
	require.Equal(c.t, core.CodeNotFound, core.CodeOf(err))
	require.Empty(c.t, secret)
	require.Equal(c.t, core.CodeNotFound, core.CodeOf(c.keys.Revoke(c.t.Context(), who, kind, id, false)))
}

// pages returns the keys of a list, page after page.
func (c *clerk) pages(who core.Principal, limit int) (ids []core.ID) {
	c.t.Helper()
	for cursor := ""; ; {
		page, err := c.keys.List(c.t.Context(), who, core.KindAPIKey, core.ID{}, cursor, limit)
		require.NoError(c.t, err)
		require.LessOrEqual(c.t, len(page.Items), limit)
		for _, key := range page.Items {
			ids = append(ids, key.ID)
		}
		if cursor = page.NextCursor; !page.HasMore {
			return ids
		}
	}
}
