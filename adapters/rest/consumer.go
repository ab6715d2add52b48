package rest

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// ConsumeOptions tunes [Client.Consume]. A field that is zero takes its
// default.
type ConsumeOptions struct {
	// Limit is how many events one poll takes: default 100.
	Limit int
	// Wait is how long one poll waits: default 30 s.
	Wait time.Duration
	// Failed is told of errors in spite of which the consumer goes on.
	Failed func(error)
}

// Consume processes the events of a group, one after the other, until ctx ends.
// Then it finishes the event at hand, settles what is done, gives the rest back
// and returns nil. Run it several times, here or elsewhere, to have a shared
// group process events side by side.
//
// It goes on after failures of the server and the network. It returns an error
// only if trying again cannot help: the credential, the stream or the group is
// not what it should be.
func (c *Client) Consume(ctx context.Context, stream, group string, handle Handler, options ConsumeOptions) error {
	if options.Limit == 0 {
		options.Limit = core.DefaultPollLimit
	}
	if options.Wait == 0 {
		options.Wait = 30 * time.Second
	}
	if options.Failed == nil {
		options.Failed = func(error) {}
	}
	w := &consumer{client: c, stream: stream, handle: handle, options: options}
	err := w.persist(ctx, func() (err error) {
		found, err := c.Group(ctx, stream, group)
		w.group = found.Group
		return err
	})
	for err == nil && ctx.Err() == nil {
		err = w.persist(ctx, func() error { return w.round(ctx) })
	}
	return err
}

// consumer is one run of Consume.
type consumer struct {
	client  *Client
	stream  string
	group   core.Group
	handle  Handler
	options ConsumeOptions
}

// persist tries until it succeeds, ctx ends, or trying again cannot help.
func (w *consumer) persist(ctx context.Context, try func() error) error {
	for attempt := 0; ; attempt++ {
		err := try()
		switch {
		case err != nil && ctx.Err() != nil:
			return nil //nolint:nilerr // it failed because the consumer is to stop
		case err == nil || hopeless(err):
			return err
		}
		w.options.Failed(err)
		pause(ctx, attempt)
	}
}

// round takes events out of the group and processes them.
func (w *consumer) round(ctx context.Context) error {
	delivery, err := w.client.Poll(ctx, w.stream, w.group.ID.String(), PollOptions{w.options.Limit, w.options.Wait})
	if err != nil || delivery.Lease == nil {
		return err
	}
	return w.process(ctx, delivery)
}

// run is the work on the events of one lease.
type run struct {
	*consumer
	lease core.ID
	acked []core.Offset
	nacks []Nack
	// lost ends the run once somebody else has the lease.
	lost context.CancelFunc
}

// process handles the events of a lease, and extends the lease for as long as
// that takes.
func (w *consumer) process(stop context.Context, delivery Delivery) error {
	// The server must learn what is settled even when the consumer stops.
	ctx, lost := context.WithCancel(context.WithoutCancel(stop))
	defer lost()
	r := &run{consumer: w, lease: delivery.Lease.ID, lost: lost}
	done := make(chan struct{})
	var keeping sync.WaitGroup
	keeping.Go(func() { r.keep(ctx, done) })
	rest := r.work(ctx, stop, delivery.Events)
	close(done)
	keeping.Wait()
	if ctx.Err() != nil {
		return nil // another consumer has the events by now
	}
	return r.settle(ctx, rest)
}

// keep extends the lease whenever half of its time is over.
func (r *run) keep(ctx context.Context, done <-chan struct{}) {
	half := r.group.Visibility.Duration() / 2
	tick := time.NewTicker(half)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := r.client.Extend(ctx, r.stream, r.group.ID.String(), r.lease, nil)
		if core.CodeOf(err) == core.CodeConflict {
			r.lost()
			return
		}
		if err != nil {
			r.options.Failed(err)
		}
	}
}

// flushEvery bounds how long a processed event stays unsettled: after a crash,
// every event that the server does not know as settled is processed again.
const flushEvery = time.Second

// work handles events until one of an ordered group fails, the lease is lost,
// or the consumer stops. It reports whether events are left.
func (r *run) work(ctx, stop context.Context, events []DeliveredEvent) (left bool) {
	flushed := time.Now()
	for _, event := range events {
		if ctx.Err() != nil || stop.Err() != nil {
			return true
		}
		err := r.handle(ctx, event)
		if err == nil {
			r.acked = append(r.acked, event.Offset)
		} else {
			r.nacks = append(r.nacks, nackOf(event.Offset, err))
			if r.group.Mode == core.Ordered && r.nacks[len(r.nacks)-1].Action == core.NackRetry {
				return true // the server gives the rest back by itself
			}
		}
		if time.Since(flushed) > flushEvery && len(r.nacks) == 0 {
			if err := r.ack(ctx); err != nil {
				r.options.Failed(err)
			}
			flushed = time.Now()
		}
	}
	return false
}

func (r *run) ack(ctx context.Context) error {
	if len(r.acked) == 0 {
		return nil
	}
	err := r.client.Ack(ctx, r.stream, r.group.ID.String(), r.lease, r.acked...)
	if err == nil {
		r.acked = nil
	}
	return err
}

// settleAttempts bounds how often a run reports its outcome to a server that
// does not answer. After that the lease ends, and the events come again.
const settleAttempts = 5

// settle tells the server what has become of the events.
func (r *run) settle(ctx context.Context, left bool) (err error) {
	for attempt := range settleAttempts {
		if err = r.tell(ctx, left); err == nil || core.CodeOf(err) == core.CodeConflict || hopeless(err) {
			break
		}
		r.options.Failed(err)
		pause(ctx, attempt)
	}
	if core.CodeOf(err) == core.CodeConflict {
		return nil // it was settled before, or is somebody else's by now
	}
	return err
}

func (r *run) tell(ctx context.Context, left bool) error {
	if err := r.ack(ctx); err != nil {
		return err
	}
	if len(r.nacks) > 0 {
		if err := r.client.Nack(ctx, r.stream, r.group.ID.String(), r.lease, r.nacks...); err != nil {
			return err
		}
		r.nacks = nil
	}
	if !left {
		return nil
	}
	var now core.Seconds
	_, err := r.client.Extend(ctx, r.stream, r.group.ID.String(), r.lease, &now)
	return err
}
