package postgres_test

import (
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// A server that would lose acknowledged events in a crash is reported by Check,
// with the setting's name, whoever relaxed it; the store works all the same,
// so that whoever accepts the risk may go on.
func TestCheckReportsRelaxedDurability(t *testing.T) {
	t.Parallel()
	t.Run("the URL turns synchronous_commit off", func(t *testing.T) {
		t.Parallel()
		u := pgtest.URL(t)
		isRelaxed(t, with(u, "synchronous_commit", "off"), "synchronous_commit=off")
		require.NoError(t, opened(t, u).Check(t.Context()), "the server itself is durable")
	})
	t.Run("the database does", func(t *testing.T) {
		t.Parallel()
		u := private(t)
		_, err := connect(t, u).Exec(t.Context(), `alter database postgres set synchronous_commit = off`)
		require.NoError(t, err)
		isRelaxed(t, u, "synchronous_commit=off")
	})
	for _, setting := range []string{"fsync=off", "full_page_writes=off", "synchronous_commit=off"} {
		t.Run("the server has "+setting, func(t *testing.T) {
			t.Parallel()
			isRelaxed(t, private(t, setting), setting)
		})
	}
}

func private(t *testing.T, options ...string) *url.URL {
	t.Helper()
	u, err := url.Parse(pgtest.Private(t, options...).URL())
	require.NoError(t, err)
	return u
}

func isRelaxed(t *testing.T, u *url.URL, setting string) {
	t.Helper()
	storage := opened(t, u)
	err := storage.Check(t.Context())
	require.ErrorIs(t, err, core.ErrRelaxedDurability)
	require.ErrorContains(t, err, setting)
	stream := newID(moment)
	require.NoError(t, appendOne(storage, moment, newBatch(stream, moment, 2)))
	require.Len(t, everything(t, storage, stream), 2)
}

// Servers that are the first of a day at the same moment all append: one makes
// the day's partition, the others find it.
func TestServersRaceForADaysPartition(t *testing.T) {
	t.Parallel()
	const days, servers, writers = 8, 2, 3
	u := pgtest.URL(t)
	var storages [servers]core.Storage
	var streams []core.ID
	for i := range storages {
		storages[i] = opened(t, u)
		for range writers {
			streams = append(streams, newID(moment))
		}
	}
	for d := range days {
		at := moment.Add(time.Duration(d) * day)
		start, errs := make(chan struct{}), make([]error, len(streams))
		var group sync.WaitGroup
		for i, stream := range streams {
			group.Go(func() {
				<-start
				errs[i] = appendOne(storages[i%servers], at, newBatch(stream, at, 2))
			})
		}
		close(start)
		group.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
	}
	for i, stream := range streams {
		require.Len(t, everything(t, storages[(i+1)%servers], stream), 2*days)
	}
	require.Len(t, partitions(t, connect(t, u)), days)
}

func partitions(t *testing.T, conn *pgx.Conn) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), `select inhrelid::regclass::text from pg_inherits where inhparent = 'events'::regclass order by 1`)
	require.NoError(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return names
}

// Servers that append to one stream get offsets without a gap, none twice, and
// each writer's events are in the order in which it appended them. No append
// is given up because the other server was faster.
func TestServersContendForAStream(t *testing.T) {
	t.Parallel()
	const servers, writers, appends = 2, 3, 90 // more than a server stays careful for
	u := pgtest.URL(t)
	var storages [servers]core.Storage
	for i := range storages {
		storages[i] = opened(t, u)
	}
	stream := newID(moment)
	var results ledger
	var batches [servers * writers][appends]core.Batch
	var group sync.WaitGroup
	for writer := range batches {
		group.Go(func() {
			for i := range appends {
				batches[writer][i] = newBatch(stream, moment, 1+i%3)
				results.add(batches[writer][i], appendOne(storages[writer%servers], moment, batches[writer][i]))
			}
		})
	}
	group.Wait()
	require.Empty(t, results.errs)
	require.Empty(t, results.unknown)
	for _, storage := range storages {
		results.settle(t, storage, stream)
	}
	for _, mine := range batches {
		next := core.Offset(0)
		for _, batch := range mine {
			for i, entry := range batch.Entries {
				require.GreaterOrEqual(t, entry.Offset, next, "a writer's events keep its order")
				require.Equal(t, batch.Entries[0].Offset+core.Offset(i), entry.Offset, "a batch stays together")
				next = entry.Offset + 1
			}
		}
	}
}

