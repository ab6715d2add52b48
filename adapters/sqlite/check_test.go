package sqlite

import (
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
)

// held is a log whose file another connection writes to until release is called, for which
// appends wait for as many milliseconds, and a batch for it.
func held(t *testing.T, milliseconds string) (s *Storage, batches []core.Batch, release func()) {
	t.Helper()
	folder := t.TempDir()
	opened, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: folder})
	require.NoError(t, err)
	other, err := sqlitefile.Open(filepath.Join(folder, FileName))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()); require.NoError(t, other.Close()) })
	conn, err := other.Conn(t.Context())
	require.NoError(t, err)
	exec := func(conn *sql.Conn, statement string) {
		_, err := conn.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	exec(conn, `begin immediate`)
	entry := core.Entry{Event: core.Event{ID: core.ID{3}, Type: "made", Version: 1, Payload: []byte("1")}}
	s = opened.(*Storage)
	exec(s.inserts.conn, `pragma busy_timeout = `+milliseconds)
	return s, []core.Batch{{Org: core.ID{1}, Stream: core.ID{2}, Entries: []core.Entry{entry}}}, func() { exec(conn, `rollback`) }
}

// tried has the first try of what waits be a while ago.
func tried(s *Storage) { s.trying.Store(time.Now().Add(-2 * patient).UnixNano()) }

// A probe gets its answer though an append waits for another process.
func TestCheckWaitsForNoAppend(t *testing.T) {
	t.Parallel()
	s, batches, release := held(t, "600000")
	stored := make(chan error, 1)
	go func() { stored <- s.Append(t.Context(), time.Now(), batches) }()
	require.Eventually(t, func() bool { return s.trying.Load() != 0 }, time.Minute, time.Millisecond)
	require.NoError(t, s.Check(t.Context()), "it may be over in a moment")
	tried(s)
	err := s.Check(t.Context())
	require.ErrorIs(t, err, core.ErrDegraded)
	require.ErrorContains(t, err, "kept events from being stored for 1")
	require.Empty(t, stored, "and still the append waits")
	release()
	require.NoError(t, <-stored)
	require.NoError(t, s.Check(t.Context()))
}

// Once the other process has let go Check finds that out, though nobody stores anything.
func TestCheckFindsThatTheFileIsFreeAgain(t *testing.T) {
	t.Parallel()
	s, batches, release := held(t, "0")
	require.Equal(t, core.CodeUnavailable, core.CodeOf(s.Append(t.Context(), time.Now(), batches)))
	tried(s)
	require.ErrorIs(t, s.Check(t.Context()), core.ErrDegraded)
	require.ErrorIs(t, s.Check(t.Context()), core.ErrDegraded)
	release()
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Append(t.Context(), time.Now(), batches))
}
