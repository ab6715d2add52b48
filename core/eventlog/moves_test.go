package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/sharded"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// movingHouse is two shards in memory, the nodes that use them, and who moves streams.
type movingHouse struct {
	*coretest.Rig
	shards [2]*interrupted
	store  *sharded.Storage
	moves  *eventlog.Moves
	stream core.ID
	// at interrupts the calls of the shards and of the catalog; at first it does not.
	at *interruption
	// records are the audit trail.
	records []core.AuditRecord
}

var errInterrupted = errors.New("interrupted")

// interruption ends everything at a call: it and all later ones fail. The call itself may
// have done what it was to do.
type interruption struct {
	left  atomic.Int64 // calls that are let through; negative is any number
	after atomic.Bool  // whether the last one is done, and fails all the same
	calls atomic.Int64
}

func (i *interruption) call(do func() error) error {
	i.calls.Add(1)
	left := i.left.Load()
	if left < 0 {
		return do()
	}
	if i.left.Add(-1) >= 0 {
		return do()
	}
	i.left.Store(0)
	if left == 0 && i.after.Swap(false) {
		return errors.Join(do(), errInterrupted)
	}
	return errInterrupted
}

// interrupted is a shard whose calls by a move can be interrupted.
type interrupted struct {
	core.Storage
	core.Movable
	core.Labelled
	at *interruption
	// pause is called before the next Discard, once.
	pause atomic.Pointer[func()]
}

func (s *interrupted) Fence(ctx context.Context, org, stream core.ID, turn int64) error {
	return s.at.call(func() error { return s.Movable.Fence(ctx, org, stream, turn) })
}

func (s *interrupted) Lift(ctx context.Context, stream core.ID, turn int64) error {
	return s.at.call(func() error { return s.Movable.Lift(ctx, stream, turn) })
}

func (s *interrupted) Put(ctx context.Context, stretch core.Stretch) error {
	return s.at.call(func() error { return s.Movable.Put(ctx, stretch) })
}

func (s *interrupted) Discard(ctx context.Context, stream core.ID, turn int64) error {
	if pause := s.pause.Swap(nil); pause != nil {
		(*pause)()
	}
	return s.at.call(func() error { return s.Movable.Discard(ctx, stream, turn) })
}

func (*interrupted) Close() error { return nil }

// interruptedCatalog is a catalog whose changes by a move can be interrupted.
type interruptedCatalog struct {
	*memory.Catalog
	at *interruption
}

func (c interruptedCatalog) UpdateStream(ctx context.Context, stream core.Stream) error {
	return c.at.call(func() error { return c.Catalog.UpdateStream(ctx, stream) })
}

func newMovingHouse(t *testing.T) *movingHouse {
	t.Helper()
	h := &movingHouse{at: &interruption{}}
	h.at.left.Store(-1)
	for i := range h.shards {
		storage := coretest.OpenLog(t)
		h.shards[i] = &interrupted{Storage: storage, Movable: storage.(core.Movable), Labelled: storage.(core.Labelled), at: h.at}
	}
	h.store = h.node(t)
	h.Rig = coretest.NewRig(t, h.store)
	h.store.SetHomes(h.Catalog)
	h.Streams.Shards, h.Streams.Places = h.store, h.Catalog
	h.stream = h.Create(core.StreamSpec{Name: "orders", Shard: new(0)})
	streams := h.Node()
	streams.Places, streams.Now = h.Catalog, time.Now
	streams.Catalog = interruptedCatalog{h.Catalog, h.at}
	h.moves = eventlog.NewMoves(eventlog.MovePorts{
		Streams: streams, Store: h.store, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Record: func(_ context.Context, record core.AuditRecord) { h.records = append(h.records, record) },
	})
	return h
}

// newFullHouse has events to be moved, too.
func newFullHouse(t *testing.T) (h *movingHouse, want []core.ID) {
	t.Helper()
	h = newMovingHouse(t)
	want, err := h.append(t, h.store, 3)
	require.NoError(t, err)
	return h, want
}

// node is the store as another process sees it.
func (h *movingHouse) node(t *testing.T) *sharded.Storage {
	t.Helper()
	var shards []sharded.Shard
	for _, one := range h.shards {
		shards = append(shards, sharded.Shard{Name: "a shard", Open: func(context.Context) (core.Storage, error) { return one, nil }})
	}
	store, err := sharded.New(t.Context(), shards)
	require.NoError(t, err)
	return store
}

func (h *movingHouse) move(t *testing.T, to int) error {
	t.Helper()
	stream, err := h.moves.Begin(t.Context(), h.Who, "orders", to)
	if err != nil {
		return err
	}
	return h.moves.Finish(t.Context(), h.Who, stream, func(int) {})
}

