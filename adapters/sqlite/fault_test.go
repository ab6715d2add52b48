package sqlite_test

import (
	"context"
	"crypto/rand"
	"database/sql/driver"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	engine "modernc.org/sqlite"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// moment is when the tests' events are received.
var moment = time.Date(2026, 3, 1, 10, 0, 0, 123_456_000, time.UTC)

const day = 24 * time.Hour

// pageLimits are how many pages the files of a folder may have: a disk that is
// full, without a disk.
var pageLimits sync.Map

func TestMain(m *testing.M) {
	engine.RegisterConnectionHook(func(conn engine.ExecQuerierContext, dsn string) (err error) {
		pageLimits.Range(func(folder, pages any) bool {
			if strings.HasPrefix(dsn, "file:"+folder.(string)+"/") {
				_, err = conn.ExecContext(context.Background(), fmt.Sprintf("pragma max_page_count = %d", pages), []driver.NamedValue{})
			}
			return err == nil
		})
		return err
	})
	os.Exit(m.Run())
}

var filling = strings.Repeat("x", 1000)

func newID(at time.Time) core.ID {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return core.NewID(at, random[:])
}

// newBatch makes a batch of n new events of a thousand bytes.
func newBatch(stream core.ID, at time.Time, n int) core.Batch {
	entries := make([]core.Entry, n)
	for i := range entries {
		entries[i].Event = core.Event{
			ID: newID(at), Stream: stream, Offset: -1, Type: "test.happened", Version: 1, OccurredAt: at,
			Source: "test", Payload: fmt.Appendf(nil, `{"n":%d,"filling":"%s"}`, i, filling),
		}
	}
	return core.Batch{Org: core.ID{15: 1}, Stream: stream, Entries: entries}
}

func appendOne(storage core.Storage, at time.Time, batch core.Batch) error {
	return storage.Append(context.Background(), at, []core.Batch{batch})
}

// opened opens a storage that the end of the test closes.
func opened(t *testing.T, folder string) core.Storage {
	t.Helper()
	storage := open(t, folder)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	return storage
}

// everything reads a stream whole and checks that its offsets have no gap and
// end where its bounds say.
func everything(t *testing.T, storage core.Storage, stream core.ID) []core.Event {
	t.Helper()
	events, err := storage.Read(t.Context(), stream, core.Scan{Limit: 1 << 20})
	require.NoError(t, err)
	bounds, err := storage.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	for i := range events {
		require.Equal(t, bounds[0].First+core.Offset(i), events[i].Offset, "offsets are gapless")
	}
	require.Equal(t, bounds[0].Next, bounds[0].First+core.Offset(len(events)), "the stream ends where its bounds say")
	return events
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	require.NoError(t, err)
	return u
}

// A URL that says more than a folder is refused with what is too much, and
// nothing is made: a setting that has no effect is not passed over.
func TestOpenRefusesWhatAURLMustNotSay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ end, named string }{
		{"?cache_size=100", `"?cache_size"`},
		{"?_pragma=synchronous(off)", `"?_pragma"`},
		{"?mode", `"?mode"`},
		{"#part", `"#part"`},
	} {
		folder := filepath.Join(t.TempDir(), "data")
		_, err := sqlite.Open(t.Context(), parse(t, "sqlite://"+folder+c.end))
		require.ErrorContains(t, err, c.named)
		require.NoDirExists(t, folder)
	}
	for _, u := range []*url.URL{{Scheme: "sqlite"}, {Scheme: "sqlite", Opaque: "%zz"}} {
		_, err := sqlite.Open(t.Context(), u)
		require.ErrorContains(t, err, "folder")
	}
}

// The folders that Open makes are their owner's alone; one that was there
// keeps its mode.
func TestOpenMakesPrivateFolders(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	require.NoError(t, os.Chmod(above, 0o755))
	opened(t, filepath.Join(above, "of", "eventflow"))
	for path, mode := range map[string]os.FileMode{"": 0o755, "of": 0o700, "of/eventflow": 0o700} {
		info, err := os.Stat(filepath.Join(above, path))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm(), "%q", path)
	}
}

