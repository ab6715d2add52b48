package app_test

import (
	"encoding/json"
	"os/user"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// done is a record of the trail, as far as these tests look.
type done struct {
	action core.AuditAction
	kind   string
	core.AuditEntry
}

// trail reads an organization's trail.
func trail(t *testing.T, admin *rest.Client) (all []done) {
	t.Helper()
	page, err := admin.AuditPage(t.Context(), core.EventQuery{Limit: 1000})
	require.NoError(t, err)
	for _, event := range page.Items {
		record := done{action: core.AuditAction(event.Type)}
		require.NoError(t, json.Unmarshal(event.Payload, &record.AuditEntry))
		record.kind = record.Target.Kind
		all = append(all, record)
	}
	return all
}

// must runs a command that succeeds, and says nothing of the trail.
func (h home) must(args ...string) string {
	h.t.Helper()
	cmd := h.command(h.t.Context(), []string{secret}, args...)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = strings.NewReader(goodPassword+"\n"), &stderr
	stdout, err := cmd.Output()
	require.NoError(h.t, err, "%v: %s", args, stderr.String())
	require.NotContains(h.t, stderr.String(), "audit trail")
	return strings.TrimSpace(string(stdout))
}

// What the operator does by the command line is in the trail beside what the
// server writes, in the organization that it is about, with the system's user,
// and without a secret. What only looks, or fails, is not.
func TestTheTrailSaysWhatTheOperatorDid(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	h.must("user", "list")
	require.NotZero(t, h.run([]string{secret}, "key", "revoke", nowhere).code)
	_, ticket, _ := strings.Cut(h.must("user", "setup-link"), "#t=")
	admin := server.client("")
	_, err := admin.Setup(t.Context(), rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: goodPassword})
	require.NoError(t, err)
	bob := h.must("user", "create", "--email", "bob@example.com", "--role", "viewer")
	key, token := h.credential("key", "create", "--label", "shop"), h.credential("token", "create", "--label", "mail")
	_, err = admin.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	rotated := h.credential("token", "rotate", token.ID.String())
	h.must("key", "revoke", key.ID.String())
	_, foreign, _ := strings.Cut(h.must("org", "create", "acme"), "#t=")
	h.must("key", "create", "--org", "acme", "--label", "theirs")
	h.must("key", "list")

	me, err := admin.Me(t.Context())
	require.NoError(t, err)
	who, err := user.Current()
	require.NoError(t, err)
	records := trail(t, admin)
	type line struct {
		action            core.AuditAction
		kind, target, who string
	}
	var lines []line
	for _, r := range records {
		lines = append(lines, line{r.action, r.kind, r.Target.ID, r.Actor.Label})
		for _, kept := range []string{ticket, key.Secret, token.Secret, rotated.Secret, foreign, goodPassword} {
			require.NotContains(t, r.Details, kept)
		}
		if r.Actor.Label == "operator" {
			require.Equal(t, core.RoleAdmin, r.Actor.Role)
			require.Equal(t, map[string]string{"os_user": who.Username}, r.Details)
			require.Equal(t, "eventflow/dev", r.UserAgent)
			require.Empty(t, r.Address)
		}
	}
	org := me.Organization.ID.String()
	require.Equal(t, []line{
		{core.AuditSetupLinkCreated, "organization", org, "operator"},
		{core.AuditUserCreated, "user", me.User.ID.String(), "ann@example.com"},
		{core.AuditLogin, "user", me.User.ID.String(), "ann@example.com"},
		{core.AuditUserCreated, "user", bob, "operator"},
		{core.AuditKeyCreated, "api_key", key.ID.String(), "operator"},
		{core.AuditKeyCreated, "service_token", token.ID.String(), "operator"},
		{core.AuditStreamCreated, "stream", lines[6].target, "ann@example.com"},
		{core.AuditKeyRotated, "service_token", token.ID.String(), "operator"},
		{core.AuditKeyRevoked, "api_key", key.ID.String(), "operator"},
		{core.AuditOrganizationCreated, "organization", lines[9].target, "operator"},
		{core.AuditSetupLinkCreated, "organization", lines[9].target, "operator"},
	}, lines)
	require.Contains(t, h.must("audit", "verify"), `"default" is intact: 11 records, the newest is 10:`)
	require.Contains(t, h.must("audit", "verify", "--org", "acme"), `"acme" is intact: 1 record, the newest is 0:`)
}

// However the server and commands meet at the trail's end, it is one chain, and
// no record is lost.
func TestServerAndCommandsWriteOneTrail(t *testing.T) {
	t.Parallel()
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			writeOneTrail(t, newHome(t), []string{secret, store(t), "EVENTFLOW_RATE_KEY=off"})
		})
	}
}

// A record that cannot be written is said once, and keeps nobody from revoking a
// key.
func TestARecordThatCannotBeWrittenIsSaid(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h.write("file", "not a folder")
	for _, of := range []struct{ store, says string }{
		// It begins the installation: where that is asked of a store that cannot be opened, nothing is done.
		{"memory:", "a memory: store can be open in one process only, the server"},
		{"sqlite:./file", "opening the store: "},
		{"postgres://nobody@127.0.0.1:1/events?connect_timeout=1", "opening the store: "},
	} {
		environ := []string{secret, "EVENTFLOW_CATALOG=sqlite:./catalog", "EVENTFLOW_STORE=" + of.store}
		link := h.run(environ, "user", "setup-link")
		require.Zero(t, link.code, link.stderr)
		require.Contains(t, link.stdout, "#t=")
		require.Contains(t, link.stderr, `eventflow: this was done, but could not be recorded in the audit trail of "default": `+of.says)
		require.Equal(t, 1, strings.Count(link.stderr, "could not be recorded"))
		list := h.run(environ, "user", "list")
		require.Zero(t, list.code, list.stderr)
		require.Empty(t, list.stderr, "there is nothing to record")
	}
	inMemory := h.run([]string{secret, "EVENTFLOW_CATALOG=sqlite:./catalog", "EVENTFLOW_STORE=memory:"}, "audit", "verify")
	require.Contains(t, inMemory.stderr, "not the trail of a running server")
}

func writeOneTrail(t *testing.T, h home, environ []string) {
	server := h.serve(environ...)
	made := h.run(environ, "key", "create", "--label", "ops", "--role", "admin")
	require.Zero(t, made.code, made.stderr)
	admin := server.client(strings.TrimSpace(made.stdout))
	var both sync.WaitGroup
	for range 3 {
		both.Go(func() {
			for range 2 {
				if made := h.run(environ, "key", "create", "--label", "by-command"); made.code != 0 || strings.Contains(made.stderr, "audit") {
					t.Errorf("%d: %s", made.code, made.stderr)
				}
			}
		})
	}
	both.Go(func() {
		for i := range 40 {
			if _, err := admin.CreateKey(t.Context(), core.KindAPIKey, core.KeyRequest{Label: "by-server", Environment: core.Live}); err != nil {
				t.Error(err)
			}
			if i%8 > 0 {
				continue
			}
			if check := h.run(environ, "audit", "verify"); check.code != 0 {
				t.Errorf("%d: %s", check.code, check.stderr)
			}
		}
	})
	both.Wait()
	by := map[string]int{}
	for _, record := range trail(t, admin) {
		by[record.Actor.Label]++
	}
	require.Equal(t, map[string]int{"operator": 7, "ops": 40}, by)
	require.Contains(t, h.run(environ, "audit", "verify").stdout, "is intact: 47 records")
	_, err := admin.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	require.Contains(t, h.run(environ, "audit", "verify").stdout, "is intact: 48 records", "the server goes on")
}
