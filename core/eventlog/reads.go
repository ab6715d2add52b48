package eventlog

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Reads bounds what the requests of an organization that read take of a node and its store
// while others produce: polls of groups that are behind, first pages of events, and
// whatever else people and programs ask for.
// Each read is paid for with the time that it took, several times over while others
// commit; who owes too much waits before the next one. An organization's own commits do
// not count: whether its producers or its consumers go first is its own business. It is
// safe for concurrent use.
type Reads struct {
	recent *Recent

	// mu guards of.
	mu sync.Mutex
	of map[core.ID]*reading
	// swept is how many organizations there may be before those are dropped that owe
	// nothing.
	swept int
}

const (
	// readCredit is how much an organization may owe before its requests wait.
	readCredit = 100 * time.Millisecond
	// readCost is what a first read is counted for.
	readCost = 20 * time.Millisecond
	// readRests is how many times as long as a read its rest is, at most.
	readRests = 3
	// dearest is what a read costs at most: on a node that is overloaded, or whose store
	// hangs, one that nobody would call dear takes seconds, and must not keep its
	// organization out for a minute.
	dearest = 2 * time.Second
	// deepest is how much an organization owes at most. When the part of a store hangs that
	// has its events, hundreds of its reads may be dear at once.
	deepest = 10 * time.Second
	// busyInterval is how often the commits of others are counted, and busyCommits how
	// many in a second make the rests as long as one read. So does each batch of others
	// that waits for its commit: who gets little done is not alone.
	busyInterval = 50 * time.Millisecond
	busyCommits  = 100
	// longestWait is how long a request is put off at most. One more is refused.
	longestWait = 5 * time.Second
)

// NewReads returns the bounds on the log that a hub hears of.
func NewReads(recent *Recent) *Reads {
	return &Reads{recent: recent, of: map[core.ID]*reading{}, swept: 1024}
}

// reading is what one organization owes.
type reading struct {
	// mu guards what follows.
	mu sync.Mutex
	// paid is when all is paid for that was read.
	paid time.Time
	// cost is what was paid for the last read, and what the next one is counted for until
	// it is known: those that ask together do not all read before the first one counts.
	cost time.Duration
	// others is how many commits of others there were at the time at, and rests how many
	// times as long as a read its rest is since.
	others int64
	at     time.Time
	rests  float64
}

// Wait waits until an organization may read. Once it has read, the caller calls done. It
// reports false when closing is closed before. The error is that it is not worth waiting
// for, or that ctx has ended.
func (r *Reads) Wait(ctx context.Context, org core.ID, closing <-chan struct{}) (done func(), ok bool, err error) {
	return r.wait(ctx, org, closing, longestWait)
}

// wait is Wait for who waits so long at most.
func (r *Reads) wait(ctx context.Context, org core.ID, closing <-chan struct{}, most time.Duration) (done func(), ok bool, err error) {
	one := r.reading(org)
	others, waiting := r.recent.othersThan(org)
	one.mu.Lock()
	wait, counted := one.owes()-readCredit, one.cost
	if one.price(others, waiting) == 0 { // whoever was in the way is gone
		wait, counted = 0, 0
	}
	if wait > most {
		one.mu.Unlock()
		return nil, false, &core.Error{
			Code: core.CodeRateLimited, RetryAfter: wait,
			Message: "this organization asks for more than its part of a busy server; ask for less at once, or come again later",
		}
	}
	one.spend(counted)
	one.mu.Unlock()
	done = func() {
		one.mu.Lock()
		defer one.mu.Unlock()
		one.spend(-counted)
	}
	if pause(ctx, closing, wait) {
		return done, true, nil
	}
	done()
	if ctx.Err() != nil {
		err = core.Unavailable(ctx.Err(), time.Second, "the request took too long, and nothing was changed; try again")
	}
	return nil, false, err
}

// Answer has a request answered as soon as its organization may, and counts how long that
// took. It refuses what would wait too long. Without Reads it is at once.
func (r *Reads) Answer(ctx context.Context, org core.ID, answer func() error) (err error) {
	if r == nil {
		return answer()
	}
	_, was, refusal := r.read(ctx, org, nil, longestWait, func() { err = answer() })
	if !was {
		return refusal
	}
	return err
}

// read has a window read as soon as an organization may, and returns how long that took.
// It reports false, without an error, when closing is closed before.
func (r *Reads) read(ctx context.Context, org core.ID, closing <-chan struct{}, most time.Duration, window func()) (took time.Duration, was bool, err error) {
	done, ok, err := r.wait(ctx, org, closing, most)
	if !ok {
		return 0, false, err
	}
	defer done()
	begun := time.Now()
	window()
	took = time.Since(begun)
	r.Took(org, took)
	return took, true, nil
}

// Took notes that an organization has read, and how long that took.
func (r *Reads) Took(org core.ID, took time.Duration) {
	one := r.reading(org)
	others, waiting := r.recent.othersThan(org)
	one.mu.Lock()
	defer one.mu.Unlock()
	cost := time.Duration(float64(took) * one.price(others, waiting) / float64(max(runtime.GOMAXPROCS(0)/2, 1)))
	one.cost = min(cost, dearest)
	one.spend(one.cost)
}

// owes is how long it is until all is paid for. The caller holds mu, as for what follows.
func (o *reading) owes() time.Duration { return max(time.Until(o.paid), 0) }

func (o *reading) spend(cost time.Duration) {
	o.paid = time.Now().Add(min(o.owes()+cost, deepest))
}

// price is what a read costs, in times that it took.
func (o *reading) price(others, waiting int64) float64 {
	now := time.Now()
	if since := now.Sub(o.at); since >= busyInterval {
		o.rests = min(max(float64(others-o.others)/since.Seconds()/busyCommits, float64(waiting)), readRests)
		o.others, o.at = others, now
	}
	if o.rests < 0.5 { // next to nobody is in the way
		return 0
	}
	return 1 + o.rests
}

func (r *Reads) reading(org core.ID) *reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.of[org]
	if one == nil {
		if len(r.of) >= r.swept {
			r.sweep()
		}
		others, _ := r.recent.othersThan(org)
		one = &reading{cost: readCost, at: time.Now(), others: others, rests: readRests}
		r.of[org] = one
	}
	return one
}

// sweep drops those who owe nothing. Who is about to read is not paid for once.
func (r *Reads) sweep() {
	for org, one := range r.of {
		one.mu.Lock()
		owes := one.owes()
		one.mu.Unlock()
		if owes == 0 {
			delete(r.of, org)
		}
	}
	r.swept = max(1024, 2*len(r.of))
}
