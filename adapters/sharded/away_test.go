package sharded_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// failing is a handle whose calls fail while it is broken.
type failing struct {
	kept
	broken *atomic.Bool
	check  error
}

func (f failing) err() error {
	if f.broken.Load() {
		return core.Unavailable(errAway, time.Second, "the event store cannot be reached and nothing was stored; try again")
	}
	return nil
}

func (f failing) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	return errors.Join(f.err(), f.kept.Append(ctx, at, batches))
}

func (f failing) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.kept.Bounds(ctx, streams)
}

func (f failing) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.kept.ReadAll(ctx, org, scan)
}

func (f failing) Check(context.Context) error {
	if err := f.err(); err != nil {
		return err
	}
	return f.check
}

// A shard that is away is named, hurts its own streams alone, and is back without a
// restart.
func TestAShardThatIsAwayHurtsItsOwnStreams(t *testing.T) {
	t.Parallel()
	broken := []*atomic.Bool{{}, {}, {}}
	var openers []opener
	for i := range broken {
		at := newPlace(t)
		openers = append(openers, func(ctx context.Context) (core.Storage, error) {
			storage, err := at.open(ctx)
			return failing{storage.(kept), broken[i], nil}, err
		})
	}
	storage := open(t, openers)
	streams := []core.ID{byID(3).on(0), byID(3).on(1), byID(3).on(2)}
	require.NoError(t, storage.Check(t.Context()))
	for range 2 {
		broken[1].Store(true)
		for i, stream := range streams {
			err := put(t, storage, stream)
			_, unbounded := storage.Bounds(t.Context(), []core.ID{stream})
			if i != 1 {
				require.NoError(t, errors.Join(err, unbounded))
				continue
			}
			require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			require.ErrorContains(t, err, "shard 1 of the store: the event store cannot be reached")
			require.ErrorContains(t, unbounded, "shard 1 of the store")
		}
		_, err := storage.ReadAll(t.Context(), core.ID{1}, core.AllScan{Limit: 10})
		require.ErrorContains(t, err, "shard 1 of the store", "a part is not the whole")
		requirePart(t, storage, streams)
		err = storage.Check(t.Context())
		require.ErrorIs(t, err, core.ErrDegraded)
		require.NotErrorIs(t, err, core.ErrRelaxedDurability)
		require.EqualError(t, err, "shard 1 of the store cannot be reached: its streams have to wait, all others go on")
		broken[1].Store(false)
		require.NoError(t, put(t, storage, streams[1]))
		require.NoError(t, storage.Check(t.Context()))
	}
	for _, one := range broken {
		one.Store(true)
	}
	err := storage.Check(t.Context())
	require.Error(t, err)
	require.NotErrorIs(t, err, core.ErrDegraded, "without any shard the store is not there")
}

// requirePart asks for the bounds of streams of three shards, of which the second is away. The
// answer is an error, and has a part for those who tell that it is one.
func requirePart(t *testing.T, storage core.Storage, streams []core.ID) {
	t.Helper()
	all, err := storage.Bounds(t.Context(), streams)
	require.Empty(t, all)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	part, unknown := core.KnownBounds(all, err)
	for i, stream := range streams {
		if i == 1 {
			require.True(t, unknown(i))
			continue
		}
		one, err := storage.Bounds(t.Context(), []core.ID{stream})
		require.NoError(t, err)
		require.False(t, unknown(i))
		require.Equal(t, one[0], part[i])
	}
	_, err = storage.Bounds(t.Context(), streams[1:2])
	_, unknown = core.KnownBounds(nil, err)
	require.True(t, unknown(0))
}

// Where nobody listens, few requests try: the others are answered at once, and without a
// cause, of which the log would have a line for each.
func TestAShardWhereNobodyListensIsLeftAlone(t *testing.T) {
	t.Parallel()
	var tries atomic.Int64
	at := newPlace(t)
	storage := open(t, []opener{at.open, func(ctx context.Context) (core.Storage, error) {
		opened, err := newPlace(t).open(ctx)
		return deaf{opened.(kept), &tries}, err
	}})
	stream := byID(2).on(1)
	for range 1000 {
		err := put(t, storage, stream)
		require.ErrorContains(t, err, "shard 1 of the store")
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	}
	require.Less(t, tries.Load(), int64(500))
	require.Positive(t, tries.Load())
	require.NoError(t, put(t, storage, byID(2).on(0)))
	require.Eventually(t, func() bool {
		before := tries.Load()
		_ = put(t, storage, stream)
		return tries.Load() > before
	}, time.Minute, 10*time.Millisecond, "it is tried again")
}

// deaf is a handle on a server that does not run.
type deaf struct {
	kept
	tries *atomic.Int64
}

func (d deaf) Append(context.Context, time.Time, []core.Batch) error {
	d.tries.Add(1)
	return core.Unavailable(syscall.ECONNREFUSED, time.Second, "the event store cannot be reached and nothing was stored; try again")
}

