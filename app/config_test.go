package app_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// line is what `config` prints about one setting: its value and its origin.
func (o outcome) line(t *testing.T, flag string) [2]string {
	t.Helper()
	for line := range strings.Lines(o.stdout) {
		if fields := strings.Fields(line); fields[0] == "--"+flag {
			return [2]string{fields[2], fields[3]}
		}
	}
	require.Failf(t, "no such setting", "%s in:\n%s", flag, o.stdout)
	return [2]string{}
}

// TestAFlagWinsOverTheEnvironmentOverTheFileOverTheDefault holds the order of
// the four places for every type that a setting may have.
func TestAFlagWinsOverTheEnvironmentOverTheFileOverTheDefault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, byDefault, inFile, inEnviron, asFlag string }{
		{"addr", ":8080", ":81", ":82", ":83"},
		{"queue-events", "50000", "50001", "50002", "50003"},
		{"inflight-bytes", "268435456", "268435457", "268435458", "268435459"},
		{"idle-timeout", "1m0s", "1s", "2s", "3s"},
		{"allow-relaxed-durability", "false", "true", "false", "true"},
	} {
		t.Run(c.flag, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			name := "EVENTFLOW_" + strings.ToUpper(strings.ReplaceAll(c.flag, "-", "_"))
			file := "EVENTFLOW_CONFIG=" + h.write("settings", "# a comment\n\n  "+name+" = "+c.inFile+"\n")
			variable, flag := name+"="+c.inEnviron, "--"+c.flag+"="+c.asFlag
			says := func(environ []string, args ...string) [2]string {
				o := h.run(environ, append([]string{"config"}, args...)...)
				require.Zero(t, o.code, o.stderr)
				return o.line(t, c.flag)
			}
			require.Equal(t, [2]string{c.byDefault, "default"}, says(nil))
			require.Equal(t, [2]string{c.inFile, "file"}, says([]string{file}))
			require.Equal(t, [2]string{c.inEnviron, "environment"}, says([]string{file, variable}))
			require.Equal(t, [2]string{c.inEnviron, "environment"}, says([]string{variable}))
			require.Equal(t, [2]string{c.asFlag, "flag"}, says([]string{file, variable}, flag))
			require.Equal(t, [2]string{c.asFlag, "flag"}, says([]string{file}, flag))
		})
	}
}

// TestTheFileThatTheFlagNamesIsRead holds that --config wins over
// EVENTFLOW_CONFIG.
func TestTheFileThatTheFlagNamesIsRead(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	one, other := h.write("one", "EVENTFLOW_ADDR=:1\n"), h.write("other", "EVENTFLOW_ADDR=:2")
	require.Equal(t, [2]string{":2", "file"}, h.run([]string{"EVENTFLOW_CONFIG=" + one}, "config", "--config", other).line(t, "addr"))
}

// refusal is a setting that must keep every command from starting.
type refusal struct {
	name    string
	environ []string
	args    []string
	says    []string
}

