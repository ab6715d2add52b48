package app_test

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// hangUp sends SIGHUP, and returns the log from then on, once it says what follows.
func (p *process) hangUp(says string) string {
	p.t.Helper()
	before := len(p.stderr.String())
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGHUP))
	require.Eventually(p.t, func() bool { return strings.Contains(p.stderr.String()[before:], says) }, patience, tick)
	return p.stderr.String()[before:]
}

// settingsOf returns the settings that a server says it runs by, as an admin sees them.
func settingsOf(t *testing.T, server *process) map[string]string {
	t.Helper()
	signedIn, err := server.client("").Login(t.Context(), rest.LoginRequest{Email: "ann@example.com", Password: goodPassword, WantRefreshToken: true})
	require.NoError(t, err)
	system, err := server.client(signedIn.AccessToken).System(t.Context())
	require.NoError(t, err)
	values := map[string]string{}
	for _, setting := range system.Settings {
		values[setting.Name] = setting.Value
	}
	return values
}

// tick is how often is looked whether something has come about.
const tick = 10 * time.Millisecond

const reread = "the settings were read again"

// TestARunningServerTakesSettingsOver holds what SIGHUP does: limits, shares and the log
// level are those of the file from then on, also where the file is named by a variable
// for one value; what needs a restart is named, and stays as it was; and a file that is
// wrong changes nothing.
func TestARunningServerTakesSettingsOver(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	file := h.write("settings", "EVENTFLOW_RATE_KEY=60000/1000\n")
	server := h.serve("EVENTFLOW_CONFIG="+file, "EVENTFLOW_SHARE_STREAMS_FILE="+h.write("streams", "2\n"), "EVENTFLOW_RATE_USER=70/7")
	made := h.run([]string{secret}, "key", "create", "--label", "admin", "--role", "admin")
	require.Zero(t, made.code, made.stderr)
	create := h.command(t.Context(), []string{secret}, "user", "create", "--email", "ann@example.com", "--role", "admin")
	create.Stdin = strings.NewReader(goodPassword + "\n")
	require.NoError(t, create.Run())
	client := server.client(strings.TrimSpace(made.stdout))
	limit := func() string {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.url+rest.SystemPath, nil)
		require.NoError(t, err)
		request.Header.Set("X-API-Key", strings.TrimSpace(made.stdout))
		return do(t, request).header.Get("X-RateLimit-Limit")
	}
	for i := range 2 {
		_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "s" + strconv.Itoa(i)})
		require.NoError(t, err)
	}
	require.Equal(t, "60000", limit())

	h.write("settings", "EVENTFLOW_RATE_KEY=50000/1000\nEVENTFLOW_LOG_LEVEL=debug\nEVENTFLOW_QUEUE_EVENTS=60000\nEVENTFLOW_ADDR=127.0.0.1:1\n")
	h.write("streams", "3\n")
	said := server.hangUp(`"setting":"queue-events"`)
	require.Contains(t, said, reread)
	require.Contains(t, said, `"changed":["rate-key","log-level","share-streams"]`)
	require.NotContains(t, said, `"setting":"addr"`, "the environment wins over the file, as it did at the start")
	require.Contains(t, said, "needs a restart")
	require.Equal(t, "50000", limit())
	server.await(server.stderr, `("level":"DEBUG")`)
	values := settingsOf(t, server)
	require.Equal(t, []string{"50000/1000", "70/7", "50000", "debug", "3"},
		[]string{values["rate-key"], values["rate-user"], values["queue-events"], values["log-level"], values["share-streams"]})
	require.Eventually(t, func() bool { // bounds are trusted for a second
		_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "s2"})
		return err == nil
	}, patience, tick)
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "s3"})
	require.Equal(t, core.CodeConflict, core.CodeOf(err))

	for text, why := range map[string]string{
		"EVENTFLOW_RATE_KEY=40000/1000\nEVENTFLOW_RATE_USER=x\nEVENTFLOW_SHARE_USERS=0\n": "setting share-users must be",
		"EVENTFLOW_RATE_KEY=40000/1000\nEVENTFLOW_NOPE=1\n":                               "unknown setting EVENTFLOW_NOPE",
	} {
		h.write("settings", text)
		said = server.hangUp("cannot be taken over")
		require.Contains(t, said, why)
		require.NotContains(t, said, reread)
		require.Equal(t, "50000", limit())
	}
	require.Zero(t, server.stop(), server.stderr)
}