// holds checks that the stream is on a shard with all of its events, and nowhere else.
func (h *movingHouse) holds(t *testing.T, shard int, want []core.ID) {
	t.Helper()
	stream, err := h.Catalog.Stream(t.Context(), h.Who.Org, h.stream)
	require.NoError(t, err)
	require.Equal(t, shard, stream.Shard)
	require.Nil(t, stream.Moving)
	events, err := h.shards[shard].Storage.Read(t.Context(), h.stream, core.Scan{Limit: 1 << 20})
	require.NoError(t, err)
	var got []core.ID
	for i := range events {
		require.Equal(t, core.Offset(i), events[i].Offset)
		got = append(got, events[i].ID)
	}
	require.Equal(t, want, got)
	bounds, err := h.shards[1-shard].Storage.Bounds(t.Context(), []core.ID{h.stream})
	require.NoError(t, err)
	require.Zero(t, bounds[0], "nothing is left where the stream was")
}

func (h *movingHouse) append(t *testing.T, store core.Storage, n int) (ids []core.ID, err error) {
	t.Helper()
	batch := core.Batch{Org: h.Who.Org, Stream: h.stream}
	for range n {
		batch.Entries = append(batch.Entries, core.Entry{Event: core.Event{ID: core.RandomID(time.Now()), Type: "t", Payload: []byte(`1`)}})
	}
	for i := range batch.Entries {
		ids = append(ids, batch.Entries[i].ID)
	}
	return ids, store.Append(t.Context(), time.Now().UTC(), []core.Batch{batch})
}

// Producers go on while a stream moves, on a node that hears of it, and on one that never
// does. What was acknowledged is there, once, in its order.
func TestAStreamMovesWhileProducersGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newMovingHouse(t)
		deaf := h.node(t)
		deaf.SetHomes(nowhereElse{})
		var mu sync.Mutex
		var acknowledged []core.ID
		var refused atomic.Int64
		var stop atomic.Bool
		var producers sync.WaitGroup
		for i, store := range []core.Storage{h.store, h.store, deaf, deaf} {
			producers.Go(func() {
				for !stop.Load() {
					mu.Lock() // so that the order of the acknowledgements is that of the log
					ids, err := h.append(t, store, 1+i)
					switch {
					case err == nil:
						acknowledged = append(acknowledged, ids...)
					case core.CodeOf(err) != core.CodeUnavailable:
						t.Errorf("producer %d: %v", i, err)
					default:
						refused.Add(1)
					}
					mu.Unlock()
					time.Sleep(7 * time.Millisecond)
				}
			})
		}
		time.Sleep(10 * time.Second)
		before := time.Now()
		require.NoError(t, h.move(t, 1))
		require.Less(t, time.Since(before), 10*time.Second)
		time.Sleep(time.Second)
		stop.Store(true)
		producers.Wait()
		require.Positive(t, refused.Load())
		h.holds(t, 1, acknowledged)
		require.Len(t, h.records, 1)
		require.Equal(t, core.AuditStreamMoved, h.records[0].Action)
		require.Equal(t, map[string]string{"from": "0", "to": "1"}, h.records[0].Details)

		more, err := h.append(t, h.store, 2)
		require.NoError(t, err)
		require.NoError(t, h.move(t, 0), "it can come back")
		last, err := h.append(t, h.store, 1)
		require.NoError(t, err)
		h.holds(t, 0, append(append(acknowledged, more...), last...))
	})
}

// nowhereElse believes every stream to be on the first shard.
type nowhereElse struct{}

func (nowhereElse) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	return make([]int, len(streams)), nil
}

// A move may end at any call, done or not. Whatever then happens to the stream, the same
// move finishes it, and one to where it is undoes it; nothing acknowledged is lost.
func TestAMoveThatWasInterruptedIsFinishedOrUndone(t *testing.T) {
	t.Parallel()
	steps := int64(0)
	synctest.Test(t, func(t *testing.T) {
		h, _ := newFullHouse(t)
		require.NoError(t, h.move(t, 1))
		steps = h.at.calls.Load()
	})
	require.Greater(t, steps, int64(8))
	for step := range steps {
		for _, done := range []bool{false, true} {
			for _, next := range []int{0, 1} {
				t.Run(fmt.Sprintf("step %d done %t then %d", step, done, next), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { interruptAt(t, step, done, next) })
				})
			}
		}
	}
}

