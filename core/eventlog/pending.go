package eventlog

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// pending is one request waiting for its commit. After its answer it goes back
// to spare and serves another request.
//
// The request owns it until push. From there on the lane owns it, batch included,
// until it sends the answer; the request must not touch the entries in between.
// A request that leaves before the answer leaves all of that to the lane for good.
type pending struct {
	// ctx is the request's. The commit is not bound by it, only marked with it.
	ctx   context.Context
	batch core.Batch
	// bytes is about what the batch occupies, and keyed how many of its events have an
	// idempotency key: counted once for the bounds of the queue and of groups.
	bytes, keyed int
	// waiting is told that the request waits no more for its commit, for org.
	waiting func(org core.ID, more int64)
	org     core.ID
	// done has room for one answer, so that the lane never waits for a request.
	// Receiving it orders the lane's writes to the entries before the request's reads.
	done  chan error
	spare *sync.Pool

	// mu guards what follows. taken says that the lane is at work on the batch, left
	// that the request has gone: whichever comes first decides whether the batch is
	// stored.
	mu          sync.Mutex
	taken, left bool
	// at and random are what the ids of the entries are made of: see stamp. The
	// request must not read the ids from the entries while the lane has them.
	at     time.Time
	random []byte
}

// take claims the batch for the lane. It reports false when the request has left: then
// the batch is not to be stored.
func (p *pending) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = !p.left
	return p.taken
}

// putBack gives the batch, of which nothing was done, back to the queue.
func (p *pending) putBack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken = false
}

// stamped notes what the ids of the entries are made of.
func (p *pending) stamped(at time.Time, random []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.random = at, random
}

// wait returns once the batch is committed, or has failed, or ctx ends. In the last
// case the error says what is known, and batch gets new entries, which hold the ids of
// those that may be stored.
func (p *pending) wait(ctx context.Context, batch *core.Batch) error {
	if p.waiting != nil {
		defer p.waiting(p.org, -1)
	}
	select {
	case err := <-p.done:
		p.release()
		return err
	case <-ctx.Done():
		return p.leave(ctx.Err(), batch)
	}
}

// leave ends the request's part.
func (p *pending) leave(cause error, batch *core.Batch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left = true
	batch.Entries = make([]core.Entry, len(batch.Entries))
	if !p.taken {
		return core.Unavailable(cause, time.Second, "the event store takes too long and nothing was stored; try again")
	}
	if p.random != nil {
		setIDs(batch.Entries, p.at, p.random)
	}
	return core.Unavailable(cause, 5*time.Second, "the event store takes too long and it is not known whether the events were stored; try again with the same idempotency key")
}

// setIDs gives entries their ids, made of a time and of ten random bytes each.
func setIDs(entries []core.Entry, at time.Time, random []byte) {
	for i := range entries {
		entries[i].ID = core.NewID(at, random[10*i:10*(i+1)])
	}
}

// release gives the pending back. It drops the batch and the context, which would
// otherwise keep a request's body alive in the pool.
func (p *pending) release() {
	p.ctx, p.batch, p.taken, p.random = nil, core.Batch{}, false, nil
	p.spare.Put(p)
}

// entryOverhead is about what an entry occupies beside its payload and context.
const entryOverhead = 512

func batchBytes(batch core.Batch) (total, keyed int) {
	for i := range batch.Entries {
		total += entryOverhead + len(batch.Entries[i].Payload) + len(batch.Entries[i].Context)
		if batch.Entries[i].IdempotencyKey != "" {
			keyed++
		}
	}
	return total, keyed
}
