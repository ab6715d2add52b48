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

// TestHelpAndVersionAreAnswered holds that who asks is told, on stdout, with
// exit code 0.
func TestHelpAndVersionAreAnswered(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for args, says := range map[string]string{
		"":               "Available Commands:",
		"help":           "Available Commands:",
		"--help":         "Available Commands:",
		"help key":       "revoke",
		"key":            "revoke",
		"serve --help":   "--drain-timeout",
		"version":        "dev\n",
		"--version":      "dev\n",
		"completion zsh": "#compdef eventflow",
		"__complete se":  "serve\t",
	} {
		o := h.run(nil, strings.Fields(args)...)
		require.Zero(t, o.code, "%q: %s", args, o.stderr)
		require.Contains(t, o.stdout, says, args)
	}
	made := h.run(nil, "secret")
	require.NotEqual(t, made.stdout, h.run(nil, "secret").stdout)
	require.GreaterOrEqual(t, len(strings.TrimSpace(made.stdout)), core.MinSecretBytes)
}

// TestMistakesInTheCommandLineAreNamed holds that what cannot be understood or
// done exits with the documented code and one line that says what is wrong.
func TestMistakesInTheCommandLineAreNamed(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for args, want := range map[string]struct {
		code int
		says string
	}{
		"launch":                     {2, `unknown command "launch"`},
		"serve now":                  {2, `unknown command "now" for "eventflow serve"; see 'eventflow serve --help'`},
		"key make":                   {2, `unknown command "make"`},
		"key create":                 {2, `"label"`},
		"key create --label":         {2, "--label"},
		"key create --label=":        {2, "label"},
		"key create --label x now":   {2, `"now"`},
		"key list --output yaml":     {2, "--output must be table or json"},
		"key create --label x -o md": {2, "--output must be text or json"},
		"key revoke":                 {2, "accepts 1 arg"},
		"key revoke 7":               {2, "key's id must be a UUID"},
		"key revoke 01a20888-2073-74a3-a993-af6e936d4a7d": {4, "no such API key"},
		"key create --label x --role king":                {2, "role: must be one of"},
		"key create --label x --environment moon":         {2, "environment: must be live or test"},
		"key create --label x --expires soon":             {2, "--expires"},
		"key create --label x --expires -1h":              {2, "expires_at: must be in the future"},
		"key create --label x --stream nowhere":           {4, "no such stream"},
		"try":                                             {7, "eventflow dev"},
	} {
		o := h.run([]string{secret}, strings.Fields(args)...)
		require.Equal(t, want.code, o.code, "%q: %s", args, o.stderr)
		require.Contains(t, o.stderr, want.says, args)
		require.True(t, strings.HasPrefix(o.stderr, "eventflow: "), o.stderr)
		require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
		require.Empty(t, o.stdout, args)
	}
	require.Equal(t, "ID  LABEL  KEY  ROLE  STREAMS  CREATED  STATE\n", h.run([]string{secret}, "key", "list").stdout, "no key was made")
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
	require.Regexp(t, key.ID+` +billing +ef_test_….* +producer +1 .*valid until`, table.stdout)
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

var someEvent = rest.NewEvent{Type: "order.paid", Payload: []byte(`{"total": 1.50}`)}
