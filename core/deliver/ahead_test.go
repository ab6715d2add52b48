package deliver_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// behind runs a test of a worker whose group has all events of a stream before it.
func behind(t *testing.T, mode core.Mode, payloads []string, test func(d *desk, w *deliver.Worker)) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.put(payloads[:13]...)
		time.Sleep(2 * time.Hour) // so that retention may end between
		d.put(payloads[13:]...)
		w, err := d.Workers.Work(t.Context(), d.group("mail", mode, func(s *core.GroupSpec) { s.Start = core.Start{Offset: new(core.Offset(0))} }))
		require.NoError(t, err)
		defer w.Close()
		test(d, w)
	})
}

// lease has the worker get so many events, and waits for all that comes of it.
func (d *desk) lease(w *deliver.Worker, limit int) core.Delivery {
	d.Helper()
	got, err := w.Next(d.Context(), limit)
	require.NoError(d, err)
	synctest.Wait()
	return got
}

func (d *desk) settle(w *deliver.Worker, lease core.ID) {
	d.Helper()
	require.NoError(d, w.Settle(d.Context(), lease, nil, nil))
}

// TestAnOrderedWorkerReadsAhead: what comes next is there when the lease before is settled,
// and no more than that is read.
func TestAnOrderedWorkerReadsAhead(t *testing.T) {
	behind(t, core.Ordered, many(95), func(d *desk, w *deliver.Worker) {
		first := d.lease(w, 30)
		d.log.SlowReading.Store(int64(time.Hour))
		d.settle(w, first.Lease)
		begun := time.Now()
		second := d.lease(w, 30)
		require.Zero(d, time.Since(begun), "no read")
		require.Equal(d, coretest.From(30, 30), coretest.Offsets(second.Events))
		d.log.SlowReading.Store(0)
		d.settle(w, second.Lease)
		third := d.lease(w, 30)
		require.Equal(d, coretest.From(60, 30), coretest.Offsets(third.Events))
		reads := d.log.Reads.Load()
		synctest.Wait()
		require.Equal(d, reads, d.log.Reads.Load(), "there is no whole lease any more")
		d.settle(w, third.Lease)
		require.Equal(d, coretest.From(90, 5), coretest.Offsets(d.lease(w, 30).Events))
	})
}

// TestReadingAheadPromisesNothing: what was read is used only if it is what comes next.
func TestReadingAheadPromisesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		meanwhile func(d *desk, w *deliver.Worker, lease core.Delivery)
		want      []core.Offset
	}{
		"after a reset": {func(d *desk, _ *deliver.Worker, _ core.Delivery) {
			_, err := d.Groups.Reset(d.Context(), d.who, "orders", "mail", core.Start{Offset: new(core.Offset(5))})
			require.NoError(d, err)
		}, coretest.From(5, 10)},
		"after a refusal": {func(d *desk, w *deliver.Worker, lease core.Delivery) {
			require.NoError(d, w.Settle(d.Context(), lease.Lease, coretest.From(0, 7), []core.Nack{{Offset: 7, Delay: new(core.Seconds(0))}}))
		}, coretest.From(7, 1)},
		"after another node": {func(d *desk, w *deliver.Worker, lease core.Delivery) {
			d.settle(w, lease.Lease)
			other := d.node(nil).poll("mail", 5, 0)
			require.NoError(d, d.ack("mail", other.Lease))
		}, coretest.From(15, 10)},
		"after a failure to read": {func(d *desk, w *deliver.Worker, lease core.Delivery) {
			d.settle(w, lease.Lease)
			d.log.Blind.Store(true)
			got := d.lease(w, 10) // which had been read
			d.log.Blind.Store(false)
			d.settle(w, got.Lease)
		}, coretest.From(20, 10)},
		"after it was removed": {func(d *desk, w *deliver.Worker, lease core.Delivery) {
			d.settle(w, lease.Lease)
			require.NoError(d, d.log.Trim(d.Context(), d.stream, time.Now().Add(-time.Minute)))
			time.Sleep(2 * time.Second) // how long a node goes by what it knows of retention
		}, coretest.From(13, 10)},
	} {
		t.Run(name, func(t *testing.T) {
			behind(t, core.Ordered, many(40), func(d *desk, w *deliver.Worker) {
				c.meanwhile(d, w, d.lease(w, 10))
				require.Equal(d, c.want, coretest.Offsets(d.lease(w, 10).Events))
			})
		})
	}
}

// TestALeaseIsNoLargerThanWhatWasRead: events that are too large to be read at once would
// only be given back, in a step of their own.
func TestALeaseIsNoLargerThanWhatWasRead(t *testing.T) {
	large := make([]string, 45)
	for i := range large {
		large[i] = `"` + strings.Repeat("x", 900<<10) + `"`
	}
	behind(t, core.Ordered, large, func(d *desk, w *deliver.Worker) {
		first := d.lease(w, 25)
		require.Less(d, len(first.Events), 25)
		d.settle(w, first.Lease)
		steps := d.catalog.advance.count()
		second := d.lease(w, 25)
		require.Len(d, second.Events, len(first.Events))
		require.Equal(d, steps+1, d.catalog.advance.count())
		require.EqualValues(d, len(second.Events), d.status("mail").Leased)
	})
}
