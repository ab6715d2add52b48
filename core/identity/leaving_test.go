package identity_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// bureau is an organization of people who make keys, under the real policies.
type bureau struct {
	*clerk
	people *identity.UseCases
	boss   core.Principal
	trail  []core.AuditRecord
}

func newBureau(t *testing.T) *bureau {
	t.Helper()
	b := &bureau{clerk: newClerk(t)}
	secret := make([]byte, identity.MinSecretBytes)
	tokens, err := jwt.New(secret)
	require.NoError(t, err)
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	b.people, err = identity.New(identity.Ports{
		Organizations: b.orgs, Users: b.ring, Sessions: b.ring, Tickets: b.ring, Credentials: b.ring, Streams: b.streams.Streams,
		Hasher: plainHasher{}, Tokens: tokens, Authorizer: authorizer, Secret: secret, Now: b.clock.Now,
		Record: func(_ context.Context, record core.AuditRecord) { b.trail = append(b.trail, record) },
	})
	require.NoError(t, err)
	b.keys, b.access = b.people.Keys, b.people.Access
	b.boss = b.hire("boss@example.com", core.RoleAdmin)
	return b
}

func (b *bureau) hire(email string, role core.Role) core.Principal {
	b.t.Helper()
	user, err := b.people.Users.Create(b.t.Context(), operator(core.ID{1}), identity.NewPerson{Email: email, Password: password}, role)
	require.NoError(b.t, err)
	return user.Principal()
}

// made is what somebody has made: a key for each role that they may hand out, by role,
// and below an admin's key what that has made. Revoked is a key that works no more.
func (b *bureau) made(who core.Principal, roles ...core.Role) (keys map[core.Role]core.APIKey, secrets map[core.Role]string) {
	b.t.Helper()
	keys, secrets = map[core.Role]core.APIKey{}, map[core.Role]string{}
	for i, role := range roles {
		keys[role], secrets[role] = b.make(who, []core.KeyKind{core.KindAPIKey, core.KindServiceToken}[i%2], ofRole(role))
	}
	revoked, _ := b.make(who, core.KindAPIKey)
	require.NoError(b.t, b.keys.Revoke(b.t.Context(), who, core.KindAPIKey, revoked.ID.String(), false))
	return keys, secrets
}

func idsOf(keys []core.APIKey) (ids []core.ID) {
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return ids
}

// leaves makes somebody leave in one of the ways.
var leaves = map[string]func(*bureau, core.Principal, core.KeyFate) ([]core.APIKey, error){
	"disabled": func(b *bureau, who core.Principal, fate core.KeyFate) ([]core.APIKey, error) {
		state := core.UserDisabled
		_, keys, err := b.people.Users.Change(b.t.Context(), b.boss, who.User.String(), core.UserChange{State: &state}, 0, fate)
		return keys, err
	},
	"removed": func(b *bureau, who core.Principal, fate core.KeyFate) ([]core.APIKey, error) {
		return b.people.Users.Remove(b.t.Context(), b.boss, who.User.String(), fate)
	},
}

// Whoever disables or removes somebody is told which keys that person leaves, before and
// after, and decides what becomes of them.
func TestTheKeysOfWhoLeavesMeetTheirFate(t *testing.T) {
	t.Parallel()
	for way, leave := range leaves {
		for _, fate := range []core.KeyFate{"", core.KeepKeys, core.RevokeKeys, core.HandOverKeys} {
			b := newBureau(t)
			ann := b.hire("ann@example.com", core.RoleAdmin)
			keys, secrets := b.made(ann, core.RoleAdmin, core.RoleProducer)
			child, childSecret := b.make(b.accepted(b.access, secrets[core.RoleAdmin]), core.KindAPIKey)
			_, bosses := b.make(b.boss, core.KindAPIKey)
			want := []core.ID{keys[core.RoleAdmin].ID, keys[core.RoleProducer].ID, child.ID}
			before, err := b.people.Users.Keys(t.Context(), b.boss, ann.User.String(), "")
			require.NoError(t, err)
			require.ElementsMatch(t, want, idsOf(before), way)

			b.trail = nil
			left, err := leave(b, ann, fate)
			require.NoError(t, err)
			require.ElementsMatch(t, want, idsOf(left), "%s %s", way, fate)
			b.accepted(b.access, bosses)
			for _, secret := range []string{secrets[core.RoleAdmin], secrets[core.RoleProducer], childSecret} {
				if fate == core.RevokeKeys {
					b.refused(b.access, secret)
				} else {
					b.accepted(b.access, secret)
				}
			}
			recorded := map[core.AuditAction]int{}
			for _, record := range b.trail {
				recorded[record.Action]++
			}
			require.Equal(t, map[core.KeyFate]int{core.RevokeKeys: 3}[fate], recorded[core.AuditKeyRevoked])
			require.Equal(t, map[core.KeyFate]int{core.HandOverKeys: 2}[fate], recorded[core.AuditKeyHandedOver])
			owner := map[core.KeyFate]core.ID{core.HandOverKeys: b.boss.User}[fate]
			if owner.IsZero() {
				owner = ann.User
			}
			for id, creator := range map[core.ID]core.ID{keys[core.RoleAdmin].ID: owner, keys[core.RoleProducer].ID: owner, child.ID: keys[core.RoleAdmin].ID} {
				key, err := b.ring.Key(t.Context(), core.ID{1}, id)
				require.NoError(t, err)
				require.Equal(t, creator, key.CreatedBy, "%s %s", way, fate)
			}
		}
	}
}

