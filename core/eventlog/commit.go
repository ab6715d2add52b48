package eventlog

import (
	"context"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// CommitOptions bounds the group commit. Zero fields take the defaults.
type CommitOptions struct {
	// Lanes is how many groups of one shard may commit at once. A stream always uses the
	// same lane, which keeps the order of its requests. Default 1.
	Lanes int
	// Shards says where the streams are. Each shard has lanes of its own, so one that is
	// away or slow holds up no others. Nil is one shard.
	Shards core.Sharded
	// Confirmer is the log, if what it shows may be less safe than what it acknowledges.
	Confirmer core.Confirmer
	// Limits are what the log takes in one Append.
	Limits core.GroupLimits
	// QueueEvents and QueueBytes bound what waits in one lane: default 50,000
	// events and 64 MiB. Beyond them Commit answers [core.CodeUnavailable].
	QueueEvents, QueueBytes int
	// GroupEvents and GroupBytes bound one transaction: default 10,000 events
	// and 32 MiB, or Limits where that is less. One batch is never split.
	GroupEvents, GroupBytes int
	// ResolveFor bounds how long an unknown outcome is looked up: default 10 s.
	ResolveFor time.Duration
	// Committed is called with each group once it is durable, before its requests
	// are answered. The lane waits for it, so it must be fast. It must not keep the
	// entries' slices: their requests use them again.
	Committed func([]core.Batch)
	// Waiting is told how many more, or fewer, batches of an organization wait for their
	// commit, by each of their goroutines. It may be nil.
	Waiting func(org core.ID, more int64)
	// Now is the clock; default [time.Now].
	Now core.Clock
	// Logger takes the failures; default [slog.Default].
	Logger *slog.Logger
}

func (o CommitOptions) withDefaults() CommitOptions {
	o.Lanes = max(o.Lanes, 1)
	setDefault(&o.QueueEvents, 50_000)
	setDefault(&o.QueueBytes, 64<<20)
	setDefault(&o.GroupEvents, 10_000)
	setDefault(&o.GroupBytes, 32<<20)
	o.GroupEvents, o.GroupBytes = atMost(o.GroupEvents, o.Limits.Events), atMost(o.GroupBytes, o.Limits.Bytes)
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

// atMost is a value that a limit bounds; zero is no limit.
func atMost(value, limit int) int {
	if limit > 0 {
		return min(value, limit)
	}
	return value
}

// Committer turns many requests into few transactions: while one group
// commits, the next one gathers. There is no timer, so an idle log answers
// as fast as one transaction takes. [lane] tells how a group is made.
type Committer struct {
	// lanes are those of each shard. They and seed do not change, so a stream stays on its
	// lane for as long as the committer lives, unless it is moved to another shard. Its
	// requests are appended in the order of their Commits.
	lanes   [][]*lane
	shards  core.Sharded
	seed    maphash.Seed
	waiting func(org core.ID, more int64)
	// spare holds requests that have their answers, for later requests to use.
	// A channel and a struct for each request would be the log's largest garbage.
	spare sync.Pool
}

// commitLog is the part of a store that a committer needs: it appends, and it
// looks up what an append of unknown outcome did.
type commitLog interface {
	core.Appender
	core.Reader
}

// NewCommitter starts a committer on a log. Close stops it.
func NewCommitter(log commitLog, options CommitOptions) *Committer {
	options = options.withDefaults()
	c := &Committer{seed: maphash.MakeSeed(), shards: options.Shards, waiting: options.Waiting, lanes: make([][]*lane, 1)}
	if c.shards != nil {
		c.lanes = make([][]*lane, c.shards.Shards())
	}
	c.spare.New = func() any { return &pending{done: make(chan error, 1), spare: &c.spare} }
	for i := range c.lanes {
		for range options.Lanes {
			l := &lane{log: log, options: options, wake: make(chan struct{}, 1), stopped: make(chan struct{})}
			c.lanes[i] = append(c.lanes[i], l)
			go l.run()
		}
	}
	return c
}

// laneOf returns the lane of a stream.
func (c *Committer) laneOf(ctx context.Context, stream core.ID) (*lane, error) {
	shard := 0
	if c.shards != nil {
		var err error
		if shard, err = c.shards.ShardOf(ctx, stream); err != nil {
			return nil, core.StoreFailed(err)
		}
		if shard >= len(c.lanes) {
			return nil, core.Unavailable(nil, time.Second, "the stream is on a shard that this server does not know yet; try again")
		}
	}
	lanes := c.lanes[shard]
	if len(lanes) == 1 {
		return lanes[0], nil
	}
	return lanes[maphash.Comparable(c.seed, stream)%uint64(len(lanes))], nil
}

// Commit makes a batch durable and returns once it is; the batch's entries then
// hold their outcomes. The error is [core.CodeUnavailable] when the queue is full,
// the committer is closed or the outcome could not be found out.
//
// When ctx ends before that, a batch that still waits is not stored at all. One that is
// on its way is left to itself, and it is not known whether it gets stored: then the
// batch has new entries, with nothing but the ids of those.
func (c *Committer) Commit(ctx context.Context, batch *core.Batch) error {
	p, err := c.enqueue(ctx, *batch)
	if err != nil {
		return err
	}
	return p.wait(ctx, batch)
}

// enqueue queues a batch of the request that ctx belongs to. The caller calls wait on
// the result, exactly once: the answer is read once, and afterwards the pending serves
// another request.
func (c *Committer) enqueue(ctx context.Context, batch core.Batch) (*pending, error) {
	l, err := c.laneOf(ctx, batch.Stream)
	if err != nil {
		return nil, err
	}
	p := c.spare.Get().(*pending)
	p.ctx, p.batch = ctx, batch
	p.bytes, p.keyed = batchBytes(batch)
	if err := l.push(p); err != nil {
		p.release()
		return nil, err
	}
	if p.org, p.waiting = batch.Org, c.waiting; p.waiting != nil {
		p.waiting(p.org, 1)
	}
	return p, nil
}

// Queued returns how many events wait for their commit.
func (c *Committer) Queued() int {
	total := 0
	for _, l := range slices.Concat(c.lanes...) {
		l.mu.Lock()
		total += l.events
		l.mu.Unlock()
	}
	return total
}

// Fullest returns how full the fullest queue is, from 0 to 1. Each lane of each shard has a
// queue of its own, so one may refuse events while the others are empty.
func (c *Committer) Fullest() (part float64) {
	for _, l := range slices.Concat(c.lanes...) {
		l.mu.Lock()
		part = max(part, float64(l.events)/float64(l.options.QueueEvents), float64(l.bytes)/float64(l.options.QueueBytes))
		l.mu.Unlock()
	}
	return min(part, 1) // an empty queue takes a request of any size
}

// Close refuses new batches, commits the queued ones and returns when all have
// their answer.
func (c *Committer) Close() {
	// All lanes are told first, so that they finish side by side.
	all := slices.Concat(c.lanes...)
	for _, l := range all {
		l.close()
	}
	for _, l := range all {
		<-l.stopped
	}
}