// Whatever a folder is called, the log is in it and nowhere else, and is there
// again when it is opened again, by either form of the URL.
func TestOddFolderNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"two words", "a#b", "a?b=c", "100%", "%41", "a&_pragma=query_only(1)", "it's", `"quoted"`, "a+b", "grün/日本語/🗄", "file:x",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			above := t.TempDir()
			folder := filepath.Join(above, name)
			escaped := (&url.URL{Path: folder}).EscapedPath()
			stream := newID(moment)
			for i, u := range []*url.URL{parse(t, "sqlite://"+escaped), {Scheme: "sqlite", Opaque: url.PathEscape(folder)}} {
				storage, err := sqlite.Open(t.Context(), u)
				require.NoError(t, err)
				require.NoError(t, storage.Check(t.Context()))
				require.NoError(t, appendOne(storage, moment, newBatch(stream, moment, 1)))
				require.Len(t, everything(t, storage, stream), i+1)
				require.NoError(t, storage.Close())
			}
			require.FileExists(t, filepath.Join(folder, sqlite.FileName))
			found, err := os.ReadDir(above)
			require.NoError(t, err)
			require.Len(t, found, 1, "nothing is written beside the folder: %v", found)
		})
	}
}

// A file that is no database is refused by its name, and stays as it was, also
// where it is so short that SQLite would write over it.
func TestAForeignFileIsRefused(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"x", "mine, and not a database", strings.Repeat("no database either. ", 1000), "SQLite format 2\x00..."} {
		folder := t.TempDir()
		path := filepath.Join(folder, sqlite.FileName)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := sqlite.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: folder})
		require.ErrorContains(t, err, path+" is not a SQLite database")
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, content, string(kept))
		found, err := os.ReadDir(folder)
		require.NoError(t, err)
		require.Len(t, found, 1, "nothing is written beside it: %v", found)
	}
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, []byte("mine"), 0o600))
	_, err := sqlite.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: file})
	require.ErrorContains(t, err, file, "a file where the folder should be")
}

// A file that is damaged where it must be read to open it is refused by its name.
func TestADamagedFileIsNamed(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	storage := open(t, folder)
	require.NoError(t, appendOne(storage, moment, newBatch(newID(moment), moment, 100)))
	require.NoError(t, storage.Close())
	path := filepath.Join(folder, sqlite.FileName)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, info.Size()/2))
	_, err = sqlite.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: folder})
	require.ErrorContains(t, err, path+" is damaged: ")
}

// An append that the disk has no room for is a STORAGE_FULL and stores
// nothing: no event of any of its streams, no idempotency key. What was there
// can be read, and once retention has made room the same handle appends again.
func TestAFullDisk(t *testing.T) {
	t.Parallel()
	const pages = 300
	folder := t.TempDir()
	pageLimits.Store(folder, pages)
	storage := opened(t, folder)
	old, other := newID(moment), newID(moment)
	stored := fill(t, storage, old)
	require.NotEmpty(t, stored)

	keyed := newBatch(other, moment, pages*4)
	keyed.Entries[0].IdempotencyKey = "once"
	err := storage.Append(t.Context(), moment, []core.Batch{newBatch(old, moment, 1), keyed})
	require.Equal(t, core.CodeStorageFull, core.CodeOf(err), "%v", err)
	require.Equal(t, stored, everything(t, storage, old))
	require.Empty(t, everything(t, storage, other))
	var refused *core.Error
	require.ErrorAs(t, err, &refused)
	require.Positive(t, refused.RetryAfter)
	for range 2 {
		require.ErrorIs(t, storage.Check(t.Context()), core.ErrDegraded)
	}

	tomorrow := moment.Add(day)
	require.NoError(t, storage.Trim(t.Context(), old, tomorrow))
	require.NoError(t, storage.Check(t.Context()))
	retried := newBatch(other, tomorrow, 5)
	retried.Entries[0].IdempotencyKey = "once"
	require.NoError(t, appendOne(storage, tomorrow, retried))
	require.Equal(t, core.Stored, retried.Entries[0].Outcome, "the failed append left no key")
	require.Len(t, everything(t, storage, other), 5)
	next := newBatch(old, tomorrow, 1)
	require.NoError(t, appendOne(storage, tomorrow, next))
	require.Equal(t, core.Offset(len(stored)), next.Entries[0].Offset, "the failed append took no offset")
}

// fill appends until there is no room left, and returns what is stored.
func fill(t *testing.T, storage core.Storage, stream core.ID) []core.Event {
	t.Helper()
	acknowledged := len(everything(t, storage, stream))
	for {
		batch := newBatch(stream, moment, 40)
		err := appendOne(storage, moment, batch)
		if err != nil {
			require.Equal(t, core.CodeStorageFull, core.CodeOf(err), "%v", err)
			require.NotErrorIs(t, err, core.ErrUnknownOutcome)
			break
		}
		acknowledged += len(batch.Entries)
		require.Less(t, acknowledged, 1<<14, "there was to be an end")
	}
	events := everything(t, storage, stream)
	require.Equal(t, acknowledged, len(events)) //nolint:testifylint // Len would print them all
	return events
}
