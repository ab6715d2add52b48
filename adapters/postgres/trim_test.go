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

			trimmer := openStorage(t, u)
			config := trimmer.pool.Config()
			config.ConnConfig.Tracer = &between{text: query, do: func() {
				batch := n.batch(core.ID{1}, stream, 1)
				batch.Entries[0].IdempotencyKey = "another"
				require.NoError(t, other.Append(context.Background(), today, []core.Batch{batch}))
			}}
			trimmer.pool.Close()
			traced, err := pgxpool.NewWithConfig(t.Context(), config)
			require.NoError(t, err)
			trimmer.pool = traced
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

func openStorage(t *testing.T, u *url.URL) *Storage {
	t.Helper()
	opened, err := Open(t.Context(), u)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, opened.Close()) })
	return opened.(*Storage)
}
