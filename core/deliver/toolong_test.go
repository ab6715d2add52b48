package deliver_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// A request ends when its time is over, also when its step is on its way or waits for
// one that is. The answer says whether anything may have changed. The lease of a poll
// that nobody waits for any more goes back, and its attempt does not count.
func TestARequestEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.put(many(10)...)
		mine := d.poll("mail", 2, 0).Lease
		let, begun := make(chan struct{}), time.Now()
		d.catalog.advance.next(func(call func() error) error {
			<-let
			return call()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		var all sync.WaitGroup
		all.Go(func() {
			_, err := d.Consumers.Poll(ctx, d.who, "orders", "mail", core.Poll{Limit: 3, Wait: 30 * time.Second})
			coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
			require.ErrorContains(t, err, "it is not known whether the change was stored")
		})
		synctest.Wait()
		all.Go(func() {
			err := d.Consumers.Ack(ctx, d.who, "orders", "mail", mine, nil)
			coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
			require.ErrorContains(t, err, "nothing was changed")
		})
		all.Wait()
		require.Equal(t, 5*time.Second, time.Since(begun))

		close(let)
		synctest.Wait()
		require.Equal(t, int64(2), d.status("mail").Leased, "the one lease that somebody has heard of")
		require.NoError(t, d.ack("mail", mine))
		require.Equal(t, []int{1, 1, 1}, d.poll("mail", 3, 0).Attempts)
	})
}

// A poll whose events cannot be read gives its lease back, but waits for that no
// longer than its time lasts.
func TestAGivenBackLeaseHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		d.put(many(3)...)
		fresh := d.node(nil) // one that has no events in memory
		d.log.Blind.Store(true)
		let, begun := make(chan struct{}), time.Now()
		d.catalog.advance.next(made, func(call func() error) error {
			<-let
			return call()
		})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := fresh.Consumers.Poll(ctx, d.who, "orders", "mail", core.Poll{})
		coretest.RequireRefusal(t, err, core.CodeUnavailable, "")
		require.LessOrEqual(t, time.Since(begun), 5*time.Second)
		d.log.Blind.Store(false)
		close(let)
		synctest.Wait()
		require.Zero(t, d.status("mail").Leased)
	})
}
