package app_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core/identity"
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
	require.GreaterOrEqual(t, len(strings.TrimSpace(made.stdout)), identity.MinSecretBytes)
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
		"launch":       {2, `unknown command "launch"`},
		"help launch":  {2, `there is no command "launch"`},
		"serve now":    {2, `unknown command "now" for "eventflow serve"; see 'eventflow serve --help'`},
		"key make":     {2, `unknown command "make"`},
		"key create":   {2, `"label"`},
		"key revoke":   {2, "wrong number of arguments, 0: write eventflow key revoke ID"},
		"key revoke 7": {2, "key's id must be a UUID"},
		"try":          {7, "eventflow dev"},

		"help key launch":                {2, `there is no command "key launch"`},
		"completion tcsh":                {2, `unknown command "tcsh"`},
		"key create --label":             {2, "--label"},
		"key create --label=":            {2, "label"},
		"key create --label x now":       {2, `"now"`},
		"key list --output yaml":         {2, "--output must be table or json"},
		"key create --label x -o md":     {2, "--output must be text or json"},
		"key list --queue-events x":      {2, `--queue-events must be a whole number, not "x"`},
		"key list --store moon:x":        {2, `setting store has the unknown scheme "moon"`},
		"org create x --store moon:":     {2, `setting store has the unknown scheme "moon"`},
		"doctor --store moon:x":          {2, `setting store has the unknown scheme "moon"`},
		"restore x --to=":                {2, "--to is empty"},
		"stream move nothing --to 0":     {4, "no such stream"},
		"key create --label x --stream=": {4, "no such stream"},

		"key list --store postgres://127.0.0.1:1/x":                    {1, "127.0.0.1:1"},
		"key revoke 01a20888-2073-74a3-a993-af6e936d4a7d":              {4, "no such API key"},
		"key create --label x --role king":                             {2, "role: must be one of"},
		"key create --label x --environment moon":                      {2, "environment: must be live or test"},
		"key create --label x --expires soon":                          {2, "--expires"},
		"key create --label x --expires 0s":                            {2, "expires_at: must be in the future"},
		"archive restore x --from 2026-02-01 --to 2026-01-01 --into y": {2, "--to must be after --from"},
		"key create --label x --expires -1h":                           {2, "expires_at: must be in the future"},
		"key create --label x --stream nowhere":                        {4, "no such stream"},
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

// A command talks to the server that it was told of, or to none.
func TestAServerIsNamedAsAWhole(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	for _, c := range []struct{ environ, says string }{
		{"EVENTFLOW_URL=http://127.0.0.1:1", "go together"},
		{"EVENTFLOW_KEY=x", "go together"},
		{"EVENTFLOW_URL=nonsense EVENTFLOW_KEY=x", "EVENTFLOW_URL must be a URL"},
		{"EVENTFLOW_URL=ftp://x EVENTFLOW_KEY=x", "EVENTFLOW_URL must be a URL"},
	} {
		for _, command := range []string{"try", "bench", "processor list"} {
			o := h.run(strings.Fields(c.environ), strings.Fields(command)...)
			require.Equal(t, 2, o.code, o.stderr)
			require.Contains(t, o.stderr, c.says)
			require.Empty(t, o.stdout)
		}
	}
}

var someEvent = rest.NewEvent{Type: "order.paid", Payload: []byte(`{"total": 1.50}`)}
