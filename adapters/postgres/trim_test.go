package postgres

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// between does something once, before the first query with a text is sent.
type between struct {
	text string
	once sync.Once
	do   func()
}

// TraceQueryStart implements [pgx.QueryTracer].
func (b *between) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, b.text) {
		b.once.Do(b.do)
	}
	return ctx
}

// TraceQueryEnd implements [pgx.QueryTracer].
func (*between) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// A stream that was silent for longer than its events are kept, and goes on at the
// moment of the trim, keeps what is new, whichever of the trim's queries that
// comes before.
func TestATrimmedStreamMayGoOnMeanwhile(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{"the segments": "from segments", "the bounds": "last_at from heads", "the change": "update heads"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := pgtest.URL(t)
			other, stream := openStorage(t, u), core.ID{3}
			n := &neighbours{}
			old := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			today := old.AddDate(0, 0, 30)
			require.NoError(t, other.Append(t.Context(), old, []core.Batch{n.batch(core.ID{1}, stream, 0)}))

			trimmer := openTraced(t, u, &between{text: query, do: func() {
				batch := n.batch(core.ID{1}, stream, 1)
				batch.Entries[0].IdempotencyKey = "another"
				require.NoError(t, other.Append(context.Background(), today, []core.Batch{batch}))
			}})
			require.NoError(t, trimmer.Trim(t.Context(), stream, today.AddDate(0, 0, -7)))

			bounds, err := trimmer.Bounds(t.Context(), []core.ID{stream})
			require.NoError(t, err)
			require.Equal(t, core.Bounds{First: 1, Next: 2, Last: today}, bounds[0])
			events, err := trimmer.Read(t.Context(), stream, core.Scan{From: bounds[0].First, Limit: 10})
			require.NoError(t, err)
			require.Len(t, events, 1)
			var keys int
			require.NoError(t, trimmer.pool.QueryRow(t.Context(), `select count(*) from event_keys`).Scan(&keys))
			require.Equal(t, 1, keys, "of what is kept the key is kept")
		})
	}
}

// openTraced opens a storage whose queries are watched.
func openTraced(t *testing.T, u *url.URL, tracer pgx.QueryTracer) *Storage {
	t.Helper()
	storage := openStorage(t, u)
	config := storage.pool.Config()
	config.ConnConfig.Tracer = tracer
	storage.pool.Close()
	traced, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	storage.pool = traced
	return storage
}

// before does something before each query with a text is sent.
type before struct {
	between
	do func()
}

// TraceQueryStart implements [pgx.QueryTracer].
func (b *before) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, b.text) {
		b.do()
	}
	return ctx
}

// A reader whom a trim of many days takes each day away just before it looks there, gets
// what is left.
func TestAReaderMeetsATrimOfManyDays(t *testing.T) {
	t.Parallel()
	first, left := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), core.Offset(4)
	for name, backward := range map[string]bool{"forward": false, "backward": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := pgtest.URL(t)
			other, stream, n := openStorage(t, u), core.ID{3}, &neighbours{}
			for day := range 5 {
				batch := n.batch(core.ID{1}, stream, day)
				batch.Entries[0].IdempotencyKey = ""
				require.NoError(t, other.Append(t.Context(), first.AddDate(0, 0, day), []core.Batch{batch}))
			}
			trimmed := 0
			reader := openTraced(t, u, &before{between: between{text: "from events_"}, do: func() {
				if trimmed++; trimmed <= int(left) {
					require.NoError(t, other.Trim(context.Background(), stream, first.AddDate(0, 0, trimmed)))
				}
			}})
			events, err := reader.Read(t.Context(), stream, core.Scan{Limit: 10, Backward: backward})
			require.NoError(t, err)
			require.Len(t, events, 1)
			require.Equal(t, left, events[0].Offset)
		})
	}
}

// Two servers may trim two streams that share days at once: the day that one is about to
// clear may be gone.
func TestADayMayBeDroppedByAnotherServer(t *testing.T) {
	t.Parallel()
	u := pgtest.URL(t)
	other, n := openStorage(t, u), &neighbours{}
	old := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	one, two := core.ID{3}, core.ID{4}
	for _, stream := range []core.ID{one, two} {
		require.NoError(t, other.Append(t.Context(), old, []core.Batch{n.batch(core.ID{1}, stream, 0)}))
	}
	today := old.AddDate(0, 0, 30)
	trimmer := openTraced(t, u, &between{text: "delete from events_", do: func() {
		require.NoError(t, other.Trim(context.Background(), two, today))
		require.NoError(t, other.Trim(context.Background(), one, today))
	}})
	require.NoError(t, trimmer.Trim(t.Context(), one, today))
	bounds, err := trimmer.Bounds(t.Context(), []core.ID{one, two})
	require.NoError(t, err)
	require.Equal(t, []core.Offset{1, 1}, []core.Offset{bounds[0].First, bounds[1].First})
}

func openStorage(t *testing.T, u *url.URL) *Storage {
	t.Helper()
	opened, err := Open(t.Context(), u)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	return opened.(*Storage)
}
