package sharded_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// place is a storage that stays when it is closed, and can be away.
type place struct {
	core.Storage
	away bool
}

func newPlace(t *testing.T) *place {
	t.Helper()
	storage, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	return &place{Storage: storage}
}

// kept is an open handle on a place.
type kept struct {
	core.Storage
	core.Movable
	core.Labelled
}

func (kept) Close() error { return nil }

var errAway = errors.New("nobody is at home")

func (p *place) open(context.Context) (core.Storage, error) {
	if p.away {
		return nil, errAway
	}
	return kept{p.Storage, p.Storage.(core.Movable), p.Storage.(core.Labelled)}, nil
}

func put(t *testing.T, storage core.Storage, stream core.ID) error {
	t.Helper()
	return storage.Append(t.Context(), time.Now().UTC().Truncate(time.Microsecond), []core.Batch{{Org: core.ID{1}, Stream: stream, Entries: []core.Entry{
		{Event: core.Event{ID: core.RandomID(time.Now()), Type: "t", Payload: []byte("1")}},
	}}})
}

// A list that is not that of the installation is refused, and the refusal says what is
// wrong. What fits is taken: the list as it was, and with a new shard at the end.
func TestAShardIsRecognizedByItsLabel(t *testing.T) {
	t.Parallel()
	names := map[string]*place{}
	for _, name := range []string{"a", "b", "c", "other", "full", "fresh", "twin"} {
		names[name] = newPlace(t)
	}
	start := func(list ...string) error {
		var openers []opener
		for _, name := range list {
			openers = append(openers, names[name].open)
		}
		storage, err := newStorage(t.Context(), openers)
		if err == nil {
			require.NoError(t, storage.Close())
		}
		return err
	}
	require.NoError(t, put(t, names["a"].Storage, core.ID{1}), "the first shard may hold what it held before")
	require.NoError(t, put(t, names["full"].Storage, core.ID{1}))
	require.NoError(t, start("other", "fresh"))
	names["fresh"] = newPlace(t)

	require.ErrorContains(t, start("a", "full"), "the store B is named as a new shard, and already holds 1 streams: name an empty one")
	names["b"].away = true
	require.ErrorContains(t, start("a", "b"), "the store B cannot be reached, and a shard must be when it is named for the first time")
	names["b"].away = false
	require.ErrorContains(t, start("twin", "twin"), "the store B is shard 0, and the list names it as shard 1")
	names["a"] = newPlace(t)
	require.NoError(t, put(t, names["a"].Storage, core.ID{1}))
	require.NoError(t, start("a", "b"))
	require.NoError(t, start("a", "b"))

	require.ErrorContains(t, start("b", "a"), "the store A is shard 1, and the list names it as shard 0: put the list back into its order")
	require.ErrorContains(t, start("a"), "the installation has 2 shards, and the list names only 1")
	require.ErrorContains(t, start("a", "fresh"), "the store B is named as shard 1 of the installation, and it is another database")
	require.ErrorContains(t, start("fresh", "b"), "the store A is named as shard 0 of the installation, and it is another database")
	require.ErrorContains(t, start("a", "other"), "another installation")
	require.ErrorContains(t, start("a", "b", "full"), "the store C is named as a new shard, and already holds")

	require.NoError(t, start("a", "b", "c"))
	require.ErrorContains(t, start("a", "b"), "the installation has 3 shards, and the list names only 2")
	names["b"].away = true
	require.NoError(t, start("a", "b", "c"), "one that is away may come later")
}

// A shard that was away at the start is looked at when it comes, too.
func TestAShardThatComesLateIsRecognized(t *testing.T) {
	t.Parallel()
	a, b, other := newPlace(t), newPlace(t), newPlace(t)
	first, err := newStorage(t.Context(), []opener{a.open, b.open})
	require.NoError(t, err)
	require.NoError(t, first.Close())
	now := &place{Storage: b.Storage, away: true}
	late, err := newStorage(t.Context(), []opener{a.open, now.open})
	require.NoError(t, err)
	late.SetHomes(byID(2))
	here, there := byID(2).on(0), byID(2).on(1)
	comes := func() error {
		var err error
		require.Eventually(t, func() bool {
			err = put(t, late, there)
			return core.CodeOf(err) != core.CodeUnavailable
		}, time.Minute, 10*time.Millisecond)
		return err
	}
	require.NoError(t, put(t, late, here))
	err = put(t, late, there)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "shard 1 of the store cannot be reached; its streams have to wait, all others go on")
	now.Storage, now.away = other.Storage, false
	for range 3 {
		require.Equal(t, core.CodeUnavailable, core.CodeOf(put(t, late, there)), "it is another database")
	}
	bounds, err := other.Bounds(t.Context(), []core.ID{there})
	require.NoError(t, err)
	require.Zero(t, bounds[0])
	now.Storage = b.Storage
	require.NoError(t, comes())
}
