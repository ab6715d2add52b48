package jetstream_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// A server whose disk is damaged leads the two that are whole, because no server knows of it.
// What it cannot read is read from the others, nothing is stored by what it believes, and it is
// asked to step down.
func TestALeaderThatIsDamagedAloneHarmsNobody(t *testing.T) {
	t.Parallel()
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 3)
	require.NoError(t, err)
	stop, err := natsserver.Within(nodes)
	require.NoError(t, err)
	u, extents := jetstreamtest.URL(nodes, "guarded", 1, 3), memory.NewCatalog()
	initialize(t, u)
	before, at, other := guarded(t, u, extents), time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), core.ID{8}
	for range 10 {
		require.NoError(t, add(before, 2))
	}
	for _, key := range []string{"a", "b", "c"} {
		require.NoError(t, before.Append(t.Context(), at, []core.Batch{one(other, key)}))
	}
	require.NoError(t, jetstreamtest.Lead(t.Context(), nodes, "guarded-0", "n2"), "the others have all then")
	require.NoError(t, before.Close())
	stop()
	flip(t, nodes[0], blocksOfStream, 0, 100)
	flip(t, nodes[0], blocksOfStream, 9, 100)
	flip(t, nodes[0], "guarded.0.k.", 1, 92)
	stop, err = natsserver.Within(nodes)
	require.NoError(t, err)
	t.Cleanup(stop)
	u.Host, _, _ = strings.Cut(u.Host, ",") // n1
	storage := guarded(t, u, extents)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	damagedLeads := func() { require.NoError(t, jetstreamtest.Lead(ctx, nodes, "guarded-0", "n1")) }

	damagedLeads()
	for range 10 {
		events, err := storage.Read(ctx, stream, core.Scan{Limit: 18})
		require.NoError(t, err)
		require.Len(t, events, 18)
		require.Equal(t, core.Offset(0), events[0].Offset)
	}
	require.NoError(t, storage.Check(ctx), "all can be read")
	asked := time.Now()
	for err = add(storage, 1); err != nil && ctx.Err() == nil; err = add(storage, 1) {
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	}
	require.NoError(t, err)
	t.Log("after", time.Since(asked))
	placed, err := jetstreamtest.PlacementOf(ctx, nodes, "guarded-0")
	require.NoError(t, err)
	require.NotEqual(t, "n1", placed.Leader)
	events, err := storage.Read(ctx, stream, core.Scan{Limit: 30})
	require.NoError(t, err)
	require.Len(t, events, 21)

	damagedLeads()
	for range 10 {
		again := one(other, "b")
		if err := storage.Append(ctx, at, []core.Batch{again}); err == nil {
			require.Equal(t, core.Duplicate, again.Entries[0].Outcome)
		} else {
			require.ErrorContains(t, err, "cannot read what it has of guarded.0.k.CA")
		}
	}
}
