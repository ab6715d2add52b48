package catalog

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A URL that says more than a folder is refused with what is too much, and
// nothing is made.
func TestOpenRefusesWhatAURLMustNotSay(t *testing.T) {
	t.Parallel()
	for end, named := range map[string]string{"?_pragma=synchronous(off)": `"?_pragma"`, "#part": `"#part"`} {
		folder := filepath.Join(t.TempDir(), "data")
		u, err := url.Parse("sqlite://" + folder + end)
		require.NoError(t, err)
		_, err = Open(t.Context(), u)
		require.ErrorContains(t, err, named)
		require.NoDirExists(t, folder)
	}
}

// The folders that Open makes are their owner's alone.
func TestOpenMakesPrivateFolders(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	catalog := opened(t, &url.URL{Scheme: "sqlite", Path: filepath.Join(above, "of", "eventflow")})
	require.NoError(t, catalog.Close())
	for _, path := range []string{"of", "of/eventflow"} {
		info, err := os.Stat(filepath.Join(above, path))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), path)
	}
}

// A file that is no database is refused by its name and stays as it was, also
// where it is so short that SQLite would write over it.
func TestAForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"mine, and not a database", strings.Repeat("no database either. ", 1000)} {
		folder := t.TempDir()
		path := filepath.Join(folder, FileName)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Path: folder})
		require.ErrorContains(t, err, path+" is not a SQLite database")
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(kept))
	}
}

// A catalog is in the folder that its URL names. Where an earlier version has
// put it into another one it is used there, unless there is one in both.
func TestTheFileOfEarlierVersions(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	at := func(name string) *url.URL { return &url.URL{Scheme: "sqlite", Path: filepath.Join(above, name)} }
	file := func(name string) string { return filepath.Join(above, name, FileName) }
	for _, step := range []struct{ url, file string }{
		{"new%41", file("new%41")},   // neither is there
		{"newA", file("newA")},       // nothing to decode
		{"new%41", file("new%41")},   // both are there
		{"formerA", file("formerA")}, // as an earlier version made it
		{"former%41", file("formerA")},
		{"100%", file("100%")}, // which cannot be decoded twice
	} {
		require.Equal(t, step.file, fileIn(at(step.url).Path, at(step.url)), step.url)
		require.NoError(t, opened(t, at(step.url)).Close())
		require.FileExists(t, step.file)
	}
	require.NoDirExists(t, filepath.Join(above, "former%41"))
	spelt := &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(filepath.Join(above, "former%41"))}
	require.NoError(t, opened(t, spelt).Close(), "which was always decoded once")
	require.FileExists(t, file("former%41"))
}

// Who waits for a write of somebody else waits no longer than its own time.
func TestAWriteWaitsForItsTurnNoLongerThanItsTime(t *testing.T) {
	t.Parallel()
	catalog := opened(t, &url.URL{Scheme: "sqlite", Path: t.TempDir()}).(*Catalog)
	t.Cleanup(func() { require.NoError(t, catalog.Close()) })
	require.NoError(t, catalog.writing.Take(t.Context()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, catalog.RevokeSession(ctx, core.ID{1}, time.Now()), context.DeadlineExceeded)
	require.ErrorIs(t, catalog.CreateUser(ctx, core.User{ID: core.ID{1}, Email: "ann@example.com"}), context.DeadlineExceeded)
	catalog.writing.Leave()
	require.NoError(t, catalog.RevokeSession(t.Context(), core.ID{1}, time.Now()))
}
