package app_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// credential makes one by the command line.
func (h home) credential(args ...string) rest.KeyWithSecret {
	h.t.Helper()
	o := h.run([]string{secret}, append(args, "-o", "json")...)
	require.Zero(h.t, o.code, o.stderr)
	var made rest.KeyWithSecret
	require.NoError(h.t, json.Unmarshal([]byte(o.stdout), &made))
	return made
}

// TestTokensAreMadeRotatedAndRevokedBesideTheServer holds that the command line
// leads a service token through its life, and that the server that runs follows.
func TestTokensAreMadeRotatedAndRevokedBesideTheServer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	orders, err := server.client(h.key()).CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	reader := h.credential("token", "create", "--label", "mailer")
	require.Equal(t, []any{core.KindServiceToken, core.RoleConsumer, core.ID{}}, []any{reader.Kind, reader.Role, reader.CreatedBy})
	_, err = server.client(reader.Secret).Stream(t.Context(), "orders")
	require.NoError(t, err)

	writer := h.credential("token", "create", "--label", "bridge", "--role", "producer", "--stream", orders.ID.String(), "--default-stream", "orders", "--rate", "6000/200", "--expires", "1h")
	require.True(t, strings.HasPrefix(writer.Secret, "svc_bridge_"))
	require.Equal(t, core.Rate{PerMinute: 6000, PerSecond: 200}, writer.Rate)
	publish := func(secret string) core.Code {
		_, err := server.client(secret).Publish(t.Context(), "", someEvent)
		return core.CodeOf(err)
	}
	require.Empty(t, publish(writer.Secret))
	rotated := h.credential("token", "rotate", writer.ID.String())
	require.Empty(t, publish(writer.Secret), "for a day both are good")
	require.Empty(t, publish(rotated.Secret))
	plain := h.run([]string{secret}, "token", "rotate", writer.ID.String(), "--grace", "0s")
	require.Zero(t, plain.code, plain.stderr)
	require.Empty(t, publish(strings.TrimSpace(plain.stdout)))
	require.Eventually(t, func() bool { return publish(rotated.Secret) == core.CodeUnauthorized }, patience, 20*time.Millisecond)

	table := h.run([]string{secret}, "token", "list")
	require.Regexp(t, writer.ID.String()+` +bridge +svc_bridge_….* +producer +1 .*active until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, table.stdout)
	require.Equal(t, 3, strings.Count(table.stdout, "\n"), "keys are not among them: %s", table.stdout)
	require.NotContains(t, table.stdout, strings.TrimSpace(plain.stdout))
	require.Zero(t, h.run([]string{secret}, "token", "revoke", writer.ID.String()).code)
	require.Eventually(t, func() bool { return publish(strings.TrimSpace(plain.stdout)) == core.CodeUnauthorized }, patience, 20*time.Millisecond)
	require.Equal(t, 5, h.run([]string{secret}, "token", "rotate", writer.ID.String()).code, "a conflict: it is revoked")
}

// TestAKeyIsRotatedByTheCommandLine holds that keys have the same life.
func TestAKeyIsRotatedByTheCommandLine(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	made := h.credential("key", "create", "--label", "shop", "--environment", "test")
	rotated := h.credential("key", "rotate", made.ID.String(), "--grace", "1h")
	require.Equal(t, made.ID, rotated.ID)
	require.NotEqual(t, made.Secret, rotated.Secret)
	require.True(t, strings.HasPrefix(rotated.Secret, "ef_test_"))
	require.WithinDuration(t, time.Now().Add(time.Hour), *rotated.PreviousValidUntil, time.Minute)
	o := h.run([]string{secret}, "key", "list", "-o", "json")
	var listed []core.APIKey
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &listed))
	require.Equal(t, []core.APIKey{rotated.APIKey}, listed)
	require.NotContains(t, o.stdout, rotated.Secret)
}

// TestAKeyIsRevokedWithWhatItHasMade holds that the command line says what a key has made
// that goes on, finds it by its maker and revokes it too where that is asked for.
func TestAKeyIsRevokedWithWhatItHasMade(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	maker := h.credential("key", "create", "--label", "deployer", "--role", "admin")
	child, err := server.client(maker.Secret).CreateKey(t.Context(), core.KindServiceToken, core.KeyRequest{Label: "made"})
	require.NoError(t, err)
	h.credential("token", "create", "--label", "another")
	o := h.run([]string{secret}, "token", "list", "--created-by", maker.ID.String(), "-o", "json")
	var listed []core.APIKey
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &listed), o.stderr)
	require.Equal(t, []core.ID{child.ID}, []core.ID{listed[0].ID})
	require.Len(t, listed, 1)

	o = h.run([]string{secret}, "key", "revoke", maker.ID.String())
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stderr, "It has made keys or tokens that go on (1)")
	require.Contains(t, o.stderr, child.ID.String())
	_, err = server.client(child.Secret).Me(t.Context())
	require.NoError(t, err)
	o = h.run([]string{secret}, "key", "revoke", maker.ID.String(), "--children")
	require.Zero(t, o.code, o.stderr)
	require.Empty(t, o.stderr)
	require.Eventually(t, func() bool {
		_, err := server.client(child.Secret).Me(t.Context())
		return core.CodeOf(err) == core.CodeUnauthorized
	}, patience, 20*time.Millisecond)
}

// TestMistakesWithCredentialsAreNamed holds that what cannot be done with a key or
// a token exits with the documented code and one line that says what is wrong.
func TestMistakesWithCredentialsAreNamed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	key, token := h.credential("key", "create", "--label", "x").ID.String(), h.credential("token", "create", "--label", "x").ID.String()
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"token make":                               {2, `unknown command "make"`},
		"token create":                             {2, `"label"`},
		"token create --label A_b":                 {2, "label: must be the name of a service"},
		"token create --label x --role king":       {2, "role: must be one of"},
		"token create --label x -o md":             {2, "--output must be text or json"},
		"token create --label x --stream nowhere":  {4, "no such stream"},
		"key create --label x --default-stream no": {4, "no such stream"},
		"key create --label x --rate 6000":         {2, "--rate must be requests per minute and at once"},
		"key create --label x --rate 2000000/1":    {2, "--rate must be"},
		"token list --output yaml":                 {2, "--output must be table or json"},
		"key list --created-by nobody@example.com": {2, "neither an id nor the address of a user"},
		"token revoke 7":                           {2, "token's id must be a UUID"},
		"token rotate 7":                           {2, "'eventflow token list' shows the ids"},
		"key rotate":                               {2, "wrong number of arguments"},
		"key rotate 7":                             {2, "key's id must be a UUID"},
		"key rotate " + key + " --grace 169h":      {2, "grace: must be 0 to 604800 seconds"},
		"key rotate " + key + " --grace -1s":       {2, "grace: must be"},
		"key rotate " + key + " -o md":             {2, "--output must be text or json"},
		"key rotate " + token:                      {4, "no such API key"},
		"key revoke " + token:                      {4, "no such API key"},
		"token rotate " + key:                      {4, "no such service token"},
		"token revoke " + key:                      {4, "no such service token"},
	} {
		o := h.run([]string{secret}, strings.Fields(args)...)
		require.Equal(t, want.code, o.code, "%q: %s", args, o.stderr)
		require.Contains(t, o.stderr, want.says, args)
		require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
		require.Empty(t, o.stdout, args)
	}
}

// TestARevocationReachesTheOtherServer holds that two servers on one catalog are
// of one mind about a key, and that its last use is written.
func TestARevocationReachesTheOtherServer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	catalog := []string{"EVENTFLOW_STORE=memory:", "EVENTFLOW_CATALOG=sqlite:./eventflow_data"}
	one, two := h.serve(catalog...), h.serve(catalog...)
	admin := h.credential("key", "create", "--label", "ops", "--role", "admin")
	made, err := one.client(admin.Secret).CreateKey(t.Context(), core.KindAPIKey, core.KeyRequest{Label: "a", Environment: core.Live, Role: core.RoleConsumer})
	require.NoError(t, err)
	for _, server := range []*process{one, two} {
		_, err = server.client(made.Secret).StreamsPage(t.Context(), core.StreamQuery{})
		require.NoError(t, err)
	}
	require.NoError(t, one.client(admin.Secret).RevokeKey(t.Context(), core.KindAPIKey, made.ID.String()))
	_, err = one.client(made.Secret).StreamsPage(t.Context(), core.StreamQuery{})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	require.Eventually(t, func() bool {
		_, err := two.client(made.Secret).StreamsPage(t.Context(), core.StreamQuery{})
		return core.CodeOf(err) == core.CodeUnauthorized
	}, patience, 20*time.Millisecond)
	require.Zero(t, two.stop())
	key, err := one.client(admin.Secret).Key(t.Context(), core.KindAPIKey, made.ID.String())
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), *key.LastUsedAt, time.Minute)
}

// TestKeyCommandsNeedTheSecret holds that no key is made that no server takes.
func TestKeyCommandsNeedTheSecret(t *testing.T) {
	t.Parallel()
	o := newHome(t).run(nil, "key", "create", "--label", "x")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.stderr, "setting secret is not set")
}

// madeKey is a key as `key create -o json` and `key list -o json` print it.
type madeKey struct {
	ID, Label, Secret, Masked string
	Streams                   []string
	RevokedAt                 *time.Time `json:"revoked_at"`
}

// TestKeysAreMadeListedAndRevokedBesideTheServer holds that a key that the
// command line makes is taken by the server that runs, with the rights that it
// was made with, and that it is refused once it is revoked.
func TestKeysAreMadeListedAndRevokedBesideTheServer(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	developer := server.client(h.key())
	for _, name := range []string{"orders", "payments"} {
		_, err := developer.CreateStream(t.Context(), core.StreamSpec{Name: name})
		require.NoError(t, err)
	}
	made := h.run([]string{secret}, "key", "create", "--label", "billing", "--environment", "test", "--stream", "orders", "--expires", "1h", "-o", "json")
	require.Zero(t, made.code, made.stderr)
	var key madeKey
	require.NoError(t, json.Unmarshal([]byte(made.stdout), &key))
	require.True(t, strings.HasPrefix(key.Secret, "ef_test_"))

	producer := server.client(key.Secret)
	_, err := producer.Publish(t.Context(), "orders", someEvent)
	require.NoError(t, err)
	_, err = producer.Publish(t.Context(), "payments", someEvent)
	require.Error(t, err, "the key is narrowed to one stream")
	_, err = producer.CreateStream(t.Context(), core.StreamSpec{Name: "more"})
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))

	table := h.run([]string{secret}, "key", "list")
	require.Regexp(t, key.ID+` +billing +ef_test_….* +producer +1 .*active until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, table.stdout)
	require.NotContains(t, table.stdout, key.Secret)
	revoked := h.run([]string{secret}, "key", "revoke", key.ID)
	require.Zero(t, revoked.code, revoked.stderr)
	require.Eventually(t, func() bool {
		_, err := producer.Publish(t.Context(), "orders", someEvent)
		return core.CodeOf(err) == core.CodeUnauthorized
	}, patience, 20*time.Millisecond)
	require.Regexp(t, key.ID+`.* revoked `, h.run([]string{secret}, "key", "list").stdout)
	_, err = developer.Publish(t.Context(), "orders", someEvent)
	require.NoError(t, err, "other keys stay valid")
}

// TestKeyListPrintsJSON holds the form for programs, which has no secret.
func TestKeyListPrintsJSON(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	made := h.key()
	o := h.run([]string{secret}, "key", "list", "--output", "json")
	var keys []madeKey
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &keys))
	require.Len(t, keys, 1)
	require.Equal(t, "test", keys[0].Label)
	require.Empty(t, keys[0].Secret)
	require.NotContains(t, o.stdout, made)
}

// TestAKeyOfAnotherSecretIsRefused holds that a server with another secret
// takes no key of the catalog.
func TestAKeyOfAnotherSecretIsRefused(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	key := h.key()
	server := h.serve(secret + "-but-another")
	_, err := server.client(key).StreamsPage(t.Context(), core.StreamQuery{})
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	require.Equal(t, http.StatusUnauthorized, get(t, server.url+"/api/v1/streams").status)
}