func interruptAt(t *testing.T, step int64, done bool, next int) {
	h, want := newFullHouse(t)
	h.at.left.Store(step)
	h.at.after.Store(done)
	require.ErrorIs(t, h.move(t, 1), errInterrupted)
	h.at.left.Store(-1)
	time.Sleep(time.Minute)
	if ids, err := h.append(t, h.store, 1); err == nil {
		want = append(want, ids...)
	} else {
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	}
	require.NoError(t, h.move(t, next))
	more, err := h.append(t, h.store, 1)
	require.NoError(t, err)
	h.holds(t, next, append(want, more...))
}

// A server may die at any call of a move. Another one, which looks now and then, ends what
// holds the stream: nobody has to do anything until it can be written to.
func TestAMoveWhoseServerDiedIsEndedByAnother(t *testing.T) {
	t.Parallel()
	for step := range int64(12) {
		for _, done := range []bool{false, true} {
			t.Run(fmt.Sprintf("step %d done %t", step, done), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { dieAt(t, step, done) })
			})
		}
	}
}

func dieAt(t *testing.T, step int64, done bool) {
	h, want := newFullHouse(t)
	h.at.left.Store(step)
	h.at.after.Store(done)
	moved := h.move(t, 1)
	h.at.left.Store(-1)
	other := eventlog.NewMoves(h.moves.MovePorts) // in another process
	for range 10 {
		require.NoError(t, other.Tend(t.Context()))
		time.Sleep(30 * time.Second)
	}
	more, err := h.append(t, h.store, 1)
	require.NoError(t, err)
	stream, err := h.Catalog.Stream(t.Context(), h.Who.Org, h.stream)
	require.NoError(t, err)
	events, err := h.store.Read(t.Context(), h.stream, core.Scan{Limit: 10})
	require.NoError(t, err)
	var got []core.ID
	for i := range events {
		got = append(got, events[i].ID)
	}
	require.Equal(t, append(want, more...), got)
	if moved == nil || stream.Shard == 1 {
		h.holds(t, 1, got)
	}
}

// A move that is alive is left to whoever is at it, however long it copies.
func TestAMoveThatIsAliveIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, want := newFullHouse(t)
		begun, err := h.moves.Begin(t.Context(), h.Who, "orders", 1)
		require.NoError(t, err)
		other := eventlog.NewMoves(h.moves.MovePorts)
		for range 20 {
			require.NoError(t, other.Tend(t.Context()))
			time.Sleep(30 * time.Second)
		}
		require.NoError(t, h.moves.Finish(t.Context(), h.Who, begun, func(int) {}))
		h.holds(t, 1, want)
	})
}

// Who is overtaken by another move does not switch, and leaves no fence behind.
func TestAMoveThatIsOvertakenGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, want := newFullHouse(t)
		late, err := h.moves.Begin(t.Context(), h.Who, "orders", 1)
		require.NoError(t, err)
		require.NoError(t, h.move(t, 0), "another undoes it")
		err = h.moves.Finish(t.Context(), h.Who, late, func(int) {})
		require.Equal(t, core.CodeConflict, core.CodeOf(err))
		require.NoError(t, h.move(t, 0))
		more, err := h.append(t, h.store, 1)
		require.NoError(t, err)
		h.holds(t, 0, append(want, more...))
	})
}

// Who was paused just before removing what is left of a stream, and goes on when the stream
// has come back there, removes nothing of it.
func TestARemoverThatWasPausedRemovesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, want := newFullHouse(t)
		paused, released := make(chan struct{}), make(chan struct{})
		pause := func() { close(paused); <-released }
		h.shards[0].pause.Store(&pause)
		late, back := make(chan error, 1), make(chan error, 1)
		go func() { late <- h.move(t, 1) }()
		<-paused
		go func() { back <- h.move(t, 0) }()
		time.Sleep(time.Second) // it is switched, and still held
		close(released)
		require.Equal(t, core.CodeConflict, core.CodeOf(<-late))
		require.NoError(t, <-back)
		more, err := h.append(t, h.store, 1)
		require.NoError(t, err)
		h.holds(t, 0, append(want, more...))
	})
}

// Where there is nowhere else, and what is no shard, is said before anything is done.
func TestWhatCannotBeMoved(t *testing.T) {
	t.Parallel()
	h := newMovingHouse(t)
	_, err := h.moves.Begin(t.Context(), h.Who, "orders", 2)
	coretest.RequireRefusal(t, err, core.CodeValidation, "shard")
	_, err = h.moves.Begin(t.Context(), h.Who, "nothing", 1)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	h.moves.Store = nil
	_, err = h.moves.Begin(t.Context(), h.Who, "nothing", 0)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err), "what is another's is not there, whatever the store can")
	_, err = h.moves.Begin(t.Context(), h.Who, "orders", 0)
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
}
