package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memlimit"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// A key of the role admin that is narrowed to a stream makes nobody who is not, and
// reaches nothing outside of the stream. A key for all streams makes nobody either.
func TestAKeyMakesNoPeople(t *testing.T) { t.Parallel(); onBothVaults(t, aKeyMakesNoPeople) }

func aKeyMakesNoPeople(t *testing.T, v *vault) {
	ctx := t.Context()
	v.stream("orders")
	v.stream("refunds")
	ann := v.person("ann@example.com", core.RoleAdmin)
	key := func(streams ...string) *rest.Client {
		made, err := v.as(ann).CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live, Role: core.RoleAdmin, Streams: streams})
		require.NoError(t, err)
		return v.with(made.Secret)
	}
	narrowed, wide := key("orders"), key()
	viewer := core.RoleViewer
	for name, client := range map[string]*rest.Client{"narrowed": narrowed, "wide": wide} {
		for what, attack := range map[string]func() error{
			"invites": func() error {
				_, err := client.Invite(ctx, rest.InviteRequest{Email: name + "@example.com", Role: core.RoleAdmin})
				return err
			},
			"invites again": func() error { _, err := client.InviteAgain(ctx, ann.User.ID.String()); return err },
			"demotes": func() error {
				_, err := client.ChangeUser(ctx, ann.User.ID.String(), core.UserChange{Role: &viewer}, 0)
				return err
			},
			"removes":               func() error { return client.RemoveUser(ctx, ann.User.ID.String()) },
			"signs out":             func() error { return client.EndSessionsOf(ctx, ann.User.ID.String()) },
			"makes an organization": func() error { _, err := client.CreateOrganization(ctx, name); return err },
		} {
			require.Equal(t, core.CodeForbidden, core.CodeOf(attack()), "%s %s", name, what)
		}
	}
	for what, attack := range map[string]func(*rest.Client) error{
		"reads the trail":          func(c *rest.Client) error { _, err := c.AuditPage(ctx, core.EventQuery{}); return err },
		"lists people":             func(c *rest.Client) error { _, err := c.UsersPage(ctx, ""); return err },
		"lists somebody's keys":    func(c *rest.Client) error { _, err := c.UserKeys(ctx, ann.User.ID.String(), ""); return err },
		"sees the organization":    func(c *rest.Client) error { _, err := c.Organization(ctx); return err },
		"renames the organization": func(c *rest.Client) error { _, err := c.RenameOrganization(ctx, "mine"); return err },
	} {
		require.Equal(t, core.CodeForbidden, core.CodeOf(attack(narrowed)), what)
		require.NoError(t, attack(wide), what)
	}
	me, err := narrowed.Me(ctx)
	require.NoError(t, err)
	require.NotContains(t, me.Permissions, core.ActionReadAudit, "what it is told is what it may")
	page, err := v.as(ann).UsersPage(ctx, "")
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
}

// For a narrowed key, a stream that there is and one that there is not are the same:
// whatever it does, wherever it names one.
func TestANarrowedKeyLearnsNoNames(t *testing.T) {
	t.Parallel()
	onBothVaults(t, aNarrowedKeyLearnsNoNames)
}

