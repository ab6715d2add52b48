package deliver_test

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// TestLaneCombines: what many consumers say at the same time is one step or
// two, and each gets an answer of its own.
func TestLaneCombines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.put(many(500)...)
		leases := make([]core.ID, 500)
		for i := range leases {
			leases[i] = d.poll("mail", 1, 0).Lease
		}
		d.catalog.advance.slow(10 * time.Millisecond)
		before, begun := d.catalog.advance.count(), time.Now()
		var consumers sync.WaitGroup
		for i, lease := range leases {
			consumers.Go(func() {
				require.NoError(t, d.ack("mail", lease))
				if i%50 == 0 {
					coretest.RequireRefusal(t, d.ack("mail", lease), core.CodeConflict, "")
				}
			})
		}
		consumers.Wait()
		require.LessOrEqual(t, d.catalog.advance.count()-before, 3)
		require.LessOrEqual(t, time.Since(begun), 40*time.Millisecond)
		require.Equal(t, core.Offset(499), d.status("mail").CommittedOffset)
	})
}

// TestStepsThatMayHaveFailed: a step whose answer is lost is found and not made
// twice; of one that was not made nothing has moved, and it may be sent again.
func TestStepsThatMayHaveFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		d.put(many(10)...)
		d.catalog.advance.next(answerLost)
		got := d.poll("mail", 3, 0)
		require.Equal(t, coretest.From(0, 3), coretest.Offsets(got.Events))
		require.Equal(t, int64(3), d.status("mail").Leased)

		d.catalog.advance.next(notMade)
		coretest.RequireRefusal(t, d.nack("mail", got, core.Nack{Action: core.NackPark, Reason: "odd"}), core.CodeUnavailable, "")
		require.Equal(t, int64(3), d.status("mail").Leased)
		require.Zero(t, d.status("mail").DeadLetters)

		before := d.catalog.advance.count()
		d.catalog.advance.next(answerLost)
		require.NoError(t, d.nack("mail", got, core.Nack{Action: core.NackPark, Reason: "odd"}))
		require.Equal(t, 1, d.catalog.advance.count()-before)
		require.Equal(t, int64(3), d.status("mail").DeadLetters, "once, not twice")
		require.Equal(t, core.Offset(2), d.status("mail").CommittedOffset)

		d.catalog.advance.next(notMade)
		_, err := d.Consumers.Poll(t.Context(), d.who, "orders", "mail", core.Poll{})
		coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
		require.Zero(t, d.status("mail").Leased)

		d.catalog.advance.next(answerLost)
		d.catalog.progress.next(made, notMade)
		_, err = d.Consumers.Poll(t.Context(), d.who, "orders", "mail", core.Poll{Limit: 2})
		coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
		time.Sleep(32 * time.Second)
		require.Equal(t, []int{2, 2}, d.poll("mail", 10, 0).Attempts, "what nobody heard of comes again")
	})
}

// TestReadsThatFail: what cannot be read goes back at once, and its attempt
// does not count.
func TestReadsThatFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		d.put(many(3)...)
		fresh := d.node(nil) // one that has no events in memory
		d.log.Blind.Store(true)
		_, err := fresh.Consumers.Poll(t.Context(), d.who, "orders", "mail", core.Poll{})
		coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
		d.log.Blind.Store(false)
		require.Zero(t, d.status("mail").Leased)
		require.Equal(t, []int{1, 1, 1}, fresh.poll("mail", 10, 0).Attempts)
	})
}
