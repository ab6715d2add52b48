package eventlog

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Reads bounds what the requests of an organization that read the log take of a node and
// its store while others produce: polls of groups that are behind, first pages of events.
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
	// readCostMost bounds what a read costs: one that took longer waited for a store that
	// hangs, which is no work.
	readCostMost = time.Second
	// readDebtMost bounds what an organization owes, and so how long it waits: a request that
	// waits longer ends without an answer.
	readDebtMost = 10 * time.Second
	// readRests is how many times as long as a read its rest is, at most.
	readRests = 3
	// busyInterval is how often the commits of others are counted, and busyCommits how
	// many in a second make the rests as long as one read.
	busyInterval = 50 * time.Millisecond
	busyCommits  = 100
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

// Wait waits until an organization may read. The caller calls done in any case: once it has
// read, or where Wait reports false, because ctx ends or closing is closed before.
func (r *Reads) Wait(ctx context.Context, org core.ID, closing <-chan struct{}) (done func(), ok bool) {
	one, others := r.reading(org), r.recent.othersThan(org)
	one.mu.Lock()
	wait, counted := one.owes()-readCredit, one.cost
	if one.price(others) == 0 { // what was read while others were in the way is no reason to wait now
		wait, counted = 0, 0
	}
	one.spend(counted)
	one.mu.Unlock()
	ok = pause(ctx, closing, wait)
	return func() {
		one.mu.Lock()
		defer one.mu.Unlock()
		one.spend(-counted)
	}, ok
}

// read has a window read as soon as an organization may. It returns how long that took,
// and whether it was read.
func (r *Reads) read(ctx context.Context, org core.ID, closing <-chan struct{}, window func()) (took time.Duration, was bool) {
	done, ok := r.Wait(ctx, org, closing)
	defer done()
	if !ok {
		return 0, false
	}
	begun := time.Now()
	window()
	took = time.Since(begun)
	r.Took(org, took)
	return took, true
}

// Took notes that an organization has read, and how long that took.
func (r *Reads) Took(org core.ID, took time.Duration) {
	one, others := r.reading(org), r.recent.othersThan(org)
	one.mu.Lock()
	defer one.mu.Unlock()
	one.cost = min(time.Duration(float64(took)*one.price(others)/float64(max(runtime.GOMAXPROCS(0)/2, 1))), readCostMost)
	one.spend(one.cost)
}

// owes is how long it is until all is paid for. The caller holds mu, as for what follows.
func (o *reading) owes() time.Duration { return max(time.Until(o.paid), 0) }

func (o *reading) spend(cost time.Duration) {
	o.paid = time.Now().Add(min(o.owes()+cost, readDebtMost))
}

// price is what a read costs, in times that it took.
func (o *reading) price(others int64) float64 {
	now := time.Now()
	if since := now.Sub(o.at); since >= busyInterval {
		o.rests = min(float64(others-o.others)/since.Seconds()/busyCommits, readRests)
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
		one = &reading{cost: readCost, at: time.Now(), others: r.recent.othersThan(org), rests: readRests}
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
