package process

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
)

// work is one processor on this node, as it is at one revision.
type work struct {
	runner    *Runner
	processor core.Processor
	// pipeline is nil where every event passes as it is.
	pipeline core.Pipeline
	sink     core.Sink
	traits   core.SinkTraits
	tally    *tally
	// end has the work end, and ended is closed once it has.
	end   context.CancelFunc
	ended chan struct{}
	// slots has room for as many Sends as may be under way at once, over all leases.
	slots chan struct{}
	// failing says that something has failed, and nothing has arrived since, as this node
	// told last. Only the goroutine of Run touches it.
	failing bool

	// mu guards refusal, which says why the destination wants no events any more.
	mu      sync.Mutex
	refusal string
}

// grace is how long what is on its way may take to arrive once the work is to end.
const grace = 10 * time.Second

// lookAgain is how long a processor rests after a failure of the store.
const lookAgain = time.Second

// run works until ctx ends.
func (w *work) run(ctx context.Context) {
	defer close(w.ended)
	defer func() {
		if err := w.sink.Close(); err != nil {
			w.logger().Warn("a destination could not be closed", "error", err)
		}
	}()
	var all sync.WaitGroup
	for range w.leases() {
		all.Go(func() { w.read(ctx) })
	}
	all.Wait()
}

// leases is how many leases are open at once. A second one keeps the sink busy while the
// last events of the first take long. An ordered group has one at most.
func (w *work) leases() int {
	if w.processor.Mode == core.Ordered {
		return 1
	}
	return 2
}

// leaseSize is how many events a lease has at most: enough to fill a batch or to keep
// all Sends busy, and few enough that a crash repeats little. An ordered group has no
// second lease that would keep the sink busy, so its lease has a second batch.
func (w *work) leaseSize() int {
	batch := w.traits.Batch
	switch {
	case w.processor.Mode != core.Ordered:
		return min(max(batch, 4*w.traits.Parallel), maxLease)
	case batch == 1:
		return 100
	case w.traits.Linger > 0: // the second one would seldom be full
		return min(batch, maxLease)
	}
	return min(2*batch, maxLease)
}

// maxLease bounds a lease, in events.
const maxLease = 10_000

// read handles one lease after the other until ctx ends or the group is gone.
func (w *work) read(ctx context.Context) {
	var worker *deliver.Worker
	for ctx.Err() == nil {
		err := w.next(ctx, &worker)
		switch {
		case err == nil || ctx.Err() != nil:
			continue
		case core.IsNotFound(err) || errors.Is(err, errRefused):
			w.end()
			continue
		}
		w.logger().Warn("a processor could not go on; it will try again", "error", err)
		rest(ctx, lookAgain)
	}
	if worker != nil {
		worker.Close()
	}
}

// next handles one lease.
func (w *work) next(ctx context.Context, worker **deliver.Worker) (err error) {
	if *worker == nil {
		if *worker, err = w.runner.Workers.Work(ctx, w.processor.Group); err != nil {
			return err
		}
	}
	d, err := (*worker).Next(ctx, w.leaseSize())
	if err != nil {
		return err
	}
	if len(d.Events) == 0 { // ctx has ended, or the server stops
		rest(ctx, lookAgain)
		return nil
	}
	if wait := w.filling(&d); wait > 0 {
		err := (*worker).Extend(ctx, d.Lease, true)
		rest(ctx, wait)
		return err
	}
	l := &lease{work: w, worker: *worker, delivery: d}
	if err = l.handle(ctx); l.pause > 0 { // nothing of it is under way any more
		rest(ctx, l.pause)
	}
	return err
}

// filling is how long a lease is to wait for more events, because its batch is not full
// and the sink would rather have full ones.
func (w *work) filling(d *core.Delivery) time.Duration {
	if w.traits.Linger == 0 || len(d.Events) >= w.leaseSize() {
		return 0
	}
	return w.traits.Linger - w.runner.Now().Sub(d.Events[0].ReceivedAt)
}

// rest waits for a time, or until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// errRefused ends the work because the destination wants no more.
var errRefused = errors.New("the destination wants no events any more")

// turnAway notes that the destination wants no events any more.
func (w *work) turnAway(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refusal == "" {
		w.refusal = reason
	}
	w.runner.wake()
}

// turnedAway is why the destination wants no events any more, or "".
func (w *work) turnedAway() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.refusal
}

// logger says which processor it is about.
func (w *work) logger() *slog.Logger {
	return w.runner.Logger.With("org_id", w.processor.Org, "stream_id", w.processor.Stream, "processor_id", w.processor.ID)
}