// A shard whose standby is away is named, and stops nothing else. Without any shard that
// can store, the store cannot.
func TestAShardWithoutItsStandbyIsNamed(t *testing.T) {
	t.Parallel()
	broken := []*atomic.Bool{{}, {}}
	alone := fmt.Errorf("no standby; %w", core.ErrAlone)
	check := func(states ...error) error {
		var openers []opener
		for i, state := range states {
			at := newPlace(t)
			openers = append(openers, func(ctx context.Context) (core.Storage, error) {
				storage, err := at.open(ctx)
				return failing{storage.(kept), broken[i], state}, err
			})
		}
		return open(t, openers).Check(t.Context())
	}
	err := check(nil, alone)
	require.ErrorIs(t, err, core.ErrDegraded)
	require.NotErrorIs(t, err, core.ErrAlone)
	require.EqualError(t, err, "shard 1 of the store: no standby; nothing is stored until it is back")
	err = check(alone, alone)
	require.ErrorIs(t, err, core.ErrAlone)
	require.NotErrorIs(t, err, core.ErrDegraded)
	require.ErrorContains(t, err, "shard 0 of the store: no standby")
	broken[0].Store(true)
	require.ErrorIs(t, check(nil, alone), core.ErrAlone, "the other one is away")
}

// moved are homes that a test changes, as the catalog of another node would.
type moved struct {
	mu    sync.Mutex
	homes map[core.ID]int
	asked int
}

func (m *moved) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked++
	shards := make([]int, len(streams))
	for i, stream := range streams {
		shards[i] = m.homes[stream]
	}
	return shards, nil
}

func (m *moved) move(stream core.ID, to int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.homes[stream] = to
}

// A node that believes a stream to be where it was meets the fence there, and finds it
// where it is. It stores nothing where it was, and shows no stream twice.
func TestANodeFollowsAStreamThatWasMoved(t *testing.T) {
	t.Parallel()
	places := []*place{newPlace(t), newPlace(t)}
	storage, err := newStorage(t.Context(), []opener{places[0].open, places[1].open})
	require.NoError(t, err)
	homes := &moved{homes: map[core.ID]int{}}
	storage.SetHomes(homes)
	stream, beside := core.ID{1}, core.ID{2}
	require.NoError(t, put(t, storage, stream))
	require.NoError(t, put(t, storage, beside))
	was, is := places[0].Storage.(core.Movable), places[1].Storage.(core.Movable)
	require.NoError(t, was.Fence(t.Context(), core.ID{1}, stream, 1))
	err = put(t, storage, stream)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "is being moved")
	var fenced *core.FencedError
	both := []core.Batch{{Org: core.ID{1}, Stream: beside, Entries: make([]core.Entry, 1)}, {Org: core.ID{1}, Stream: stream, Entries: make([]core.Entry, 1)}}
	require.ErrorAs(t, storage.Append(t.Context(), time.Now().UTC(), both), &fenced, "the caller parts them")

	entries, err := was.Entries(t.Context(), stream, core.Scan{Limit: 10})
	require.NoError(t, err)
	require.NoError(t, is.Put(t.Context(), core.Stretch{Org: core.ID{1}, Stream: stream, Entries: entries}))
	all, err := storage.ReadAll(t.Context(), core.ID{1}, core.AllScan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, all, 2, "a copy that is being made is not shown")
	logs, err := storage.Logs(t.Context())
	require.NoError(t, err)
	require.Len(t, logs, 2)

	homes.move(stream, 1)
	require.NoError(t, put(t, storage, stream))
	for i, next := range []core.Offset{1, 2} {
		bounds, err := places[i].Bounds(t.Context(), []core.ID{stream})
		require.NoError(t, err)
		require.Equal(t, next, bounds[0].Next)
	}
	all, err = storage.ReadAll(t.Context(), core.ID{1}, core.AllScan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, all, 3, "what is left where it was is not shown")
}

// The catalog is asked once for a while, and a home that this server does not know is no
// mistake of the client's.
func TestHomesAreRememberedForAWhile(t *testing.T) {
	t.Parallel()
	storage, err := newStorage(t.Context(), []opener{newPlace(t).open, newPlace(t).open})
	require.NoError(t, err)
	_, err = storage.ShardOf(t.Context(), core.ID{1})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err), "nobody has said yet where streams are")
	homes := &moved{homes: map[core.ID]int{{1}: 1, {2}: 2}}
	storage.SetHomes(homes)
	for range 10 {
		shard, err := storage.ShardOf(t.Context(), core.ID{1})
		require.NoError(t, err)
		require.Equal(t, 1, shard)
	}
	require.Equal(t, 1, homes.asked)
	_, err = storage.ShardOf(t.Context(), core.ID{2})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "does not know yet")
	homes.move(core.ID{1}, 0)
	require.Eventually(t, func() bool {
		shard, err := storage.ShardOf(t.Context(), core.ID{1})
		return err == nil && shard == 0
	}, 5*core.HomeTTL, 20*time.Millisecond)
}