// Retention removes whole days: every way to read then starts at the first
// event that remains, on a server that knew the old days too; the stream goes
// on where it was; and a day that nobody needs any more takes no room.
func TestTrimOfWholeDays(t *testing.T) {
	t.Parallel()
	const days, perDay, kept = 6, 3, 2
	u := pgtest.URL(t)
	trimmer, other := opened(t, u), opened(t, u)
	long, short := newID(moment), newID(moment)
	for d := range days {
		at := moment.Add(time.Duration(d) * day)
		require.NoError(t, appendOne(trimmer, at, newBatch(long, at, perDay)))
		if d < 2 {
			require.NoError(t, appendOne(trimmer, at, newBatch(short, at, perDay)))
		}
	}
	all := everything(t, other, long) // it knows where the days are
	require.Len(t, all, days*perDay)
	last := all[len(all)-1].ReceivedAt
	midday := moment.Add((days - kept) * day)
	require.NoError(t, trimmer.Trim(t.Context(), long, midday))

	want := all[(days-kept)*perDay:]
	for _, storage := range []core.Storage{trimmer, other} {
		readsAfterTrim(t, storage, long, want)
		bounds, err := storage.Bounds(t.Context(), []core.ID{long, short})
		require.NoError(t, err)
		require.Equal(t, core.Bounds{First: want[0].Offset, Next: days * perDay, Last: last}, bounds[0])
		require.Equal(t, core.Bounds{First: 0, Next: 2 * perDay, Last: moment.Add(day)}, bounds[1], "the other stream keeps its own")
		require.Len(t, everything(t, storage, short), 2*perDay)
	}
	conn := connect(t, u)
	require.Len(t, partitions(t, conn), 2+kept, "the days that only the trimmed stream had are gone")
	require.NoError(t, trimmer.Trim(t.Context(), short, midday))
	require.Len(t, partitions(t, conn), kept)
	require.NoError(t, trimmer.Trim(t.Context(), long, midday), "again is nothing")

	next := newBatch(long, last, 1)
	require.NoError(t, appendOne(other, last, next))
	require.Equal(t, core.Offset(days*perDay), next.Entries[0].Offset)
	again := newBatch(short, last, 1)
	require.NoError(t, appendOne(other, last, again))
	require.Equal(t, core.Offset(2*perDay), again.Entries[0].Offset, "an emptied stream does not begin anew")
}

func readsAfterTrim(t *testing.T, storage core.Storage, stream core.ID, want []core.Event) {
	t.Helper()
	require.Equal(t, want, everything(t, storage, stream))
	forward, err := storage.Read(t.Context(), stream, core.Scan{From: 1, Limit: 2})
	require.NoError(t, err)
	require.Equal(t, want[:2], forward, "what is gone is skipped")
	backward, err := storage.Read(t.Context(), stream, core.Scan{Backward: true, Limit: 1 << 10})
	require.NoError(t, err)
	require.Len(t, backward, len(want))
	require.Equal(t, want[0], backward[len(want)-1])
	gone, err := storage.Read(t.Context(), stream, core.Scan{To: want[0].Offset, Limit: 1})
	require.NoError(t, err)
	require.Empty(t, gone)
	at, err := storage.OffsetAt(t.Context(), stream, moment)
	require.NoError(t, err)
	require.Equal(t, want[0].Offset, at)
	whole, err := storage.ReadAll(t.Context(), org, core.AllScan{After: core.Position{ReceivedAt: moment.Add(2 * day)}, Limit: 1 << 10})
	require.NoError(t, err)
	require.Equal(t, want, whole)
}
