package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// An organization invites as many people, and makes as many keys, as it may have. One that
// is revoked makes room.
func TestPeopleAndKeysOfAnOrganizationAreBounded(t *testing.T) {
	t.Parallel()
	catalog := memory.NewCatalog()
	org, err := identity.FirstOrganization(t.Context(), catalog, time.Now())
	require.NoError(t, err)
	secret := make([]byte, identity.MinSecretBytes)
	tokens, err := jwt.New(secret)
	require.NoError(t, err)
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	shares := eventlog.NewShares(eventlog.SharePorts{
		Organizations: catalog, Holdings: catalog, Authorizer: authorizer, General: core.Shares{Users: 2, Keys: 1}, Now: time.Now,
	})
	people, err := identity.New(identity.Ports{
		Organizations: catalog, Users: catalog, Sessions: catalog, Tickets: catalog, Credentials: catalog, Shares: shares,
		Hasher: plainHasher{}, Tokens: tokens, Authorizer: authorizer, Secret: secret, Now: time.Now,
	})
	require.NoError(t, err)
	user, err := people.Users.Create(t.Context(), operator(org.ID), identity.NewPerson{Email: "boss@example.com", Password: password}, core.RoleAdmin)
	require.NoError(t, err)
	boss := user.Principal()
	full := func(share core.Share, err error) {
		t.Helper()
		require.Equal(t, core.CodeConflict, core.CodeOf(err), "%v", err)
		require.ErrorContains(t, err, string(share))
	}
	invite := func(email string) error {
		_, _, err := people.Users.Invite(t.Context(), boss, email, "", core.RoleViewer)
		return err
	}
	require.NoError(t, invite("ann@example.com"))
	full(core.ShareUsers, invite("bob@example.com"))

	create := func() (core.APIKey, error) {
		key, _, err := people.Keys.Create(t.Context(), boss, core.KindAPIKey, core.KeyRequest{Label: "x", Environment: core.Live})
		return key, err
	}
	key, err := create()
	require.NoError(t, err)
	_, err = create()
	full(core.ShareKeys, err)
	require.NoError(t, people.Keys.Revoke(t.Context(), boss, core.KindAPIKey, key.ID.String(), false))
	_, err = create()
	require.NoError(t, err)
}