var refusals = []refusal{
	{"unknown variable", []string{"EVENTFLOW_QUEUE_EVENT=1"}, nil, []string{"EVENTFLOW_QUEUE_EVENT;", "unknown setting"}},
	{"unknown file variable", []string{"EVENTFLOW_NOPE_FILE=x"}, nil, []string{"EVENTFLOW_NOPE_FILE", "unknown setting"}},
	{"unknown flag", nil, []string{"--queue-event=1"}, []string{"--queue-event", "unknown flag"}},
	{"port beyond", []string{"EVENTFLOW_ADDR=:70000"}, nil, []string{"addr", `"70000"`, "65535"}},
	{"port unknown", nil, []string{"--addr=:nosuchservice"}, []string{"addr", `"nosuchservice"`}},
	{"no port", []string{"EVENTFLOW_ADDR=8080"}, nil, []string{"addr", "host:port"}},
	{"duration without unit", []string{"EVENTFLOW_READ_TIMEOUT=5"}, nil, []string{"EVENTFLOW_READ_TIMEOUT", "duration"}},
	{"duration as a flag", nil, []string{"--read-timeout=soon"}, []string{"--read-timeout", "duration"}},
	{"negative duration", []string{"EVENTFLOW_DRAIN_TIMEOUT=-5s"}, nil, []string{"drain-timeout", "longer than 0s"}},
	{"zero duration", []string{"EVENTFLOW_IDLE_TIMEOUT=0s"}, nil, []string{"idle-timeout", "longer than 0s"}},
	{"number", []string{"EVENTFLOW_QUEUE_EVENTS=many"}, nil, []string{"EVENTFLOW_QUEUE_EVENTS", "whole number"}},
	{"empty number", []string{"EVENTFLOW_COMMIT_LANES="}, nil, []string{"EVENTFLOW_COMMIT_LANES", "whole number"}},
	{"negative number", []string{"EVENTFLOW_QUEUE_EVENTS=-1"}, nil, []string{"queue-events", "at least"}},
	{"negative lanes", []string{"EVENTFLOW_COMMIT_LANES=-1"}, nil, []string{"commit-lanes", "0 to 64"}},
	{"too few bytes", []string{"EVENTFLOW_INFLIGHT_BYTES=1"}, nil, []string{"inflight-bytes", "at least"}},
	{"no connections", []string{"EVENTFLOW_CONNECTIONS=0"}, nil, []string{"connections", "at least 1"}},
	{"neither true nor false", []string{"EVENTFLOW_ALLOW_RELAXED_DURABILITY=perhaps"}, nil, []string{"EVENTFLOW_ALLOW_RELAXED_DURABILITY", "true or false"}},
	{"level", []string{"EVENTFLOW_LOG_LEVEL=loud"}, nil, []string{"log-level", "debug, info"}},
	{"format", []string{"EVENTFLOW_LOG_FORMAT=xml"}, nil, []string{"log-format", "json or text"}},
	{"store without a scheme", []string{"EVENTFLOW_STORE=./data"}, nil, []string{"store", "must be a URL"}},
	{"store that is no URL", []string{"EVENTFLOW_STORE=postgres://u:hush@host:port/x"}, nil, []string{"store", "must be a URL"}},
	{"store without a folder", []string{"EVENTFLOW_STORE=sqlite:"}, nil, []string{"store", "folder"}},
	{"store with more than a folder", []string{"EVENTFLOW_STORE=sqlite:./a#b"}, nil, []string{"store", `"#b"`, "%23"}},
	{"store with a parameter", []string{"EVENTFLOW_STORE=sqlite:./a?_pragma=hush"}, nil, []string{"store", `"?_pragma"`, "%3F"}},
	{"store with a bare percent sign", []string{"EVENTFLOW_STORE=sqlite:./100%"}, nil, []string{"store", "%25"}},
	{"catalog with more than a folder", []string{"EVENTFLOW_CATALOG=sqlite:./a#b"}, nil, []string{"catalog", `"#b"`, "%23"}},
	{"store of another build", []string{"EVENTFLOW_STORE=rocks:x"}, nil, []string{"store", `"rocks"`, "memory, postgres, postgresql, sharded, sqlite"}},
	{"catalog in memory", []string{"EVENTFLOW_CATALOG=memory:"}, nil, []string{"catalog", `"memory"`, "sqlite or postgres"}},
	{"standby of SQLite", []string{"EVENTFLOW_REQUIRE_STANDBY=true"}, nil, []string{"require-standby", "sqlite: has no standby"}},
	{"public URL without a scheme", []string{"EVENTFLOW_PUBLIC_URL=ev.example.com"}, nil, []string{"public-url", "https://"}},
	{"public URL of another scheme", []string{"EVENTFLOW_PUBLIC_URL=ftp://x"}, nil, []string{"public-url", "https://"}},
	{"public URL without a host", []string{"EVENTFLOW_PUBLIC_URL=https://:443"}, nil, []string{"public-url", "https://"}},
	{"public URL with a query", []string{"EVENTFLOW_PUBLIC_URL=https://x?a=1"}, nil, []string{"public-url", "nothing else"}},
	{"public URL with a fragment", []string{"EVENTFLOW_PUBLIC_URL=https://x/#"}, nil, []string{"public-url", "nothing else"}},
	{"public URL with a path", []string{"EVENTFLOW_PUBLIC_URL=https://x/events"}, nil, []string{"public-url", "nothing else"}},
	{"public URL with a user", []string{"EVENTFLOW_PUBLIC_URL=https://ann@x"}, nil, []string{"public-url", "nothing else"}},
	{"public URL with a port beyond", []string{"EVENTFLOW_PUBLIC_URL=https://x:70000"}, nil, []string{"public-url", "65535"}},
	{"secret with a blank", []string{"EVENTFLOW_SECRET= " + strings.Repeat("hush", 10)}, nil, []string{"secret", "white space"}},
	{"secret with a byte order mark", []string{"EVENTFLOW_SECRET=\ufeff" + strings.Repeat("hush", 10)}, nil, []string{"secret", "byte order mark"}},
	{"weak secret", []string{"EVENTFLOW_SECRET=hush"}, nil, []string{"secret", "too weak"}},
	{"monotonous secret", []string{"EVENTFLOW_SECRET=" + strings.Repeat("hush"[:1], 40)}, nil, []string{"secret", "too weak"}},
	{"no secret", []string{"EVENTFLOW_SECRET="}, nil, []string{"secret", "is not set"}},
	{"weak metrics token", []string{"EVENTFLOW_METRICS_TOKEN=hush-hush-hush-"}, nil, []string{"metrics-token", "too weak", "16"}},
	{"monotonous metrics token", []string{"EVENTFLOW_METRICS_TOKEN=" + strings.Repeat("h", 40)}, nil, []string{"metrics-token", "too weak"}},
	{"metrics token that fits no header", []string{"EVENTFLOW_METRICS_TOKEN=hush and more of it hush"}, nil, []string{"metrics-token", "without spaces"}},
	{"file of a setting", []string{"EVENTFLOW_STORE_FILE=nowhere"}, nil, []string{"EVENTFLOW_STORE_FILE", "nowhere"}},
	{"a setting twice", []string{"EVENTFLOW_STORE=memory:", "EVENTFLOW_STORE_FILE=/dev/null"}, nil, []string{"both EVENTFLOW_STORE and EVENTFLOW_STORE_FILE are set"}},
	{"file of settings", nil, []string{"--config=nowhere"}, []string{"nowhere", "no such file"}},
}

