package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// dev starts `eventflow dev` on a free port.
func (h home) dev(flags ...string) *process {
	h.t.Helper()
	return h.devWith(nil, flags...)
}

func (h home) devWith(environ []string, flags ...string) *process {
	h.t.Helper()
	p := h.start(append([]string{anyone}, environ...), append([]string{"dev"}, flags...)...)
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

// TestTheFirstAdminIsOnePrintedLinkAway holds that the link that `dev` prints is
// the running server's and makes the first admin, once; that the trail has both
// links and the admin; and that a start with users shows no link but where to sign
// in.
func TestTheFirstAdminIsOnePrintedLinkAway(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	first := h.dev()
	require.Equal(t, first.url, first.await(first.stdout, `Dashboard +(\S+)\n`))
	link := first.await(first.stdout, `First admin +(\S+)\n +valid once, for 30 minutes; '.+' replaces it\n`)
	command := strings.Fields(first.await(first.stdout, `valid once, for 30 minutes; '\S+ (.+)' replaces it\n`))
	require.Equal(t, []string{"user", "setup-link", "--public-url", first.url}, command)
	require.True(t, strings.HasPrefix(link, first.url+"/setup#t="), link)
	another := h.run(nil, command...)
	ticket, found := strings.CutPrefix(strings.TrimSpace(another.stdout), first.url+"/setup#t=")
	require.True(t, found, another)
	request := rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: "Correct-Horse-9"}
	signedIn, err := first.client("").Setup(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, core.RoleAdmin, signedIn.User.Role)
	_, err = first.client("").Setup(t.Context(), request)
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	var said []string
	for _, record := range trail(t, first.client(signedIn.AccessToken)) {
		said = append(said, string(record.action)+" by "+record.Actor.Label)
	}
	require.Equal(t, []string{
		"stream.created by dev", "group.created by dev", "setuplink.created by operator", "setuplink.created by operator",
		"user.created by ann@example.com", "login.succeeded by ann@example.com",
	}, said)
	require.Zero(t, first.stop())

	second := h.dev()
	require.Equal(t, second.url, second.await(second.stdout, `Dashboard +(\S+)\n`))
	require.NotContains(t, second.stdout.String(), "setup")
	require.Zero(t, second.stop())
}

// TestTheCommandForAnotherLinkFindsTheStore holds that the command that `dev` prints
// works as pasted, wherever the store is, and that its link replaces the one before.
func TestTheCommandForAnotherLinkFindsTheStore(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.dev("--store", "sqlite:./else%20where")
	link := server.await(server.stdout, `First admin +(\S+)\n`)
	command := strings.Fields(server.await(server.stdout, `valid once, for 30 minutes; '\S+ (.+)' replaces it\n`))
	require.Equal(t, []string{"user", "setup-link", "--store", "sqlite:./else%20where", "--public-url", server.url}, command)
	another := h.run(nil, command...)
	require.Zero(t, another.code, another)
	setUp := func(link string) error {
		_, ticket, _ := strings.Cut(strings.TrimSpace(link), "#t=")
		_, err := server.client("").Setup(t.Context(), rest.SetupRequest{Token: ticket, Email: "ann@example.com", Password: "Correct-Horse-9"})
		return err
	}
	require.Equal(t, core.CodeUnauthorized, core.CodeOf(setUp(link)))
	require.NoError(t, setUp(another.stdout))
	require.Zero(t, server.stop())
}

// TestTheDashboardIsServedUnlessItIsTurnedOff holds that both starts serve it,
// and that the setting takes it away without touching the API.
func TestTheDashboardIsServedUnlessItIsTurnedOff(t *testing.T) {
	t.Parallel()
	asks := func(p *process, path string) answer {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
		require.NoError(t, err)
		request.Header.Set("Accept", "text/html,*/*;q=0.8")
		return do(t, request)
	}
	for name, start := range map[string]func(h home, environ ...string) *process{
		"dev":   func(h home, environ ...string) *process { return h.devWith(environ) },
		"serve": home.serve,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			on, off := start(newHome(t)), start(newHome(t), "EVENTFLOW_DASHBOARD=false")
			page := asks(on, "/streams/demo")
			require.Equal(t, 200, page.status)
			require.Contains(t, page.body, "<title>EventFlow</title>")
			require.Equal(t, 404, asks(off, "/streams/demo").status)
			require.NotContains(t, off.stdout.String(), "Dashboard")
			for _, p := range []*process{on, off} {
				require.Equal(t, 200, asks(p, "/api/v1/health").status)
				require.Equal(t, 404, asks(p, "/api/v1/nope").status)
				require.Zero(t, p.stop())
			}
		})
	}
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

// TestDevStartsWithoutRoomForTheDemo holds that a start needs no demo stream, where
// there are as many streams as there may be.
func TestDevStartsWithoutRoomForTheDemo(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	first := h.dev()
	name := "orders"
	_, err := first.client(first.await(first.stdout, `Test key +(\S+)`)).ChangeStream(t.Context(), "demo", core.StreamChange{Name: &name}, 0)
	require.NoError(t, err)
	require.Zero(t, first.stop())
	require.Zero(t, h.dev("--share-streams=1").stop())
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
