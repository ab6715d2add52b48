package eventlog

import (
	"context"
	"crypto/rand"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// CommitOptions bounds the group commit. Zero fields take the defaults.
type CommitOptions struct {
	// Lanes is how many groups may commit at once; a stream always uses the same
	// one. Default 1.
	Lanes int
	// QueueEvents and QueueBytes bound what waits in one lane: default 50,000
	// events and 64 MiB. Beyond them Commit answers [core.CodeUnavailable].
	QueueEvents, QueueBytes int
	// GroupEvents and GroupBytes bound one transaction: default 10,000 events
	// and 32 MiB. One batch is never split.
	GroupEvents, GroupBytes int
	// ResolveFor bounds how long an unknown outcome is looked up: default 10 s.
	ResolveFor time.Duration
	// Committed is told of each group once it is durable, before its requests
	// are answered. It must be fast and keep nothing of the entries' slices.
	Committed func([]core.Batch)
	// Now is the clock; default [time.Now].
	Now core.Clock
	// Logger default [slog.Default].
	Logger *slog.Logger
}

func (o CommitOptions) withDefaults() CommitOptions {
	o.Lanes = max(o.Lanes, 1)
	setDefault(&o.QueueEvents, 50_000)
	setDefault(&o.QueueBytes, 64<<20)
	setDefault(&o.GroupEvents, 10_000)
	setDefault(&o.GroupBytes, 32<<20)
	setDefault(&o.ResolveFor, 10*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

func setDefault[T int | time.Duration](field *T, value T) {
	if *field == 0 {
		*field = value
	}
}

// Committer turns many requests into few transactions: while one group
// commits, the next one gathers. There is no timer, so an idle log answers
// as fast as one transaction takes.
type Committer struct {
	lanes []*lane
	seed  maphash.Seed
	// spare are requests that have their answers, to be used again.
	spare sync.Pool
}

// log is what a committer needs of a store: to append, and to look up what an
// append of unknown outcome did.
type commitLog interface {
	core.Appender
	core.Reader
}

// NewCommitter starts a committer on a log. Close stops it.
func NewCommitter(log commitLog, options CommitOptions) *Committer {
	options = options.withDefaults()
	c := &Committer{seed: maphash.MakeSeed()}
	c.spare.New = func() any { return &pending{done: make(chan error, 1), spare: &c.spare} }
	for range options.Lanes {
		l := &lane{log: log, options: options, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
		c.lanes = append(c.lanes, l)
		go l.run()
	}
	return c
}

// Commit makes a batch durable and returns when it is, or why it is not: a
// [core.CodeUnavailable] error when the queue is full, the committer is closed or
// the outcome could not be found out. The batch's entries hold their outcomes
// then. Commit does not stop waiting when a request is given up: what has been
// queued is committed, and the entries are in use until Commit returns.
func (c *Committer) Commit(batch core.Batch) error {
	p, err := c.enqueue(batch)
	if err != nil {
		return err
	}
	return p.wait()
}

// enqueue queues a batch; its wait must be called once.
func (c *Committer) enqueue(batch core.Batch) (*pending, error) {
	l := c.lanes[0]
	if len(c.lanes) > 1 {
		l = c.lanes[maphash.Comparable(c.seed, batch.Stream)%uint64(len(c.lanes))]
	}
	p := c.spare.Get().(*pending)
	p.batch, p.bytes = batch, batchBytes(batch)
	if err := l.push(p); err != nil {
		p.release()
		return nil, err
	}
	return p, nil
}

// Queued returns how many events wait for their commit.
func (c *Committer) Queued() int {
	total := 0
	for _, l := range c.lanes {
		l.mu.Lock()
		total += l.events
		l.mu.Unlock()
	}
	return total
}

// Close refuses new batches, commits the queued ones and returns when all have
// their answer.
func (c *Committer) Close() {
	for _, l := range c.lanes {
		l.close()
	}
	for _, l := range c.lanes {
		<-l.stopped
	}
}

// pending is one request waiting for its commit. It is used again by others
// after that.
type pending struct {
	batch core.Batch
	bytes int
	done  chan error
	spare *sync.Pool
}

// wait returns when the batch is committed, or why it is not.
func (p *pending) wait() error {
	err := <-p.done
	p.release()
	return err
}

func (p *pending) release() {
	p.batch = core.Batch{}
	p.spare.Put(p)
}

// entryOverhead is what an entry costs beside its payload and context.
const entryOverhead = 512

func batchBytes(batch core.Batch) int {
	total := 0
	for i := range batch.Entries {
		total += entryOverhead + len(batch.Entries[i].Payload) + len(batch.Entries[i].Context)
	}
	return total
}

// lane is one committing goroutine and its queue.
type lane struct {
	log     commitLog
	options CommitOptions
	wake    chan struct{}
	stopped chan struct{}
	// floor is the latest time the lane has used or met: its clock never goes
	// back, and catches up with other nodes (a hybrid logical clock).
	floor time.Time

	mu     sync.Mutex
	queue  []*pending
	events int
	bytes  int
	closed bool
}

func (l *lane) push(p *pending) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return core.Unavailable(nil, time.Second, "the server is stopping; send the request to another node or try again")
	}
	full := l.events+len(p.batch.Entries) > l.options.QueueEvents || l.bytes+p.bytes > l.options.QueueBytes
	if full && l.events > 0 {
		return core.Unavailable(nil, time.Second, "the ingest queue is full; slow down and try again")
	}
	l.queue = append(l.queue, p)
	l.events += len(p.batch.Entries)
	l.bytes += p.bytes
	l.signal()
	return nil
}

func (l *lane) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

// signal wakes the lane; one waiting signal is enough for any number of pushes.
func (l *lane) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) run() {
	defer close(l.stopped)
	for range l.wake {
		for {
			group, closed := l.take()
			if len(group) == 0 {
				if closed {
					return
				}
				break
			}
			l.commit(group)
		}
	}
}

// take removes the next group from the queue. A batch that repeats an
// idempotency key of the group waits for the next one: within one Append a key
// is unique, and the later request then finds the earlier one's event.
func (l *lane) take() (group []*pending, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var keys map[streamKey]struct{}
	events, bytes := 0, 0
	rest := l.queue[:0]
	for i, p := range l.queue {
		full := events+len(p.batch.Entries) > l.options.GroupEvents || bytes+p.bytes > l.options.GroupBytes
		if full && len(group) > 0 {
			rest = append(rest, l.queue[i:]...)
			break
		}
		if !claimKeys(&keys, p.batch) {
			rest = append(rest, p)
			continue
		}
		group = append(group, p)
		events += len(p.batch.Entries)
		bytes += p.bytes
	}
	clear(l.queue[len(rest):])
	l.queue = rest
	l.events -= events
	l.bytes -= bytes
	return group, l.closed
}

type streamKey struct {
	stream core.ID
	key    string
}

// claimKeys adds the batch's idempotency keys to those of the group, or
// reports false and adds none when one is taken.
func claimKeys(keys *map[streamKey]struct{}, batch core.Batch) bool {
	for i := range batch.Entries {
		if key := batch.Entries[i].IdempotencyKey; key != "" {
			if _, taken := (*keys)[streamKey{batch.Stream, key}]; taken {
				return false
			}
		}
	}
	for i := range batch.Entries {
		if key := batch.Entries[i].IdempotencyKey; key != "" {
			if *keys == nil {
				*keys = map[streamKey]struct{}{}
			}
			(*keys)[streamKey{batch.Stream, key}] = struct{}{}
		}
	}
	return true
}

func (l *lane) commit(group []*pending) {
	batches := make([]core.Batch, len(group))
	for i, p := range group {
		batches[i] = p.batch
	}
	err := l.append(batches)
	if err == nil && l.options.Committed != nil {
		l.options.Committed(batches)
	}
	for _, p := range group {
		p.done <- err
	}
}

// appendRounds bounds how often one group is appended again because another
// node's clock was ahead.
const appendRounds = 5

func (l *lane) append(batches []core.Batch) error {
	for range appendRounds {
		at := l.stamp(batches)
		err := l.log.Append(context.Background(), at, batches)
		var behind *core.ClockError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &behind):
			l.floor = behind.Last
		case errors.Is(err, core.ErrUnknownOutcome):
			return l.resolve(at, batches, err)
		default:
			return l.failed(err)
		}
	}
	return core.Unavailable(nil, time.Second, "the stream's clock moves too fast for this node; try again")
}

// stamp gives the group its time and its events their ids.
func (l *lane) stamp(batches []core.Batch) time.Time {
	at := l.options.Now.Stamp()
	if at.Before(l.floor) {
		at = l.floor
	}
	l.floor = at
	total := 0
	for i := range batches {
		total += len(batches[i].Entries)
	}
	random := make([]byte, 10*total)
	_, _ = rand.Read(random) // never fails: see the package's documentation
	for i := range batches {
		for j := range batches[i].Entries {
			entry := &batches[i].Entries[j]
			entry.ID, random = core.NewID(at, random), random[10:]
			entry.Stream, entry.ReceivedAt, entry.Outcome = batches[i].Stream, at, core.Stored
			if entry.OccurredAt.IsZero() {
				entry.OccurredAt = at
			}
		}
	}
	return at
}

// failed turns a store's definite failure into the client's answer.
func (l *lane) failed(err error) error {
	l.options.Logger.Error("append failed, nothing was stored", "error", err)
	if _, ok := errors.AsType[*core.Error](err); ok {
		return err
	}
	return core.Unavailable(err, time.Second, "the event store failed and nothing was stored; try again")
}
