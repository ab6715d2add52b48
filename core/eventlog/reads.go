package eventlog

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Reads bounds what the requests of an organization that read take of a node and its store
// while others produce: polls of groups that are behind, pages of events, and whatever else
// people and programs ask for. Each read is paid for with the time that it took, several
// times over while others commit; who owes too much waits before the next one. An organization's own commits do
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
	// firstRead is how long a first read is taken to last.
	firstRead = 5 * time.Millisecond
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
	// longestWait is how long a request is put off at most. One more is refused. The first
	// in line looks again after longestLook.
	longestWait = 5 * time.Second
	longestLook = 20 * time.Millisecond
)

// NewReads returns the bounds on the log that a hub hears of.
func NewReads(recent *Recent) *Reads {
	return &Reads{recent: recent, of: map[core.ID]*reading{}, swept: 1024}
}

// reading is what one organization owes.
type reading struct {
	// place is held by who is the next to read: those behind wait until it does.
	place chan struct{}

	// mu guards what follows.
	mu sync.Mutex
	// paid is when all is paid for that was read.
	paid time.Time
	// running has the beginning of each read that goes on.
	running []*time.Time
	// took is how long the last read took, and what one that goes on is counted for at
	// least: those that ask together do not all read before the first one counts.
	took time.Duration
	// waiters is how many wait.
	waiters int
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
	one, until := r.reading(org), time.Now().Add(most)
	if err := one.join(r.price(one, org), most); err != nil {
		return nil, false, err
	}
	defer one.leave()
	select {
	case one.place <- struct{}{}:
		defer func() { <-one.place }()
	case <-closing:
		return nil, false, nil
	case <-ctx.Done():
		return nil, false, tooLong(ctx)
	}
	for {
		done, left := one.begin(r.price(one, org))
		if done != nil {
			return done, true, nil
		}
		if !time.Now().Before(until) {
			return nil, false, tooMuch(left)
		}
		if !pause(ctx, closing, min(left, longestLook)) {
			if ctx.Err() != nil {
				err = tooLong(ctx)
			}
			return nil, false, err
		}
	}
}

func tooLong(ctx context.Context) error {
	return core.Unavailable(ctx.Err(), time.Second, "the request took too long, and nothing was changed; try again")
}

func tooMuch(wait time.Duration) error {
	return &core.Error{
		Code: core.CodeRateLimited, RetryAfter: max(wait, time.Second),
		Message: "this organization asks for more than its part of a busy server; ask for less at once, or come again later",
	}
}

// join counts one more who waits, unless that would be for too long.
func (o *reading) join(price float64, most time.Duration) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	wait := o.debt(price) + time.Duration(o.waiters)*times(o.took, price) - readCredit
	if price > 0 && wait > most {
		return tooMuch(wait)
	}
	o.waiters++
	return nil
}

func (o *reading) leave() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiters--
}

// begin notes that a read begins, which is over when done is called. While too much is
// owed, done is nil, and left how long it takes to pay for it.
func (o *reading) begin(price float64) (done func(), left time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if left := o.debt(price) - readCredit; price > 0 && left > 0 {
		return nil, left
	}
	begun := time.Now()
	o.running = append(o.running, &begun)
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.running = slices.DeleteFunc(o.running, func(one *time.Time) bool { return one == &begun })
	}, 0
}

// debt is how long it takes to pay for all that was read, and is being read. The caller
// holds mu.
func (o *reading) debt(price float64) time.Duration {
	debt := max(time.Until(o.paid), 0)
	for _, begun := range o.running {
		debt += times(max(time.Since(*begun), o.took), price)
	}
	return min(debt, deepest)
}

// times is what a read costs at a price.
func times(took time.Duration, price float64) time.Duration {
	return min(time.Duration(float64(took)*price), dearest)
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
	price := r.price(one, org)
	one.mu.Lock()
	defer one.mu.Unlock()
	one.took = took
	one.paid = time.Now().Add(min(max(time.Until(one.paid), 0)+times(took, price), deepest))
}

// price is what a read costs now, in times that it took.
func (r *Reads) price(one *reading, org core.ID) float64 {
	others, waiting := r.recent.othersThan(org)
	one.mu.Lock()
	defer one.mu.Unlock()
	now := time.Now()
	if since := now.Sub(one.at); since >= busyInterval {
		one.rests = min(max(float64(others-one.others)/since.Seconds()/busyCommits, float64(waiting)), readRests)
		one.others, one.at = others, now
	}
	if one.rests < 0.5 { // next to nobody is in the way
		return 0
	}
	return (1 + one.rests) / float64(max(runtime.GOMAXPROCS(0)/2, 1))
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
		one = &reading{place: make(chan struct{}, 1), took: firstRead, at: time.Now(), others: others, rests: readRests}
		r.of[org] = one
	}
	return one
}

// sweep drops those who owe nothing. Who is about to read is not paid for once.
func (r *Reads) sweep() {
	for org, one := range r.of {
		one.mu.Lock()
		idle := one.waiters == 0 && one.debt(1) == 0
		one.mu.Unlock()
		if idle {
			delete(r.of, org)
		}
	}
	r.swept = max(1024, 2*len(r.of))
}
