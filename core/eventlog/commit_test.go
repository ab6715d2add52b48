package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// scriptedLog is a log of one stream in memory whose Append follows a script:
// each step may hold the append up, fail it, or store and then lose the answer.
type scriptedLog struct {
	mu     sync.Mutex
	events []core.Event
	groups [][]core.Batch
	script []func(store func()) error
}

func (l *scriptedLog) Append(_ context.Context, at time.Time, batches []core.Batch) error {
	l.mu.Lock()
	step := func(store func()) error { store(); return nil }
	if len(l.script) > 0 {
		step, l.script = l.script[0], l.script[1:]
	}
	l.groups = append(l.groups, batches)
	l.mu.Unlock()
	return step(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for i := range batches {
			for j := range batches[i].Entries {
				entry := &batches[i].Entries[j]
				entry.Offset = core.Offset(len(l.events))
				entry.ReceivedAt = at
				l.events = append(l.events, entry.Event)
			}
		}
	})
}

func (l *scriptedLog) Read(_ context.Context, _ core.ID, scan core.Scan) ([]core.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(scan.From) >= len(l.events) {
		return nil, nil
	}
	found := l.events[scan.From:]
	return append([]core.Event(nil), found[:min(len(found), scan.Limit)]...), nil
}

func (l *scriptedLog) OffsetAt(_ context.Context, _ core.ID, at time.Time) (core.Offset, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.events {
		if !l.events[i].ReceivedAt.Before(at) {
			return core.Offset(i), nil
		}
	}
	return core.Offset(len(l.events)), nil
}

func (l *scriptedLog) ReadAll(context.Context, core.ID, core.AllScan) ([]core.Event, error) {
	return nil, errors.New("not part of the script")
}

func (l *scriptedLog) Bounds(context.Context, []core.ID) ([]core.Bounds, error) {
	return nil, errors.New("not part of the script")
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testCommitter(t *testing.T, log *scriptedLog, options CommitOptions) *Committer {
	t.Helper()
	options.Logger = quiet()
	c := NewCommitter(log, options)
	t.Cleanup(c.Close)
	return c
}

func oneEvent(payload string) core.Batch {
	return core.Batch{Stream: core.ID{1}, Entries: []core.Entry{{Event: core.Event{Type: "t", Payload: []byte(payload)}}}}
}

// commitOne commits one event.
func commitOne(c *Committer) error {
	batch := oneEvent("1")
	return c.Commit(context.Background(), &batch)
}

func TestRequestsGatherWhileOneGroupCommits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := &scriptedLog{script: []func(func()) error{func(store func()) error { <-release; store(); return nil }}}
		c := testCommitter(t, log, CommitOptions{})
		var all sync.WaitGroup
		offsets := make([]core.Offset, 50)
		commit := func(i int) {
			all.Go(func() {
				batch := oneEvent("1")
				require.NoError(t, c.Commit(context.Background(), &batch))
				offsets[i] = batch.Entries[0].Offset
			})
		}
		commit(0)
		synctest.Wait()
		for i := 1; i < len(offsets); i++ {
			commit(i)
		}
		synctest.Wait()
		require.Equal(t, 49, c.Queued())
		require.InDelta(t, 49.0/float64(c.lanes[0][0].options.QueueEvents), c.Fullest(), 1e-9)
		close(release)
		all.Wait()
		require.Len(t, log.groups, 2, "one group was committing, all others gathered into the next")
		require.ElementsMatch(t, seq(50), offsets)
	})
}

func seq(n int) []core.Offset {
	out := make([]core.Offset, n)
	for i := range out {
		out[i] = core.Offset(i)
	}
	return out
}

func TestAFullQueueRefusesAndKeepsWhatItTook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := &scriptedLog{script: []func(func()) error{func(store func()) error { <-release; store(); return nil }}}
		c := testCommitter(t, log, CommitOptions{QueueEvents: 3})
		var all sync.WaitGroup
		taken := func() { all.Go(func() { require.NoError(t, commitOne(c)) }); synctest.Wait() }
		for range 4 { // one commits, three wait
			taken()
		}
		err := commitOne(c)
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
		var known *core.Error
		require.ErrorAs(t, err, &known)
		require.Positive(t, known.RetryAfter)
		close(release)
		all.Wait()
		require.Len(t, log.events, 4)
	})
}

func TestAnIdempotencyKeyIsNeverTwiceInOneGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := &scriptedLog{script: []func(func()) error{func(store func()) error { <-release; store(); return nil }}}
		c := testCommitter(t, log, CommitOptions{})
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				batch := oneEvent("1")
				batch.Entries[0].IdempotencyKey = "same"
				require.NoError(t, c.Commit(context.Background(), &batch))
			})
			synctest.Wait()
		}
		close(release)
		all.Wait()
		require.Len(t, log.groups, 4)
	})
}

func TestTheClockFollowsALaterNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		later := time.Now().UTC().Add(time.Hour)
		log := &scriptedLog{script: []func(func()) error{func(func()) error { return &core.ClockError{Last: later} }}}
		c := testCommitter(t, log, CommitOptions{})
		batch := oneEvent("1")
		require.NoError(t, c.Commit(context.Background(), &batch))
		require.Equal(t, later, batch.Entries[0].ReceivedAt)
		require.Equal(t, later.Truncate(time.Millisecond), batch.Entries[0].ID.Time(), "the id is made of the time the event was received at")
	})
}

func TestAnUnknownOutcomeIsLookedUp(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("connection reset: %w", core.ErrUnknownOutcome)
	full := fmt.Errorf("%w: %w", core.ErrUnknownOutcome, core.StorageFull(nil, "no room"))
	for name, test := range map[string]struct {
		step   func(store func()) error
		stored int
		code   core.Code
	}{
		"it had committed":                            {func(store func()) error { store(); return lost }, 1, ""},
		"it had not committed":                        {func(func()) error { return lost }, 0, core.CodeUnavailable},
		"there was no room, and it had committed":     {func(store func()) error { store(); return full }, 1, ""},
		"there was no room, and it had not committed": {func(func()) error { return full }, 0, core.CodeStorageFull},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				log := &scriptedLog{script: []func(func()) error{test.step}}
				c := testCommitter(t, log, CommitOptions{})
				err := commitOne(c)
				require.Equal(t, test.code, core.CodeOf(err))
				require.Len(t, log.events, test.stored)
				require.Len(t, log.groups, 1, "what may be on its way is never appended again")
			})
		})
	}
}

// unsafeLog shows what may be lost yet, until it was asked so often.
type unsafeLog struct {
	scriptedLog
	refusals int
}

func (l *unsafeLog) Confirm(context.Context, core.ID) error {
	l.refusals--
	if l.refusals >= 0 {
		return errors.New("no standby has it")
	}
	return nil
}

func TestWhatIsFoundIsConfirmedBeforeItIsAcknowledged(t *testing.T) {
	t.Parallel()
	for refusals, code := range map[int]core.Code{0: "", 3: "", 1 << 20: core.CodeUnavailable} {
		synctest.Test(t, func(t *testing.T) {
			log := &unsafeLog{refusals: refusals}
			log.script = []func(func()) error{func(store func()) error { store(); return core.ErrUnknownOutcome }}
			c := NewCommitter(log, CommitOptions{Logger: quiet(), Confirmer: log})
			defer c.Close()
			require.Equal(t, code, core.CodeOf(commitOne(c)))
			require.Len(t, log.events, 1)
		})
	}
}

func TestALateCommitIsStillFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &scriptedLog{script: []func(func()) error{func(store func()) error {
			time.AfterFunc(lookAgainAfter/2, store)
			return core.ErrUnknownOutcome
		}}}
		c := testCommitter(t, log, CommitOptions{})
		require.NoError(t, commitOne(c))
	})
}

func TestADefiniteFailureIsRetrySafeAndKeepsItsCode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &scriptedLog{script: []func(func()) error{
			func(func()) error { return errors.New("disk on fire") },
			func(func()) error { return core.Errorf(core.CodeStorageFull, "the disk is full") },
		}}
		c := testCommitter(t, log, CommitOptions{})
		err := commitOne(c)
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
		require.NotContains(t, err.Error(), "fire", "a cause is for the log only")
		require.Equal(t, core.CodeStorageFull, core.CodeOf(commitOne(c)))
		require.NoError(t, commitOne(c))
	})
}

func TestCloseCommitsWhatIsQueued(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := &scriptedLog{script: []func(func()) error{func(store func()) error { <-release; store(); return nil }}}
		c := NewCommitter(log, CommitOptions{Logger: quiet(), Lanes: 3})
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { require.NoError(t, commitOne(c)) })
		}
		synctest.Wait()
		all.Go(c.Close)
		synctest.Wait()
		require.Equal(t, core.CodeUnavailable, core.CodeOf(commitOne(c)))
		close(release)
		all.Wait()
		require.Len(t, log.events, 5)
	})
}

// markedLog keeps whom its appends were for.
type markedLog struct {
	*scriptedLog
	names [][]any
}

type markKey struct{}

func (l *markedLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	var names []any
	for _, request := range core.RequestsOf(ctx) {
		names = append(names, request.Value(markKey{}))
	}
	l.names = append(l.names, names)
	return l.scriptedLog.Append(ctx, at, batches)
}

// The context of a group leads to those of its requests, in their order, and ends with
// none of them.
func TestAGroupLeadsToItsRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		log := &markedLog{scriptedLog: &scriptedLog{script: []func(func()) error{func(store func()) error { <-release; store(); return nil }}}}
		c := NewCommitter(log, CommitOptions{})
		for _, name := range []string{"one", "two", "three"} {
			go func() {
				ctx := context.WithValue(t.Context(), markKey{}, name)
				batch := core.Batch{Entries: []core.Entry{{Event: core.Event{Type: name}}}}
				if err := c.Commit(ctx, &batch); err != nil {
					t.Error(err)
				}
			}()
			synctest.Wait()
		}
		close(release)
		c.Close()
		require.Equal(t, [][]any{{"one"}, {"two", "three"}}, log.names)
	})
}
