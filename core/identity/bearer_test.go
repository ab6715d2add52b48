package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Who began some work is who they are now, or nobody: whatever became of them is known
// at once.
func TestBearerIsWhoSomebodyIsNow(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	found := func(org, id core.ID) core.Principal {
		who, err := b.people.Bearer(t.Context(), org, id)
		require.NoError(t, err)
		return who
	}
	nobody := func(org, id core.ID) {
		t.Helper()
		_, err := b.people.Bearer(t.Context(), org, id)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	}
	ann := b.hire("ann@example.com", core.RoleDeveloper)
	require.Equal(t, ann, found(ann.Org, ann.User))
	nobody(core.ID{9}, ann.User)
	nobody(ann.Org, core.ID{200})

	until := b.clock.Now().Add(time.Hour)
	key, _ := b.make(ann, core.KindAPIKey, onStreams("orders"), func(r *core.KeyRequest) { r.ExpiresAt = &core.Time{Time: until} })
	who := found(ann.Org, key.ID)
	require.Equal(t, []any{key.ID, core.RoleProducer, []core.ID{b.orders}}, []any{who.Key, who.Role, who.Streams})
	nobody(core.ID{9}, key.ID)
	b.clock.Pass(time.Hour)
	nobody(ann.Org, key.ID)

	token, _ := b.make(ann, core.KindServiceToken)
	require.Equal(t, core.RoleConsumer, found(ann.Org, token.ID).Role)
	require.NoError(t, b.keys.Revoke(t.Context(), ann, core.KindServiceToken, token.ID.String(), false))
	nobody(ann.Org, token.ID)

	role, off := core.RoleViewer, core.UserDisabled
	_, _, err := b.people.Users.Change(t.Context(), b.boss, ann.User.String(), core.UserChange{Role: &role}, 0, core.KeepKeys)
	require.NoError(t, err)
	require.Equal(t, core.RoleViewer, found(ann.Org, ann.User).Role)
	_, _, err = b.people.Users.Change(t.Context(), b.boss, ann.User.String(), core.UserChange{State: &off}, 0, core.KeepKeys)
	require.NoError(t, err)
	nobody(ann.Org, ann.User)
	eve := b.hire("eve@example.com", core.RoleDeveloper)
	_, err = b.people.Users.Remove(t.Context(), b.boss, eve.User.String(), core.KeepKeys)
	require.NoError(t, err)
	nobody(eve.Org, eve.User)
}
