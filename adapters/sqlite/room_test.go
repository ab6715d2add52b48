package sqlite

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Once there is room again Check finds that out, though nobody stores anything.
func TestRoomIsFoundAgain(t *testing.T) {
	t.Parallel()
	opened, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: t.TempDir()})
	require.NoError(t, err)
	s := opened.(*Storage)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	limit := func(pages string) {
		_, err := s.inserts.conn.ExecContext(t.Context(), `pragma max_page_count = `+pages)
		require.NoError(t, err)
	}
	limit("20")
	large := []byte(`{"filling":"` + strings.Repeat("x", 200_000) + `"}`)
	at := time.Now().UTC().Truncate(time.Microsecond)
	batch := core.Batch{Org: core.ID{1}, Stream: core.ID{2}, Entries: []core.Entry{{Event: core.Event{ID: core.ID{3}, Type: "made", Version: 1, Payload: large}}}}
	require.Equal(t, core.CodeStorageFull, core.CodeOf(s.Append(t.Context(), at, []core.Batch{batch})))
	require.ErrorIs(t, s.Check(t.Context()), core.ErrDegraded)
	require.ErrorIs(t, s.Check(t.Context()), core.ErrDegraded)
	limit("1000")
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, s.Append(t.Context(), at, []core.Batch{batch}))
	events, err := s.Read(t.Context(), core.ID{2}, core.Scan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 1)
}
