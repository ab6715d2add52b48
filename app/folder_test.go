package app_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// devFiles are what `dev` leaves in a data folder when it has stopped.
var devFiles = []string{"catalog.db", "catalog.db.migrating", "catalog.db.reserve", "dev-key", "events.db", "events.db.migrating", "events.db.reserve", "secret"}

// names are those of the files in a folder.
func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// TestOneFolderForAllThatIsKept holds that events, catalog, secret and key lie
// in one folder, however odd its name is and whichever way the URL spells it,
// and that the commands beside the server find it too.
func TestOneFolderForAllThatIsKept(t *testing.T) {
	t.Parallel()
	for spelt, folder := range map[string]string{
		"sqlite:./in/100%25":       "100%",
		"sqlite://HOME/in/100%25":  "100%",
		"sqlite:./in/dev%20data":   "dev data",
		"sqlite://./in/dev%20data": "dev data",
		"sqlite://HOME/in/a%23b":   "a#b",
		"sqlite:in/what%3F":        "what?",
		"sqlite://HOME/in/what?":   "what",
		"sqlite://HOME/in/%2541":   "%41",
	} {
		t.Run(spelt, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			store := h.store(spelt)
			server := h.devWith([]string{store})
			key := server.await(server.stdout, `Test key +(\S+)`)
			require.Zero(t, server.stop())
			require.Equal(t, []string{folder}, names(t, filepath.Join(h.folder, "in")))
			require.Equal(t, devFiles, names(t, filepath.Join(h.folder, "in", folder)))
			listed := h.run([]string{store}, "key", "list")
			require.Zero(t, listed.code, listed.stderr)
			again := h.devWith([]string{store})
			require.Equal(t, key, again.await(again.stdout, `Test key +(\S+)`))
			require.Zero(t, again.stop())
		})
	}
}

// store is the setting of a URL in which HOME stands for the folder.
func (h home) store(spelt string) string {
	return "EVENTFLOW_STORE=" + strings.Replace(spelt, "HOME", (&url.URL{Path: h.folder}).EscapedPath(), 1)
}

// TestWhatEarlierVersionsKeptIsFound holds that a start goes on with the files
// that earlier versions put in another folder than the events, and that they
// stay where they are.
func TestWhatEarlierVersionsKeptIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spelt, folder, former string
		moved                 []string
	}{
		"secret and key":                 {"sqlite:./in/dev%20data", "dev data", "dev%20data", []string{"dev-key", "secret"}},
		"catalog of a URL with slashes":  {"sqlite://HOME/in/%2541", "%41", "A", []string{"catalog.db"}},
		"catalog of a host and its path": {"sqlite://in/b%2520b", "b%20b", "b b", []string{"catalog.db"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHome(t)
			store := h.store(c.spelt)
			first := h.devWith([]string{store})
			key := first.await(first.stdout, `Test key +(\S+)`)
			require.Equal(t, 202, curl(t, first.stdout.String()).status)
			require.Zero(t, first.stop())
			folder, former := filepath.Join(h.folder, "in", c.folder), filepath.Join(h.folder, "in", c.former)
			require.NoError(t, os.Mkdir(former, 0o700))
			for _, file := range c.moved {
				require.NoError(t, os.Rename(filepath.Join(folder, file), filepath.Join(former, file)))
			}
			second := h.devWith([]string{store})
			require.Equal(t, key, second.await(second.stdout, `Test key +(\S+)`))
			sent := curl(t, second.stdout.String())
			require.Equal(t, 202, sent.status, sent.body)
			require.Contains(t, sent.body, `"offset":1`)
			listed := h.run([]string{store}, "key", "list")
			require.Zero(t, listed.code, listed.stderr)
			require.Contains(t, listed.stdout, " dev ")
			require.Zero(t, second.stop())
			for _, file := range c.moved {
				require.NotContains(t, names(t, folder), file)
				require.Contains(t, names(t, former), file)
			}
		})
	}
}

// TestASecretNextDoorIsLeftAlone holds that a folder that is new gets a secret
// of its own, although another one is called as the URL spells it.
func TestASecretNextDoorIsLeftAlone(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	next := h.devWith([]string{"EVENTFLOW_STORE=sqlite:./in/dev%2520data"})
	key := next.await(next.stdout, `Test key +(\S+)`)
	require.Zero(t, next.stop())
	server := h.devWith([]string{"EVENTFLOW_STORE=sqlite:./in/dev%20data"})
	require.NotEqual(t, key, server.await(server.stdout, `Test key +(\S+)`))
	require.Zero(t, server.stop())
	for _, folder := range []string{"dev data", "dev%20data"} {
		require.Equal(t, devFiles, names(t, filepath.Join(h.folder, "in", folder)))
	}
}