func aNarrowedKeyLearnsNoNames(t *testing.T, v *vault) {
	v.stream("orders")
	v.stream("refunds")
	made, err := v.client.CreateKey(t.Context(), core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live, Role: core.RoleAdmin, Streams: []string{"orders"}})
	require.NoError(t, err)
	for _, ask := range []string{
		"GET /streams/STREAM", "PATCH /streams/STREAM {}", "DELETE /streams/STREAM", "GET /streams/STREAM/stats", "GET /streams/STREAM/retention", "GET /streams/STREAM/histogram",
		"GET /streams/STREAM/events", "GET /streams/STREAM/events/01a20888-2073-74a3-a993-af6e936d4a7d", "GET /streams/STREAM/events/live", "GET /streams/STREAM/events/export",
		"POST /streams/STREAM/events {\"event_type\":\"a\",\"payload\":1}", "POST /streams/STREAM/events/batch [{\"event_type\":\"a\",\"payload\":1}]",
		"POST /events {\"stream\":\"STREAM\",\"event_type\":\"a\",\"payload\":1}", "POST /streams/STREAM/validate {\"event_type\":\"a\",\"payload\":1}",
		"GET /streams/STREAM/consumer-groups", "POST /streams/STREAM/consumer-groups {\"name\":\"g\"}", "GET /streams/STREAM/consumer-groups/g/events",
		"GET /dead-letters?stream=STREAM", "POST /dead-letters/replay {\"stream\":\"STREAM\"}", "GET /streams?prefix=STREAM",
		"POST /api-keys {\"label\":\"a\",\"environment\":\"live\",\"streams\":[\"STREAM\"]}", "POST /api-keys {\"label\":\"a\",\"environment\":\"live\",\"default_stream\":\"STREAM\"}",
		"PATCH /streams/orders {\"name\":\"STREAM\"}", "POST /streams {\"name\":\"STREAM\"}",
	} {
		var answers []string
		for _, name := range []string{"refunds", "nothing"} {
			method, rest, _ := strings.Cut(ask, " ")
			path, body, _ := strings.Cut(rest, " ")
			got := v.do(method, "/api/v1"+strings.ReplaceAll(path, "STREAM", name), strings.NewReader(strings.ReplaceAll(body, "STREAM", name)),
				"X-API-Key: "+made.Secret, "Content-Type: application/json", "X-Request-ID: same")
			answers = append(answers, http.StatusText(got.StatusCode)+strings.ReplaceAll(string(got.body), name, "STREAM"))
		}
		require.Equal(t, answers[1], answers[0], ask)
	}
}

// What a key makes counts in the key's own rate: it cannot send more by many hands.
func TestAChildUsesUpItsMakersRate(t *testing.T) {
	t.Parallel()
	onBothVaults(t, aChildUsesUpItsMakersRate, withLimiter(memlimit.New(), server.Rates{Key: core.Limit{PerMinute: 1000, Burst: 100}}))
}

func aChildUsesUpItsMakersRate(t *testing.T, v *vault) {
	made, err := v.client.CreateKey(t.Context(), core.KindAPIKey, core.KeyRequest{
		Label: "a", Environment: core.Live, Role: core.RoleAdmin, Rate: core.Rate{PerMinute: 1, PerSecond: 5},
	})
	require.NoError(t, err)
	secrets := []string{made.Secret}
	for maker := made.Secret; len(secrets) < 3; maker = secrets[len(secrets)-1] { // each is a request of all above
		child, err := v.with(maker).CreateKey(t.Context(), core.KindServiceToken, core.KeyRequest{
			Label: "a", Role: core.RoleAdmin, Rate: core.Rate{PerMinute: 60000, PerSecond: 60000},
		})
		require.NoError(t, err)
		secrets = append(secrets, child.Secret)
	}
	for i, left := range []string{"2", "1", "0"} {
		got := v.do("GET", rest.AuthPath+"/me", nil, "X-API-Key: "+secrets[2-i])
		require.Equal(t, http.StatusOK, got.StatusCode)
		require.Equal(t, left, limitHeaders(got)["X-Ratelimit-Remaining"], "the emptiest bucket is told")
	}
	for _, secret := range secrets {
		got := v.do("GET", rest.AuthPath+"/me", nil, "X-API-Key: "+secret)
		require.Equal(t, http.StatusTooManyRequests, got.StatusCode)
		require.Equal(t, "1", limitHeaders(got)["X-Ratelimit-Limit"])
	}
}

// Keys are revoked with what they have made, and are told beforehand.
func TestAKeyGoesWithItsChildren(t *testing.T) {
	t.Parallel()
	onBothVaults(t, aKeyGoesWithItsChildren)
}

