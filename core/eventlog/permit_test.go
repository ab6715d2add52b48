package eventlog_test

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// Tails that wait with one credential are looked at together: many cost as much as one.
// All of them end within a second of its end, and those with another one go on.
func TestTailsOfOneCredentialAreLookedAtTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		a.run()
		lost, kept := &coretest.Badge{Who: a.Who}, &coretest.Badge{Who: a.Who}
		ended := map[*coretest.Badge]int{}
		var mu sync.Mutex
		var waiting sync.WaitGroup
		wait := func(badge *coretest.Badge) {
			tail, err := a.tails.Follow(t.Context(), badge.Worn(), "orders", eventlog.TailSpec{})
			require.NoError(t, err)
			waiting.Go(func() {
				defer tail.Close()
				part, _, err := tail.Next(t.Context(), time.Hour)
				require.Equal(t, badge == lost, core.CodeOf(err) == core.CodeUnauthorized, "%v", err)
				require.Equal(t, badge == lost, len(part.Events) == 0)
				mu.Lock()
				defer mu.Unlock()
				ended[badge]++
			})
		}
		const many = 100
		for range many {
			wait(kept) // the first one, whose look is not the other's
			wait(lost)
		}
		time.Sleep(time.Minute)
		for _, badge := range []*coretest.Badge{lost, kept} {
			require.LessOrEqual(t, badge.Asked.Load(), int64(many+60), "each before it waits, and one a second for all")
		}
		lost.Revoked.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		by := maps.Clone(ended)
		mu.Unlock()
		require.Equal(t, map[*coretest.Badge]int{lost: many}, by)
		a.put(`{}`)
		waiting.Wait()
		require.Equal(t, many, ended[kept])
	})
}

// A tail hands nothing out to whoever may not have it any more, whenever they were
// looked at last.
func TestATailLooksBeforeItHandsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAudience(t)
		badge := &coretest.Badge{Who: a.Who}
		tail, err := a.tails.Follow(t.Context(), badge.Worn(), "orders", eventlog.TailSpec{})
		require.NoError(t, err)
		defer tail.Close()
		time.AfterFunc(1500*time.Millisecond, func() {
			badge.Revoked.Store(true)
			a.put(`{}`)
		})
		begun := time.Now()
		part, _, err := tail.Next(t.Context(), time.Minute)
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
		require.Empty(t, part.Events)
		require.Equal(t, 1500*time.Millisecond, time.Since(begun))
	})
}
