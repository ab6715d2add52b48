package sqlitefile_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
)

// A disk that was filled up while a database was closed has the room that its next
// start takes.
func TestAStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "some.db")
	full := noRoom(t)
	kept := path + ".reserve"
	require.NoError(t, sqlitefile.Begin(path, func() error { return nil }))
	require.FileExists(t, kept)
	uses := 0
	require.NoError(t, sqlitefile.Begin(path, func() error {
		if uses++; uses == 1 {
			return full
		}
		require.NoFileExists(t, kept)
		return nil
	}))
	require.Equal(t, 2, uses)

	require.NoFileExists(t, kept, "now nothing is left to give")
	err := sqlitefile.Begin(path, func() error { return full })
	require.Equal(t, full, err)
	require.ErrorContains(t, sqlitefile.Named(path, err), "the disk of "+path+" is full")
	other := errors.New("another failure")
	require.NoError(t, sqlitefile.Begin(path, func() error { return nil }))
	require.Equal(t, other, sqlitefile.Begin(path, func() error { return other }))
	require.FileExists(t, kept, "the reserve is for a full disk only")
}

// noRoom is an error of SQLite that had no room, from a database of few pages.
func noRoom(t *testing.T) error {
	t.Helper()
	db, err := sqlitefile.Open(filepath.Join(t.TempDir(), "small.db"), "_pragma=max_page_count(10)")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	conn, err := db.Conn(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	require.True(t, sqlitefile.Full(sqlitefile.TryRoom(t.Context(), conn)))
	_, err = conn.ExecContext(t.Context(), "pragma max_page_count = 1000")
	require.NoError(t, err)
	require.NoError(t, sqlitefile.TryRoom(t.Context(), conn), "the failure has left no transaction")
	_, err = conn.ExecContext(t.Context(), "create table t as select randomblob(8000000)")
	require.True(t, sqlitefile.Full(err), "%v", err)
	return err
}

// A flush goes through the disk's own cache where the system needs to be told so.
func TestAFlushIsWhole(t *testing.T) {
	t.Parallel()
	db, err := sqlitefile.Open(filepath.Join(t.TempDir(), "some.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	for setting, want := range map[string]int{"synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1} {
		var got int
		require.NoError(t, db.QueryRowContext(t.Context(), "pragma "+setting).Scan(&got))
		require.Equal(t, want, got, setting)
	}
}
