package app_test

import (
	"context"
	"database/sql"
	"encoding/json"
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
	require.Contains(t, again.stderr, "already has users")

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
	require.Contains(t, whole.stdout, "is intact: 5 records")
	require.Zero(t, server.stop())
	db, err := sql.Open("sqlite", filepath.Join(h.folder, "eventflow_data", "events.db"))
	require.NoError(t, err)
	_, err = db.ExecContext(context.Background(), `update events set payload = replace(payload, 'ann@', 'eve@') where type = 'login.succeeded' and "offset" = 2`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	damaged := h.run([]string{secret}, "audit", "verify")
	require.Equal(t, 1, damaged.code)
	require.Contains(t, damaged.stderr, "is damaged at record 3")
}

// TestUserListPrintsJSON holds the form for programs, which has no password, and
// is an empty list where there is nobody.
func TestUserListPrintsJSON(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	require.Equal(t, "[]\n", h.run([]string{secret}, "user", "list", "-o", "json").stdout)
	id := h.must("user", "create", "--email", "ann@example.com", "--name", "Ann", "--role", "developer")
	o := h.run([]string{secret}, "user", "list", "--output", "json")
	require.Zero(t, o.code, o.stderr)
	var users []core.User
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &users))
	require.Len(t, users, 1)
	user := users[0]
	require.Equal(t, []any{id, "ann@example.com", "Ann", core.RoleDeveloper, core.UserActive}, []any{user.ID.String(), user.Email, user.Name, user.Role, user.State})
	require.NotContains(t, o.stdout, "argon2")
	require.NotContains(t, o.stdout, goodPassword)
	wrong := h.run([]string{secret}, "user", "list", "-o", "yaml")
	require.Equal(t, 2, wrong.code)
	require.Contains(t, wrong.stderr, "--output must be table or json")
}
