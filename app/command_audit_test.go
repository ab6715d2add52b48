package app_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A trail that was cut off together with what counts it, or written anew, is
// whole in itself. What an earlier check printed shows it.
func TestARewrittenTrailIsFound(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	newest := func() string {
		_, mark, found := strings.Cut(h.must("audit", "verify"), "the newest is ")
		require.True(t, found)
		return mark
	}
	h.must("key", "create", "--label", "one")
	first := newest()
	require.Regexp(t, `^0:[0-9a-f]{64}$`, first)
	h.must("key", "create", "--label", "two")
	second := newest()
	h.must("key", "create", "--label", "three")
	require.Contains(t, h.must("audit", "verify", "--expect", first, "--expect", second), "3 records")
	for _, mistake := range []string{"", "1", second[:20], "x" + second} {
		o := h.run([]string{secret}, "audit", "verify", "--expect", mistake)
		require.Equal(t, 2, o.code, mistake)
		require.Contains(t, o.stderr, "--expect must be a record's number, a colon and its full hash")
	}

	path := filepath.Join(h.folder, "eventflow_data", "events.db")
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	for _, statement := range []string{`delete from events where "offset" > 0`, `delete from event_keys where "offset" > 0`, `update heads set next_offset = 1`} {
		_, err = db.ExecContext(t.Context(), statement)
		require.NoError(t, err)
	}
	require.NoError(t, db.Close())
	require.Contains(t, h.must("audit", "verify", "--expect", first), "is intact: 1 record,")
	short := h.run([]string{secret}, "audit", "verify", "--expect", first, "--expect", second)
	require.Equal(t, 1, short.code)
	require.Contains(t, short.stderr, "is damaged at record 1: it is expected and missing")
	require.Empty(t, short.stdout)

	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		require.NoError(t, os.RemoveAll(file))
	}
	h.must("key", "create", "--label", "one")
	h.must("key", "create", "--label", "two")
	require.Contains(t, h.must("audit", "verify"), "is intact: 2 records")
	anew := h.run([]string{secret}, "audit", "verify", "--expect", second)
	require.Equal(t, 1, anew.code)
	require.Contains(t, anew.stderr, "is damaged at record 1: its hash is not the expected one")
}
