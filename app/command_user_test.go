package app_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // to change a record behind the server's back

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// TestTheFirstAdminIsMadeOnTheHost holds that a set-up link is good once, that
// users are made with a password from the standard input, and that the trail
// of all this is checked, and a changed record named.
func TestTheFirstAdminIsMadeOnTheHost(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve(secret)
	link := h.run([]string{secret}, "user", "setup-link")
	require.Zero(t, link.code, link.stderr)
	_, ticket, found := strings.Cut(strings.TrimSpace(link.stdout), "/setup#t=")
	require.True(t, found, link.stdout)
	client := server.client("")
	request := rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: "Correct-Horse-9"}
	signedIn, err := client.Setup(context.Background(), request)
	require.NoError(t, err)
	require.Equal(t, core.RoleAdmin, signedIn.User.Role)
	_, err = client.Setup(context.Background(), request)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	again := h.run([]string{secret}, "user", "setup-link")
	require.NotZero(t, again.code)
	require.Contains(t, again.stderr, "has users already")

	weak := h.command(context.Background(), []string{secret}, "user", "create", "--email", "bob@example.com", "--role", "viewer")
	weak.Stdin = strings.NewReader("weak\n")
	require.Error(t, weak.Run())
	create := h.command(context.Background(), []string{secret}, "user", "create", "--email", "bob@example.com", "--role", "viewer")
	create.Stdin = strings.NewReader("Correct-Horse-9\n")
	require.NoError(t, create.Run())
	listed := h.run([]string{secret}, "user", "list")
	require.Contains(t, listed.stdout, "bob@example.com")
	require.Contains(t, listed.stdout, "viewer")
	_, err = client.Login(context.Background(), rest.LoginRequest{Email: "bob@example.com", Password: "Correct-Horse-9"})
	require.NoError(t, err)

	whole := h.run([]string{secret}, "audit", "verify")
	require.Zero(t, whole.code, whole.stderr)
	require.Contains(t, whole.stdout, "is whole: 4 records")
	require.Zero(t, server.stop())
	db, err := sql.Open("sqlite", filepath.Join(h.folder, "eventflow_data", "events.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(context.Background(), `update events set payload = replace(payload, 'ann@', 'eve@') where type = 'login.succeeded' and "offset" = 1`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	damaged := h.run([]string{secret}, "audit", "verify")
	require.Equal(t, 1, damaged.code)
	require.Contains(t, damaged.stderr, "is damaged at record 2")
}

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
	require.Contains(t, h.run([]string{secret}, "audit", "verify", "--org", "acme").stdout, `"acme" is whole`)
	unknown := h.run([]string{secret}, "user", "list", "--org", "umbrella")
	require.NotZero(t, unknown.code)
	require.Contains(t, unknown.stderr, "no such organization")
	require.NotZero(t, h.run([]string{secret}, "org", "create", "acme").code)
}

// The secret is changed without a moment in which somebody is shut out: keys,
// sessions and links of the one before stay good while it is named.
func TestTheSecretIsChanged(t *testing.T) {
	t.Parallel()
	h, ctx := newHome(t), context.Background()
	server := h.serve(secret)
	key := h.key()
	_, ticket, _ := strings.Cut(strings.TrimSpace(h.run([]string{secret}, "user", "setup-link").stdout), "#t=")
	signedIn, err := server.client("").Setup(ctx, rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: goodPassword, WantRefreshToken: true})
	require.NoError(t, err)
	invited, err := server.client(signedIn.AccessToken).Invite(ctx, rest.InviteRequest{Email: "bob@example.com", Role: core.RoleViewer})
	require.NoError(t, err)
	require.Zero(t, server.stop())

	const next = "EVENTFLOW_SECRET=another-secret-for-programs-that-live-on-and-on"
	for _, kept := range []bool{false, true} {
		server = h.serve(next, "EVENTFLOW_SECRET_PREVIOUS="+map[bool]string{true: strings.TrimPrefix(secret, "EVENTFLOW_SECRET=")}[kept])
		_, err = server.client(key).StreamsPage(ctx, core.StreamQuery{})
		require.Equal(t, kept, err == nil, "the key: %v", err)
		_, err = server.client(signedIn.AccessToken).Me(ctx)
		require.Equal(t, kept, err == nil, "the access token: %v", err)
		again, err := server.client("").Refresh(ctx, rest.RefreshRequest{RefreshToken: signedIn.RefreshToken, WantRefreshToken: true})
		require.Equal(t, kept, err == nil, "the refresh token: %v", err)
		if kept {
			_, err = server.client(again.AccessToken).Me(ctx)
			require.NoError(t, err, "the new secret's")
			_, ticket, _ := strings.Cut(invited.Link, "#invite=")
			_, err = server.client("").Accept(ctx, rest.AcceptRequest{Token: ticket, Password: goodPassword})
			require.NoError(t, err, "the link")
		}
		require.Zero(t, server.stop())
	}
}
