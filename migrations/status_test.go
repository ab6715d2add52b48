package migrations_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/eventflow-go/eventflow/migrations"
)

// Somebody migrates who has the lock, and nobody where no lock can be had: the disk may be
// full, or the file of the lock damaged.
func TestWhoMigratesIsTold(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "events.db")
	open := func(name string) *sql.DB {
		db, err := sql.Open("sqlite", "file:"+name)
		require.NoError(t, err)
		t.Cleanup(func() { _ = db.Close() })
		db.SetMaxOpenConns(1)
		return db
	}
	db, lock := open(file), open(file+".migrating")
	holder := func() string {
		status, err := migrations.Look(t.Context(), db, migrations.EventsSQLite)
		require.NoError(t, err)
		return status.Holder
	}
	require.Empty(t, holder())
	_, err := lock.ExecContext(t.Context(), `create table x (y); begin exclusive`)
	require.NoError(t, err)
	require.Contains(t, holder(), "another process")
	_, err = lock.ExecContext(t.Context(), `rollback`)
	require.NoError(t, err)
	require.Empty(t, holder())
	require.NoError(t, lock.Close())
	require.NoError(t, os.WriteFile(file+".migrating", []byte("this is no database, and nobody can lock it as one, however long it is: there is no header in it at all"), 0o600))
	require.Empty(t, holder())
}
