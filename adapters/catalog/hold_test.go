package catalog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// A node that is paused in the middle of a step keeps another one from the group for
// seconds only, and its own step is undone.
func TestWhatAPausedNodeHolds(t *testing.T) {
	t.Parallel()
	u := pgtest.URL(t)
	paused, other := opened(t, u).(*Catalog), opened(t, u).(*Catalog)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	group := core.Group{ID: core.ID{1}, Org: core.ID{2}, Stream: core.ID{3}, Name: "shop", Mode: core.Ordered, Revision: 1, CreatedAt: start, UpdatedAt: start}
	require.NoError(t, paused.CreateGroup(t.Context(), group, core.Progress{Revision: 1}))
	tx := paused.db.WithContext(t.Context()).Begin()
	require.NoError(t, tx.Error)
	t.Cleanup(func() {
		_ = tx.Rollback() // the server has ended it
		require.NoError(t, paused.Close())
	})
	require.NoError(t, advance(tx, group.ID, core.Progress{Revision: 2, State: []byte("paused")}))

	begun := time.Now()
	require.NoError(t, other.Advance(t.Context(), group.ID, core.Step{Progress: core.Progress{Revision: 2, State: []byte("other")}}))
	require.Less(t, time.Since(begun), 30*time.Second) // two, but the machine may be busy; without the limit it does not end
	progress, err := other.Progress(t.Context(), group.ID)
	require.NoError(t, err)
	require.Equal(t, "other", string(progress.State))
}