// TestARunningServerTakesACertificateOver holds that another pair of files is served
// from SIGHUP on, that a pair which does not fit changes nothing, and that HTTPS does
// not end while the server runs.
func TestARunningServerTakesACertificateOver(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	pair := func(name string) (der, setting string) {
		cert, key, _ := certificate(t)
		return cert, "EVENTFLOW_TLS_CERT=" + h.write(name+".pem", cert) + "\nEVENTFLOW_TLS_KEY=" + h.write(name+".key", key) + "\n"
	}
	one, first := pair("one")
	other, second := pair("other")
	server := h.serve("EVENTFLOW_CONFIG=" + h.write("settings", first))
	served := func() string {
		conn, err := tls.Dial("tcp", strings.TrimPrefix(server.url, "http://"), &tls.Config{InsecureSkipVerify: true})
		require.NoError(t, err)
		defer conn.Close() //nolint:errcheck // it was only looked at
		return string(conn.ConnectionState().PeerCertificates[0].Raw)
	}
	require.Equal(t, pemBytes(t, one), served())
	h.write("settings", second)
	require.Contains(t, server.hangUp(reread), `"changed":["tls-cert","tls-key"]`)
	require.Equal(t, pemBytes(t, other), served())

	h.write("settings", strings.Replace(second, "other.key", "one.key", 1)+"EVENTFLOW_LOG_LEVEL=debug\n")
	require.Contains(t, server.hangUp("cannot be taken over"), "settings tls-cert and tls-key")
	require.Equal(t, pemBytes(t, other), served())
	h.write("settings", "")
	said := server.hangUp(`"setting":"tls-key"`)
	require.Contains(t, said, `"setting":"tls-cert"`)
	require.Equal(t, pemBytes(t, other), served())
	require.Zero(t, server.stop(), server.stderr)
}

// TestConfigSaysWhatIsTakenOver holds the column that tells people which settings need
// a restart.
func TestConfigSaysWhatIsTakenOver(t *testing.T) {
	t.Parallel()
	table, _, _ := strings.Cut(newHome(t).run(nil, "config").stdout, "\n\n")
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		switch name := strings.TrimPrefix(fields[0], "--"); {
		case name == "FLAG":
		case strings.HasPrefix(name, "rate-"), strings.HasPrefix(name, "share-"), strings.HasPrefix(name, "tls-"), name == "log-level":
			require.Equal(t, "yes", fields[4], line)
		default:
			require.Equal(t, "restart", fields[4], line)
		}
	}
}

// TestConfigCheckNamesEverything holds that all that is wrong is told at once, and
// that good settings are called good.
func TestConfigCheckNamesEverything(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	cert, key, _ := certificate(t)
	good := []string{secret, "EVENTFLOW_TLS_CERT=" + h.write("cert.pem", cert), "EVENTFLOW_TLS_KEY=" + h.write("key.pem", key), "EVENTFLOW_REDIS=redis://127.0.0.1:1"}
	o := h.run(good, "config", "check")
	require.Zero(t, o.code, o.stderr)
	require.Contains(t, o.stdout, "The settings are good: 4 settings given")
	wrong := []string{
		"EVENTFLOW_SECRET=hush", "EVENTFLOW_ADDR=8080", "EVENTFLOW_QUEUE_EVENTS=many", "EVENTFLOW_NOPE=1", "EVENTFLOW_RATE_KEY=1000", "EVENTFLOW_SHARE_USERS=0",
		"EVENTFLOW_CONNECTIONS=0", "EVENTFLOW_SMTP=smtp://user:hush@host", "EVENTFLOW_REDIS=hush", "EVENTFLOW_STORE=rocks:x", "EVENTFLOW_CATALOG=sqlite:./x",
		"OTEL_TRACES_SAMPLER=some", "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:99999", "OTEL_BSP_SCHEDULE_DELAY=x",
		"EVENTFLOW_TLS_CERT=nowhere.pem", "EVENTFLOW_CONFIG=" + h.write("settings", "ADDR=:1\n\nEVENTFLOW_READ_TIMEOUT=5\nnonsense\n"),
	}
	says := []string{
		"line 1: unknown setting ADDR", "line 4: must be NAME=value", "unknown setting EVENTFLOW_NOPE", "setting queue-events (EVENTFLOW_QUEUE_EVENTS) must be a whole number",
		"setting read-timeout (EVENTFLOW_READ_TIMEOUT) must be a duration", "setting secret is too weak", "setting addr must be host:port", "setting rate-key must be",
		"setting share-users must be", "setting connections must be", "settings smtp and mail-from go together", "setting redis must be a URL",
		`setting store has the unknown scheme "rocks"`, "settings tls-cert and tls-key go together",
		"OTEL_TRACES_SAMPLER must be", "OTEL_EXPORTER_OTLP_ENDPOINT must be", "OTEL_BSP_SCHEDULE_DELAY must be",
	}
	o = h.run(wrong, "config", "check")
	require.Equal(t, 2, o.code)
	for _, one := range says {
		require.Contains(t, o.stdout, one)
	}
	require.Equal(t, len(says), strings.Count(o.stdout, "\n"), o.stdout)
	require.Equal(t, "eventflow: 17 problems in the settings\n", o.stderr)
	require.NotContains(t, o.stdout, "hush")
	o = h.run(wrong, "config", "check", "--output", "json")
	var answer struct{ Problems []string }
	require.NoError(t, json.Unmarshal([]byte(o.stdout), &answer))
	require.Len(t, answer.Problems, len(says))

	o = h.run([]string{secret, "OTEL_EXPORTER_OTLP_ENDPOINT=https://c", "OTEL_EXPORTER_OTLP_CERTIFICATE=nowhere.pem"}, "config", "check")
	require.Equal(t, 2, o.code)
	require.Contains(t, o.stdout, "OTEL_EXPORTER_OTLP_CERTIFICATE: open nowhere.pem")
}