// TestWrongSettingsRefuseToStart holds that the server does not start with a
// setting that it does not know or cannot use, that the exit code is 2, and
// that the message names setting and reason, and no value that is secret.
func TestWrongSettingsRefuseToStart(t *testing.T) {
	t.Parallel()
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			o := newHome(t).run(append([]string{secret, anyone}, r.environ...), append([]string{"serve"}, r.args...)...)
			require.Equal(t, 2, o.code, o.stderr)
			for _, says := range r.says {
				require.Contains(t, o.stderr, says)
			}
			require.True(t, strings.HasPrefix(o.stderr, "eventflow: "), o.stderr)
			require.Equal(t, 1, strings.Count(o.stderr, "\n"), "one line, no usage: %s", o.stderr)
			require.NotContains(t, o.stderr, "hush")
			require.Empty(t, o.stdout)
		})
	}
}

// TestSecretsAreNotTakenAsFlags: everybody on a machine sees the flags of its
// processes. A setting that holds a secret says where else it belongs.
func TestSecretsAreNotTakenAsFlags(t *testing.T) {
	t.Parallel()
	hush := strings.Repeat("hush-", 10)
	for _, flag := range []string{
		"--secret=" + hush, "--metrics-token=" + hush,
		"--store=postgres://u:" + hush + "@host/db", "--store=postgres://host/db?password=" + hush,
		"--catalog=postgres://u:" + hush + "@host/db", "--redis=redis://:" + hush + "@host:6379/0", "--smtp=smtp://u:" + hush + "@host:587",
	} {
		name, _, _ := strings.Cut(flag, "=")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newHome(t).run([]string{secret, anyone}, "serve", flag)
			require.Equal(t, 2, o.code, o.stderr)
			require.Contains(t, o.stderr, "EVENTFLOW_"+strings.ToUpper(strings.ReplaceAll(name[2:], "-", "_"))+"_FILE")
			require.NotContains(t, o.stderr, "hush")
		})
	}
}

