package eventlog

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// held is a step of a script that waits to be let go.
func held(let chan struct{}) func(func()) error {
	return func(store func()) error {
		<-let
		store()
		return nil
	}
}

// A request ends when its time is over, wherever its batch is. What waited is not
// stored, and the answer says so. What was on its way may be stored, and the answer says
// that and names the ids.
func TestARequestEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let, begun := make(chan struct{}), time.Now()
		behind := func(func()) error { return &core.ClockError{Last: time.Now().Add(time.Millisecond)} }
		log := &scriptedLog{script: []func(func()) error{behind, held(let)}}
		c := testCommitter(t, log, CommitOptions{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		sent, queued := oneEvent(`"sent"`), oneEvent(`"queued"`)
		var all sync.WaitGroup
		all.Go(func() {
			err := c.Commit(ctx, &sent)
			require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			require.ErrorContains(t, err, "it is not known whether the events were stored")
		})
		synctest.Wait()
		all.Go(func() {
			err := c.Commit(ctx, &queued)
			require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			require.ErrorContains(t, err, "nothing was stored")
		})
		all.Wait()
		require.Equal(t, 20*time.Second, time.Since(begun))
		require.True(t, queued.Entries[0].ID.IsZero())

		close(let)
		require.NoError(t, commitOne(c))
		require.Len(t, log.events, 2)
		require.Equal(t, log.events[0].ID, sent.Entries[0].ID, "the id is the stored one, also after a change of the time")
		require.Zero(t, c.Queued())
	})
}

// A request that has left keeps no other one from being stored: not those with the same
// key, nor those behind a group that is full of what was left.
func TestWhatWasLeftIsInNobodysWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		let := make(chan struct{})
		log := &scriptedLog{script: []func(func()) error{held(let)}}
		c := testCommitter(t, log, CommitOptions{GroupEvents: 2})
		var all sync.WaitGroup
		commit := func(ctx context.Context, code core.Code) {
			all.Go(func() {
				batch := oneEvent("1")
				batch.Entries[0].IdempotencyKey = "same"
				require.Equal(t, code, core.CodeOf(c.Commit(ctx, &batch)))
			})
			synctest.Wait()
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		commit(t.Context(), "")
		for range 5 {
			commit(short, core.CodeUnavailable)
		}
		commit(t.Context(), "")
		commit(t.Context(), "")
		time.Sleep(2 * time.Second) // the bubble's clock
		close(let)
		all.Wait()
		require.Len(t, log.events, 3)
		require.Len(t, log.groups, 3)
	})
}
