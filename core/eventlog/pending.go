package eventlog

import (
	"sync"

	"github.com/eventflow-go/eventflow/core"
)

// pending is one request waiting for its commit. After its answer it goes back
// to spare and serves another request.
//
// The request owns it until push. From there on the lane owns it, batch included,
// until it sends the answer; the request must not touch the entries in between.
type pending struct {
	batch core.Batch
	// bytes is about what the batch occupies, counted once for the queue's bound.
	bytes int
	// done has room for one answer, so that the lane never waits for a request.
	// Receiving it orders the lane's writes to the entries before the request's reads.
	done  chan error
	spare *sync.Pool
}

// wait returns once the batch is committed, or has failed.
func (p *pending) wait() error {
	err := <-p.done
	p.release()
	return err
}

// release gives the pending back. It drops the batch, which would otherwise keep
// a request's body alive in the pool.
func (p *pending) release() {
	p.batch = core.Batch{}
	p.spare.Put(p)
}

// entryOverhead is about what an entry occupies beside its payload and context.
const entryOverhead = 512

func batchBytes(batch core.Batch) int {
	total := 0
	for i := range batch.Entries {
		total += entryOverhead + len(batch.Entries[i].Payload) + len(batch.Entries[i].Context)
	}
	return total
}
