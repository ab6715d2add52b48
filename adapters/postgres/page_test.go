package postgres

import (
	"context"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// sent counts the rows of events that PostgreSQL has sent.
type sent struct{ rows atomic.Int64 }

// TraceQueryStart implements [pgx.QueryTracer].
func (*sent) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	return context.WithValue(ctx, sentKey{}, strings.Contains(data.SQL, "payload from events_"))
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (s *sent) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryEndData) {
	if events, _ := ctx.Value(sentKey{}).(bool); events {
		s.rows.Add(data.CommandTag.RowsAffected())
	}
}

type sentKey struct{}

// A page that is bounded by bytes takes about these bytes off the connection, though
// a thousand events would match, and holds the right ones whichever way it is read.
func TestAPageOfLargeEventsReadsFew(t *testing.T) {
	t.Parallel()
	const events, size, room = 300, 10_000, 5
	s, counted := openCounted(t, pgtest.URL(t))
	stream, at := core.ID{3}, time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	batch := core.Batch{Org: core.ID{1}, Stream: stream}
	for i := range events {
		batch.Entries = append(batch.Entries, core.Entry{Event: core.Event{
			ID: core.ID{byte(i), byte(i >> 8), 1}, Type: "made", Version: 1, Payload: []byte(`"` + strings.Repeat("x", size) + `"`),
		}})
	}
	require.NoError(t, s.Append(t.Context(), at, []core.Batch{batch}))
	for name, read := range map[string]func(from core.Offset) ([]core.Event, error){
		"forward": func(from core.Offset) ([]core.Event, error) {
			return s.Read(t.Context(), stream, core.Scan{From: from, Limit: 1000, Bytes: room * size})
		},
		"over all streams": func(from core.Offset) ([]core.Event, error) {
			return s.ReadAll(t.Context(), core.ID{1}, core.AllScan{After: core.Position{ReceivedAt: at, Stream: stream, Offset: from - 1}, Limit: 1000, Bytes: room * size})
		},
	} {
		_, err := read(1)
		require.NoError(t, err)
		counted.rows.Store(0)
		for from := core.Offset(1); from < events-room; from += room {
			page, err := read(from)
			require.NoError(t, err, name)
			require.Len(t, page, room, name)
			require.Equal(t, from, page[0].Offset, name)
		}
		require.Less(t, counted.rows.Load(), int64(3*events), name)
	}
}

// A page is the same however many portions it takes.
func TestAPageOfManyPortions(t *testing.T) {
	t.Parallel()
	s := openStorage(t, pgtest.URL(t))
	f := newUnanalyzed(t, s)
	whole := func(backward bool, bytes int) []core.Event {
		s.sizes.keep(f.stream, 100_000) // makes portions small
		events, err := s.Read(t.Context(), f.stream, core.Scan{From: 3, To: 19_990, Limit: 1 << 20, Backward: backward, Bytes: bytes})
		require.NoError(t, err)
		return events
	}
	all := func(backward bool, bytes int) []core.Event {
		s.sizes.keep(f.org, 100_000)
		events, err := s.ReadAll(t.Context(), f.org, core.AllScan{Limit: 1 << 20, Backward: backward, Bytes: bytes})
		require.NoError(t, err)
		return events
	}
	for _, backward := range []bool{false, true} {
		require.Equal(t, whole(backward, 0), whole(backward, 1<<30))
		require.Equal(t, all(backward, 0), all(backward, 1<<30))
	}
	require.Len(t, whole(true, 1<<30), 19_987)
	events, err := s.Read(t.Context(), f.stream, core.Scan{Limit: 1 << 20, Backward: true, Bytes: 1 << 30})
	require.NoError(t, err)
	require.Zero(t, events[len(events)-1].Offset)
	s.sizes.keep(f.stream, 1<<30) // one by one, down to offset 0
	events, err = s.Read(t.Context(), f.stream, core.Scan{To: 4, Limit: 10, Backward: true, Bytes: 1 << 20})
	require.NoError(t, err)
	require.Len(t, events, 4)
}

// openCounted opens a log whose events are counted as they are sent.
func openCounted(t *testing.T, u *url.URL) (*Storage, *sent) {
	t.Helper()
	s, counted := openStorage(t, u), &sent{}
	config := s.pool.Config()
	config.ConnConfig.Tracer = counted
	s.pool.Close()
	traced, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	s.pool = traced
	return s, counted
}