// Somebody who gets another role leaves the keys that are wider than it, and no others.
func TestADemotionLeavesTheWiderKeys(t *testing.T) {
	t.Parallel()
	all := []core.Role{core.RoleAdmin, core.RoleDeveloper, core.RoleViewer, core.RoleProducer, core.RoleConsumer}
	for to, wider := range map[core.Role][]core.Role{
		core.RoleAdmin:     nil,
		core.RoleDeveloper: {core.RoleAdmin},
		core.RoleViewer:    {core.RoleAdmin, core.RoleDeveloper, core.RoleProducer, core.RoleConsumer},
	} {
		b := newBureau(t)
		ann := b.hire("ann@example.com", core.RoleAdmin)
		keys, secrets := b.made(ann, all...)
		before, err := b.people.Users.Keys(t.Context(), b.boss, ann.User.String(), to)
		require.NoError(t, err)
		user, left, err := b.people.Users.Change(t.Context(), b.boss, ann.User.String(), core.UserChange{Role: &to}, 0, core.RevokeKeys)
		require.NoError(t, err)
		require.Equal(t, to, user.Role)
		require.Equal(t, idsOf(before), idsOf(left), to)
		var want []core.ID
		for _, role := range wider {
			want = append(want, keys[role].ID)
			b.refused(b.access, secrets[role])
			delete(secrets, role)
		}
		require.ElementsMatch(t, want, idsOf(left), to)
		for _, secret := range secrets {
			b.accepted(b.access, secret)
		}
	}
}

// A fate that makes no sense changes nothing, and a change that leaves no keys tells of
// none.
func TestAFateMustMakeSense(t *testing.T) {
	t.Parallel()
	b := newBureau(t)
	ann := b.hire("ann@example.com", core.RoleDeveloper)
	_, secrets := b.made(ann, core.RoleProducer)
	name, state := "Ann", core.UserDisabled
	for _, change := range []core.UserChange{{Name: &name}, {State: &state}} {
		_, _, err := b.people.Users.Change(t.Context(), b.boss, ann.User.String(), change, 0, "burn")
		coretest.RequireRefusal(t, err, core.CodeValidation, "keys")
		_, _, err = b.people.Users.Change(t.Context(), operator(core.ID{1}), ann.User.String(), change, 0, core.HandOverKeys)
		coretest.RequireRefusal(t, err, core.CodeValidation, "keys")
	}
	_, err := b.people.Users.Remove(t.Context(), b.boss, ann.User.String(), "burn")
	coretest.RequireRefusal(t, err, core.CodeValidation, "keys")
	_, err = b.people.Users.Keys(t.Context(), b.boss, ann.User.String(), core.RoleProducer)
	coretest.RequireRefusal(t, err, core.CodeValidation, "role")
	user, left, err := b.people.Users.Change(t.Context(), b.boss, ann.User.String(), core.UserChange{Name: &name}, 0, core.RevokeKeys)
	require.NoError(t, err)
	require.Equal(t, []any{name, core.UserActive, 0}, []any{user.Name, user.State, len(left)})
	b.accepted(b.access, secrets[core.RoleProducer])
}