// A slash at the end of the public URL is no part of the links that begin with it.
func TestLinksBeginWithThePublicURL(t *testing.T) {
	t.Parallel()
	for given, links := range map[string]string{
		"https://events.example.com/": "https://events.example.com", "http://[::1]:8080": "http://[::1]:8080", "HTTPS://Events.example.com:8443/": "https://Events.example.com:8443",
	} {
		out := newHome(t).run([]string{secret, "EVENTFLOW_PUBLIC_URL=" + given, "EVENTFLOW_STORE=sqlite:" + url.PathEscape(t.TempDir())}, "user", "setup-link")
		require.Zero(t, out.code, out.stderr)
		require.True(t, strings.HasPrefix(out.stdout, links+"/setup#t="), out.stdout)
	}
}

// TestAWrongLineInTheFileIsNamed holds that the file's errors name the line.
func TestAWrongLineInTheFileIsNamed(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"# settings\nEVENTFLOW_QUEUE_EVENT=1": "line 2: unknown setting EVENTFLOW_QUEUE_EVENT",
		"EVENTFLOW_ADDR=:1\n\nADDR=:1":        "line 3: unknown setting ADDR",
		"EVENTFLOW_ADDR":                      "line 1: must be NAME=value",
	} {
		h := newHome(t)
		o := h.run([]string{secret, anyone}, "serve", "--config", h.write("settings", text))
		require.Equal(t, 2, o.code)
		require.Contains(t, o.stderr, "settings "+says)
	}
}

// TestConfigListsEverySetting holds that `config` has a line for each setting
// and shows neither secrets nor passwords.
func TestConfigListsEverySetting(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	environ := []string{
		"EVENTFLOW_SECRET_FILE=" + h.write("secret", "hush-hush-hush-hush-hush-hush-hush-hush\n"),
		"EVENTFLOW_STORE=postgres://user:hush@host/db?password=hush", "EVENTFLOW_CATALOG=sqlite:./elsewhere",
	}
	o := h.run(environ, "config")
	require.Zero(t, o.code, o.stderr)
	require.Equal(t, []string{"FLAG", "ENVIRONMENT,", "FILE", "VALUE", "FROM", "RELOAD", "MEANING"}, strings.Fields(strings.SplitN(o.stdout, "\n", 2)[0]))
	for _, flag := range []string{
		"addr", "allow-relaxed-durability", "catalog", "commit-lanes", "connections", "drain-timeout", "idle-timeout", "inflight-bytes",
		"log-format", "log-level", "metrics-token", "queue-bytes", "queue-events", "read-timeout", "redis", "secret", "store", "write-timeout",
	} {
		o.line(t, flag)
		require.Contains(t, o.stdout, "EVENTFLOW_"+strings.ToUpper(strings.ReplaceAll(flag, "-", "_")))
	}
	require.Equal(t, [2]string{"xxxxx", "environment"}, o.line(t, "secret"))
	require.Equal(t, [2]string{"postgres://user:xxxxx@host/db?password=xxxxx", "environment"}, o.line(t, "store"))
	require.Equal(t, [2]string{"sqlite:./elsewhere", "environment"}, o.line(t, "catalog"))
	require.NotContains(t, o.stdout+o.stderr, "hush")
}

// TestConfigListsTheDefaultsWhenASettingIsWrong holds that whoever follows the
// advice to look into the list finds one.
func TestConfigListsTheDefaultsWhenASettingIsWrong(t *testing.T) {
	t.Parallel()
	o := newHome(t).run([]string{"EVENTFLOW_NOPE=1", "EVENTFLOW_ADDR=:1"}, "config")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.stderr, "EVENTFLOW_NOPE")
	require.Equal(t, [2]string{":8080", "default"}, o.line(t, "addr"))
}

// TestVariablesThatAreNoSettingsAreLeftAlone holds which names beside the
// settings may stand in the environment.
func TestVariablesThatAreNoSettingsAreLeftAlone(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	o := h.run([]string{
		"EVENTFLOW_CONFIG=" + h.write("settings", ""), "EVENTFLOW_KEY=x", "EVENTFLOW_URL=x", "EVENTFLOW_TEST_ANYTHING=x", "eventflow_addr=x", "EVENTFLOW=x",
	}, "config")
	require.Zero(t, o.code, o.stderr)
	require.Equal(t, [2]string{":8080", "default"}, o.line(t, "addr"))
}