func aKeyGoesWithItsChildren(t *testing.T, v *vault) {
	ctx := t.Context()
	ann := v.as(v.person("ann@example.com", core.RoleAdmin))
	request := core.KeyRequest{Label: "a", Environment: core.Live, Role: core.RoleAdmin}
	made, err := ann.CreateKey(ctx, core.KindAPIKey, request)
	require.NoError(t, err)
	child, err := v.with(made.Secret).CreateKey(ctx, core.KindServiceToken, request)
	require.NoError(t, err)
	grandchild, err := v.with(child.Secret).CreateKey(ctx, core.KindAPIKey, request)
	require.NoError(t, err)
	children, err := ann.KeyChildren(ctx, core.KindAPIKey, made.ID.String())
	require.NoError(t, err)
	require.Equal(t, []core.ID{child.ID, grandchild.ID}, []core.ID{children[0].ID, children[1].ID})
	direct, err := ann.KeysMadeBy(ctx, core.KindServiceToken, made.ID, "", 0)
	require.NoError(t, err)
	require.Equal(t, child.ID, direct.Items[0].ID)
	path := rest.KeyPath(core.KindAPIKey, made.ID.String())
	for query, field := range map[string]string{"children=yes": "children", "child=true": "child"} {
		got := v.do("DELETE", path+"?"+query, nil)
		require.Equal(t, field, got.problem(t).Details[0].Field)
	}
	require.Equal(t, "created_by", v.do("GET", rest.APIKeysPath+"?created_by=ann", nil).problem(t).Details[0].Field)
	require.NoError(t, ann.RevokeKey(ctx, core.KindAPIKey, made.ID.String()))
	v.unauthorized(made.Secret)
	_, err = v.with(grandchild.Secret).Me(ctx)
	require.NoError(t, err)
	require.NoError(t, ann.RevokeKeyAndChildren(ctx, core.KindAPIKey, made.ID.String()))
	v.unauthorized(child.Secret)
	v.unauthorized(grandchild.Secret)
}

// Whoever demotes or removes somebody is told of the keys that go on, and ends them in
// the same step.
func TestTheKeysOfWhoLeavesAreTold(t *testing.T) {
	t.Parallel()
	onBothVaults(t, theKeysOfWhoLeavesAreTold)
}

func theKeysOfWhoLeavesAreTold(t *testing.T, v *vault) {
	ctx := t.Context()
	admin := v.person("ann@example.com", core.RoleAdmin)
	ann, bob := v.as(admin), v.person("bob@example.com", core.RoleDeveloper)
	key := func() rest.KeyWithSecret {
		made, err := v.as(bob).CreateKey(ctx, core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live})
		require.NoError(t, err)
		return made
	}
	id, viewer, developer := bob.User.ID.String(), core.RoleViewer, core.RoleDeveloper
	first := key()
	before, err := ann.UserKeys(ctx, id, viewer)
	require.NoError(t, err)
	require.Equal(t, []core.ID{first.ID}, []core.ID{before[0].ID})
	kept, err := ann.ChangeUserAndKeys(ctx, id, core.UserChange{Role: &viewer}, 0, "")
	require.NoError(t, err)
	require.Equal(t, []any{viewer, first.ID}, []any{kept.Role, kept.Keys[0].ID})
	_, err = v.with(first.Secret).Me(ctx)
	require.NoError(t, err)
	kept, err = ann.ChangeUserAndKeys(ctx, id, core.UserChange{Role: &viewer}, 0, core.RevokeKeys)
	require.NoError(t, err)
	require.Len(t, kept.Keys, 1, "it can be decided later")
	gone, err := ann.Key(ctx, core.KindAPIKey, first.ID.String())
	require.NoError(t, err)
	require.NotNil(t, gone.RevokedAt)
	kept, err = ann.ChangeUserAndKeys(ctx, id, core.UserChange{Role: &developer}, 0, core.RevokeKeys)
	require.NoError(t, err)
	require.Empty(t, kept.Keys)

	second := key()
	got := v.do("DELETE", rest.UserPath(id)+"?keys=burn", nil, "X-API-Key: "+admin.AccessToken)
	require.Equal(t, "keys", got.problem(t).Details[0].Field)
	left, err := ann.RemoveUserAndKeys(ctx, id, core.HandOverKeys)
	require.NoError(t, err)
	require.Equal(t, second.ID, left[0].ID)
	found, err := ann.Key(ctx, core.KindAPIKey, second.ID.String())
	require.NoError(t, err)
	require.Equal(t, admin.User.ID, found.CreatedBy)
	v.recorded(admin.User.ID, string(core.KindAPIKey), second.ID, core.AuditKeyHandedOver)
}
