package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// moment is when the tests' events are received.
var moment = time.Date(2026, 3, 1, 10, 0, 0, 123_456_000, time.UTC)

const day = 24 * time.Hour

// org is the organization of all the tests' streams.
var org = core.ID{0: 1, 15: 1}

// patience bounds how long a test waits for a server to do something.
const patience = 2 * time.Minute

func newID(at time.Time) core.ID {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return core.NewID(at, random[:])
}

// newBatch makes a batch of n new events.
func newBatch(stream core.ID, at time.Time, n int) core.Batch {
	entries := make([]core.Entry, n)
	for i := range entries {
		entries[i].Event = core.Event{
			ID: newID(at), Stream: stream, Offset: -1, Type: "test.happened", Version: 1, OccurredAt: at,
			Source: "test", Payload: fmt.Appendf(nil, `{"n":%d}`, i),
		}
	}
	return core.Batch{Org: org, Stream: stream, Entries: entries}
}

func appendOne(storage core.Storage, at time.Time, batch core.Batch) error {
	return storage.Append(context.Background(), at, []core.Batch{batch})
}

// opened opens a storage that the end of the test closes.
func opened(t *testing.T, u *url.URL) core.Storage {
	t.Helper()
	storage := open(t, u)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	return storage
}

// with is u with a parameter more.
func with(u *url.URL, name, value string) *url.URL {
	changed := *u
	query := u.Query()
	query.Set(name, value)
	changed.RawQuery = query.Encode()
	return &changed
}

// connect opens a connection of the test's own.
func connect(t *testing.T, u *url.URL) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), u.String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// everything reads a stream whole and checks that its offsets have no gap and
// end where its bounds say.
func everything(t *testing.T, storage core.Storage, stream core.ID) []core.Event {
	t.Helper()
	events, err := storage.Read(t.Context(), stream, core.Scan{Limit: 1 << 20})
	require.NoError(t, err)
	bounds, err := storage.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	for i := range events {
		require.Equal(t, bounds[0].First+core.Offset(i), events[i].Offset, "offsets are gapless")
	}
	require.Equal(t, bounds[0].Next, bounds[0].First+core.Offset(len(events)), "the stream ends where its bounds say")
	return events
}

// ledger collects what became of many appends, to be held against the log.
type ledger struct {
	mu      sync.Mutex
	errs    []error // of what was refused
	stored  []core.Batch
	unknown []core.Batch
	refused []core.Batch
}

func (l *ledger) add(batch core.Batch, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.stored = append(l.stored, batch)
	case errors.Is(err, core.ErrUnknownOutcome):
		l.unknown = append(l.unknown, batch)
	default:
		l.refused, l.errs = append(l.refused, batch), append(l.errs, err)
	}
}

// settle checks that the log holds what was acknowledged, where it was said to
// be and once; nothing of what was refused; and all or nothing of the rest.
func (l *ledger) settle(t *testing.T, storage core.Storage, streams ...core.ID) {
	t.Helper()
	found := map[core.ID]core.Event{}
	for _, stream := range streams {
		for _, event := range everything(t, storage, stream) {
			require.NotContains(t, found, event.ID, "an event is there once")
			found[event.ID] = event
		}
	}
	for _, batch := range l.stored {
		for _, entry := range batch.Entries {
			require.Contains(t, found, entry.ID, "an acknowledged event is there")
			require.Equal(t, entry.Offset, found[entry.ID].Offset)
			require.Equal(t, batch.Stream, found[entry.ID].Stream)
		}
	}
	for i, batch := range l.refused {
		require.Equal(t, core.CodeUnavailable, core.CodeOf(l.errs[i]), "%v", l.errs[i])
		require.Zero(t, count(found, batch), "what was refused is not there: %v", l.errs[i])
	}
	for _, batch := range l.unknown {
		require.Contains(t, []int{0, len(batch.Entries)}, count(found, batch), "of an unknown outcome there is all or nothing")
	}
}

func count(found map[core.ID]core.Event, batch core.Batch) (n int) {
	for _, entry := range batch.Entries {
		if _, ok := found[entry.ID]; ok {
			n++
		}
	}
	return n
}

