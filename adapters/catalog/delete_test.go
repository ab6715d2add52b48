package catalog

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// A group that is deleted in the middle of a step waits for the step, and neither
// of the two waits for the other in a circle.
func TestDeletingAGroupDuringAStep(t *testing.T) {
	t.Parallel()
	u := pgtest.URL(t)
	c := opened(t, u).(*Catalog)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	group := core.Group{ID: core.ID{1}, Org: core.ID{2}, Stream: core.ID{3}, Name: "shop", Mode: core.Ordered, Revision: 1, CreatedAt: start, UpdatedAt: start}
	require.NoError(t, c.CreateGroup(t.Context(), group, core.Progress{Revision: 1}))
	deleted := make(chan error, 1)
	require.NoError(t, c.write(t.Context(), func(tx *gorm.DB) error {
		if err := advance(tx, group.ID, core.Progress{Revision: 2}); err != nil {
			return err
		}
		var step int
		if err := tx.Raw(`select pg_backend_pid()`).Scan(&step).Error; err != nil {
			return err
		}
		go func() { deleted <- c.DeleteGroup(t.Context(), group.Stream, group.ID) }()
		require.Eventually(t, func() bool {
			var waiting int
			err := c.db.Raw(`select count(*) from pg_stat_activity where ? = any (pg_blocking_pids(pid))`, step).Scan(&waiting).Error
			return err == nil && waiting == 1
		}, time.Minute, 5*time.Millisecond)
		return createAttempts(tx, group.ID, []core.Attempt{{From: 1, To: 2, Number: 1, At: start, Outcome: "nacked"}})
	}))
	require.NoError(t, <-deleted)
	_, err := c.Progress(t.Context(), group.ID)
	require.True(t, core.IsNotFound(err))
}
