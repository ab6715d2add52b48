package deliver_test

import (
	"errors"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// Polls that wait are looked at together: those of one credential ask for it, and those
// of one group for its stores, as often as one of them would. All end within a second
// of the credential's end; those with another one go on.
func TestPollsThatWaitAreLookedAtTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		lost, kept := &coretest.Badge{Who: d.who}, &coretest.Badge{Who: d.who}
		const many = 100
		ended := map[*coretest.Badge]int{}
		var mu sync.Mutex
		var waiting sync.WaitGroup
		for i := range 2 * many {
			badge := []*coretest.Badge{kept, lost}[i%2]
			waiting.Go(func() {
				_, err := d.Consumers.Poll(t.Context(), badge.Worn(), "orders", "mail", core.Poll{Wait: core.MaxPollWait})
				require.Equal(t, badge == lost, core.CodeOf(err) == core.CodeUnauthorized, "%v", err)
				mu.Lock()
				defer mu.Unlock()
				ended[badge]++
			})
			synctest.Wait() // the first one is of kept, whose look is not the other's
		}
		time.Sleep(3 * time.Second) // each has tried twice: the first look counts as news
		synctest.Wait()
		asked, calls := lost.Asked.Load()+kept.Asked.Load(), d.calls()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.EqualValues(t, 20, lost.Asked.Load()+kept.Asked.Load()-asked)
		require.Equal(t, 20, d.calls()-calls, "the progress and the bounds, once a second")
		lost.Revoked.Store(true)
		time.Sleep(time.Second)
		synctest.Wait()
		mu.Lock()
		by := maps.Clone(ended)
		mu.Unlock()
		require.Equal(t, map[*coretest.Badge]int{lost: many}, by)
		waiting.Wait()
		require.Equal(t, many, ended[kept])
	})
}

// A poll that waits is handed nothing after its credential has ended, whenever it was
// looked at last. The events go to somebody else.
func TestAPollLooksBeforeItHandsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		badge := &coretest.Badge{Who: d.who}
		time.AfterFunc(1500*time.Millisecond, func() {
			badge.Revoked.Store(true)
			d.put(`{}`)
		})
		begun := time.Now()
		_, err := d.Consumers.Poll(t.Context(), badge.Worn(), "orders", "mail", core.Poll{Wait: 20 * time.Second})
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
		require.Equal(t, 1500*time.Millisecond, time.Since(begun))
		require.Zero(t, d.status("mail").Leased)
	})
}

// What another node's consumer gives back goes to one who waits here, within a second. A
// store that does not answer for a moment ends no poll.
func TestAPollHearsOfItsGroupOnOtherNodes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		d.put(`{}`)
		lease := d.node(nil).poll("mail", 1, 0)
		begun := time.Now()
		time.AfterFunc(4500*time.Millisecond, func() {
			d.catalog.progress.next(func(func() error) error { return errors.New("no answer") })
		})
		time.AfterFunc(7500*time.Millisecond, func() {
			require.NoError(t, d.node(nil).nack("mail", lease, core.Nack{Delay: new(core.Seconds(0))}))
		})
		got := d.poll("mail", 1, core.MaxPollWait)
		require.Equal(t, coretest.From(0, 1), coretest.Offsets(got.Events))
		require.LessOrEqual(t, time.Since(begun), 8500*time.Millisecond)
	})
}