// Whatever connections the server ends, and whenever: an acknowledged event is
// there exactly once, one refused with a plain error is not there, and offsets
// have no gap.
func TestAppendUnderATerminationStorm(t *testing.T) {
	t.Parallel()
	const writers, appends, every = 8, 40, 5
	u := pgtest.URL(t)
	name := u.Query().Get("search_path")
	storage := opened(t, with(u, "application_name", name))
	streams := []core.ID{newID(moment), newID(moment), newID(moment)}
	var results ledger
	begun := make(chan struct{})
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for i := range appends {
				begun <- struct{}{}
				batch := newBatch(streams[(writer+i)%len(streams)], moment, 3)
				results.add(batch, appendOne(storage, moment, batch))
			}
		})
	}
	go func() { group.Wait(); close(begun) }()

	killer, killed, seen := connect(t, u), 0, 0
	for range begun {
		if seen++; seen%every != 0 {
			continue
		}
		var n int
		err := killer.QueryRow(t.Context(), `select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = $1`, name).Scan(&n)
		require.NoError(t, err)
		killed += n
	}
	require.Positive(t, killed)
	t.Logf("%d connections ended; %d appends stored, %d unknown, %d refused", killed, len(results.stored), len(results.unknown), len(results.refused))
	require.NotEmpty(t, results.stored)
	require.NotEmpty(t, append(results.unknown, results.refused...), "the storm has hit")
	witness := opened(t, u)
	gone(t, killer, name)
	results.settle(t, witness, streams...)
}

// gone waits until every connection of an application has ended or is idle:
// what it was asked to do is done or will never be.
func gone(t *testing.T, conn *pgx.Conn, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var busy int
		err := conn.QueryRow(t.Context(), `select count(*) from pg_stat_activity where application_name = $1 and state <> 'idle'`, name).Scan(&busy)
		return err == nil && busy == 0
	}, patience, 10*time.Millisecond)
}

// A server that was killed is reported by Check, and by appends that say so
// and store nothing; when it is back the same handle works again, and what was
// acknowledged before the crash is there.
func TestAKilledServer(t *testing.T) {
	t.Parallel()
	cluster := pgtest.Private(t)
	u, err := url.Parse(cluster.URL())
	require.NoError(t, err)
	storage := opened(t, u)
	stream := newID(moment)
	var results ledger
	for range 5 {
		batch := newBatch(stream, moment, 2)
		require.NoError(t, appendOne(storage, moment, batch))
		results.add(batch, nil)
	}
	require.NoError(t, storage.Check(t.Context()))

	cluster.Kill()
	err = storage.Check(t.Context())
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err), "%v", err)
	for range 3 {
		batch := newBatch(stream, moment, 2)
		err := appendOne(storage, moment, batch)
		require.Error(t, err)
		results.add(batch, err)
	}
	_, err = storage.Read(t.Context(), stream, core.Scan{Limit: 1})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err), "%v", err)

	require.NoError(t, cluster.Restart(t.Context()))
	require.Eventually(t, func() bool { return storage.Check(t.Context()) == nil }, patience, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		batch := newBatch(stream, moment.Add(time.Second), 2)
		err := appendOne(storage, moment.Add(time.Second), batch)
		results.add(batch, err)
		return err == nil
	}, patience, 10*time.Millisecond)
	results.settle(t, storage, stream)
}

// A crash under load loses nothing that was acknowledged.
func TestAServerKilledAmidAppends(t *testing.T) {
	t.Parallel()
	const writers, before = 6, 60
	cluster := pgtest.Private(t)
	u, err := url.Parse(cluster.URL())
	require.NoError(t, err)
	storage := opened(t, u)
	streams := []core.ID{newID(moment), newID(moment)}
	var results ledger
	var acknowledged atomic.Int32
	enough := make(chan struct{})
	var group sync.WaitGroup
	for writer := range writers {
		group.Go(func() {
			for failed := false; !failed; {
				batch := newBatch(streams[writer%len(streams)], moment, 3)
				err := appendOne(storage, moment, batch)
				results.add(batch, err)
				if err == nil && acknowledged.Add(1) == before {
					close(enough)
				}
				failed = err != nil
			}
		})
	}
	<-enough
	cluster.Kill()
	group.Wait()
	require.NoError(t, cluster.Restart(t.Context()))
	require.Eventually(t, func() bool { return storage.Check(t.Context()) == nil }, patience, 10*time.Millisecond)
	results.settle(t, opened(t, u), streams...)
}
