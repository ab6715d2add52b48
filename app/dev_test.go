package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// dev starts `eventflow dev` on a free port.
func (h home) dev(flags ...string) *process {
	h.t.Helper()
	p := h.start([]string{anyone}, append([]string{"dev"}, flags...)...)
	p.url = strings.TrimSuffix(p.await(p.stdout, `API +(http://\S+)\n`), "/api/v1")
	p.await(p.stdout, `(second terminal: \S+ try\n)`)
	return p
}

var shellWord = regexp.MustCompile(`'([^']*)'|([^\s'\\]+)`)

// curl performs the curl command in a text, as the shell would read it.
func curl(t *testing.T, text string) answer {
	t.Helper()
	_, command, found := strings.Cut(text, "  curl ")
	require.True(t, found, text)
	command, _, found = strings.Cut(strings.ReplaceAll(command, "\\\n", " "), "\n")
	require.True(t, found, text)
	method, url, body, headers := "GET", "", "", http.Header{}
	words := shellWord.FindAllStringSubmatch(command, -1)
	for i := 0; i < len(words); i++ {
		value := func() string { i++; return words[i][1] + words[i][2] }
		switch word := words[i][2]; word {
		case "-X":
			method = value()
		case "-H":
			name, text, found := strings.Cut(value(), ": ")
			require.True(t, found)
			headers.Add(name, text)
		case "-d":
			body = value()
		default:
			require.Empty(t, url, "%q is not understood", word)
			url = word
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	request.Header = headers
	return do(t, request)
}

// TestTheFirstEventIsOneCopiedLineAway holds that what `dev` prints works as
// it stands: the curl command is accepted, and the event can be read back with
// the key that is printed.
func TestTheFirstEventIsOneCopiedLineAway(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.dev()
	require.Regexp(t, `^http://127\.0\.0\.1:\d+$`, server.url)
	key := server.await(server.stdout, `Test key +(ef_test_\S+)`)
	stream := server.await(server.stdout, `Demo stream +([^, ]+)`)
	sent := curl(t, server.stdout.String())
	require.Equal(t, 202, sent.status, sent.body)
	require.Contains(t, sent.body, `"offset":0`)
	var events []core.Event
	for event, err := range server.client(key).Events(t.Context(), stream, core.EventQuery{}) {
		require.NoError(t, err)
		events = append(events, event)
	}
	require.Len(t, events, 1)
	require.Equal(t, "greeting.sent", events[0].Type)
	require.Equal(t, `{"text":"hello"}`, string(events[0].Payload))
	require.Empty(t, server.stderr.String(), "nothing stands between a visitor and the text")
	require.Zero(t, server.stop())
}

// TestDevGoesOnWhereItStopped holds that a second start has the data, the key
// and the stream of the first, and that the folder is its owner's alone.
func TestDevGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	first := h.dev()
	key := first.await(first.stdout, `Test key +(\S+)`)
	require.Equal(t, 202, curl(t, first.stdout.String()).status)
	require.Zero(t, first.stop())

	second := h.dev("--log-level=info")
	second.await(second.stderr, `(msg=listening)`) // a flag wins over what dev sets
	require.Equal(t, key, second.await(second.stdout, `Test key +(\S+)`))
	sent := curl(t, second.stdout.String())
	require.Contains(t, sent.body, `"offset":1`)
	folder := filepath.Join(h.folder, "eventflow_data")
	for path, mode := range map[string]os.FileMode{
		folder: 0o700, filepath.Join(folder, "secret"): 0o600, filepath.Join(folder, "dev-key"): 0o600,
	} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), path)
	}
	listed := h.run(nil, "key", "list")
	require.Zero(t, listed.code, "the kept secret serves the key commands: %s", listed.stderr)
	require.Equal(t, 1, strings.Count(listed.stdout, " dev "), "one key for both starts: %s", listed.stdout)
	require.Zero(t, second.stop())
}

// TestTryProvesTheServerThatRuns holds that `try` finds the server that `dev`
// started, and says so when there is none any more.
func TestTryProvesTheServerThatRuns(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.dev()
	for range 2 {
		tried := h.run(nil, "try")
		require.Zero(t, tried.code, tried.stderr)
		require.Equal(t, 9, strings.Count(tried.stdout, "✓"), tried.stdout)
		for _, step := range []string{"ready", "published", "read back", "consumed", "committed", "refused      a bad event: event_type", "deduplicated"} {
			require.Contains(t, tried.stdout, "✓ "+step)
		}
	}
	require.Zero(t, server.stop())
	tried := h.run(nil, "try")
	require.Equal(t, 7, tried.code)
	require.Contains(t, tried.stderr, "start one with 'eventflow dev'")
	require.NotContains(t, tried.stdout, "✓")
}

// TestADevKeyOfAnotherCatalogIsSaid holds that a folder whose parts do not
// belong together is not started with, and that the message says what to do.
func TestADevKeyOfAnotherCatalogIsSaid(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	require.Zero(t, h.dev().stop())
	require.NoError(t, os.Remove(filepath.Join(h.folder, "eventflow_data", "secret")))
	o := h.run([]string{anyone}, "dev")
	require.Equal(t, 1, o.code)
	require.Contains(t, o.stderr, "eventflow_data/dev-key is not valid in this catalog: remove the file")
}
