package sqlite

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A page costs what it holds, however much lies before and after it: every
// statement finds its place by an index, and none begins with all streams.
func TestNoPageReadsTheWholeLog(t *testing.T) {
	t.Parallel()
	opened, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: t.TempDir()})
	require.NoError(t, err)
	s := opened.(*Storage)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	at := core.Position{ReceivedAt: time.Now(), Offset: 3}
	for name, one := range map[string]struct {
		query query
		index string
	}{
		"newest of all": {readAllQuery(core.ID{1}, core.AllScan{Backward: true, Limit: 8}), "events_received_at"},
		"oldest of all": {readAllQuery(core.ID{1}, core.AllScan{Limit: 8}), "events_received_at"},
		"all before":    {readAllQuery(core.ID{1}, core.AllScan{Before: at, Backward: true, Limit: 8}), "events_received_at (received_at<?)"},
		"all between":   {readAllQuery(core.ID{1}, core.AllScan{After: at, Before: at, Limit: 8}), "events_received_at (received_at>? AND received_at<?)"},
		"one stream":    {readQuery(core.ID{}, core.ID{1}, core.Scan{From: 7, Limit: 8}), `events_offset (stream=? AND offset>?)`},
		"by its type":   {readQuery(core.ID{2}, core.ID{1}, core.Scan{Filter: core.Filter{Type: "x"}, Backward: true, Limit: 8}), `events_offset (stream=? AND offset>?)`},
	} {
		plan := s.plan(t, one.query)
		require.Contains(t, plan, one.index, "%s: %s", name, plan)
		require.NotContains(t, plan, "SCAN h", "%s: %s", name, plan)
	}
}

// What an append, a look at the bounds and a search by time ask for is found by an
// index alone. Nobody ever gathers statistics of the file, so no plan may need them.
func TestNoStatementScansATable(t *testing.T) {
	t.Parallel()
	opened, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: t.TempDir()})
	require.NoError(t, err)
	s := opened.(*Storage)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for _, text := range []string{selectHead, updateHead, selectKey, selectManyKeys, insertKey, selectBegins, selectBounds, selectTime, deleteEvents, deleteKeys} {
		args := make([]any, strings.Count(text, "?"))
		if strings.Contains(text, "?1") {
			args = args[:2]
		}
		if text == selectBounds {
			args[0] = "[]"
		}
		plan := s.plan(t, query{text: text, args: args})
		require.NotRegexp(t, `SCAN (heads|events|event_keys|h|e)\b|TEMP B-TREE`, plan, text)
	}
}

// plan is how SQLite goes about a statement.
func (s *Storage) plan(t *testing.T, q query) string {
	t.Helper()
	rows, err := s.readers.QueryContext(t.Context(), "explain query plan "+q.text, q.args...)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		require.NoError(t, rows.Scan(&id, &parent, &unused, &step))
		steps = append(steps, step)
	}
	require.NoError(t, rows.Err())
	return strings.Join(steps, "; ")
}
