package eventlog

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Evaluations gives each organization its share of the CPU for what the server
// evaluates on its behalf. It is safe for concurrent use.
//
// The share is a bucket of steps, which fills at the speed of the part of the cores that
// the organization may have: a quarter of them, or what it was given. An
// evaluation begins while there is something in it, and may leave a debt, which is
// smaller than what one evaluation may take. A full bucket is for many short evaluations,
// as they come with a burst of events. Those that last do not get it at once: few of one
// organization last at a time, and rest so long that together they take no more than a
// quarter of the cores at any moment.
type Evaluations struct {
	allowed *Shares
	now     core.Clock
	cores   int

	// mu guards what follows, and what the shares have left.
	mu      sync.Mutex
	shares  map[core.ID]*evaluationShare
	refused int64
	// swept is how many shares there may be before those of nobody are dropped.
	swept int
}

const (
	// milliSteps is what a thousandth of a core does in a second: see [core.Budget].
	milliSteps = 10_000
	// evaluationPart is the part of all cores of an organization that was given no
	// other: one in so many.
	evaluationPart = 4
	// evaluationBurst is for how long a share that was not used lasts at once, on top
	// of what comes in.
	evaluationBurst = 4 * time.Second
	// evaluationTurn is how long an evaluation waits while too many others of its
	// organization last.
	evaluationTurn = time.Second
	// evaluationRests is how many times as long as an evaluation its rests are at most.
	evaluationRests = 3
)

// evaluationShare is what one organization has left.
type evaluationShare struct {
	// rate is how many thousandths of a core come in. balance are the steps that are left
	// at the time at. It is below zero in debt. The mutex of Evaluations guards all three.
	rate    int64
	balance int64
	at      time.Time
	// lasting has an element for each evaluation that has gone on for a portion.
	lasting chan struct{}
}

// NewEvaluations returns full shares for everybody, as large as allowed says.
func NewEvaluations(allowed *Shares, now core.Clock) *Evaluations {
	return &Evaluations{allowed: allowed, now: now, cores: runtime.GOMAXPROCS(0), shares: map[core.ID]*evaluationShare{}, swept: 1024}
}

// Evaluation is the budget of one request of an organization.
type Evaluation struct {
	*core.Budget
	of    *Evaluations
	org   core.ID
	share *evaluationShare // nil until the first step
	begun bool             // the current evaluation was let in
	lasts bool             // it holds an element of the share's lasting
}

// Begin returns a budget for what one request evaluates. It costs the organization
// nothing until the first step. The caller ends it.
func (e *Evaluations) Begin(ctx context.Context, org core.ID) *Evaluation {
	evaluation := &Evaluation{of: e, org: org}
	evaluation.Budget = core.NewBudget(ctx, core.EvaluationSteps, evaluation.charge)
	return evaluation
}

// Next begins the next evaluation of the request.
func (e *Evaluation) Next() {
	e.Budget.Next()
	e.leave()
	e.begun = false
}

// End gives back what the request holds of the share.
func (e *Evaluation) End() {
	e.Settle()
	e.leave()
}

func (e *Evaluation) leave() {
	if e.lasts {
		e.lasts = false
		<-e.share.lasting
	}
}

// charge takes steps from the share. An evaluation that lasts waits for its turn.
func (e *Evaluation) charge(ctx context.Context, steps int, lasts bool) error {
	if e.share == nil {
		allowed, err := e.of.allowed.Allowed(ctx, e.org)
		if err != nil {
			return err
		}
		e.share = e.of.shareOf(e.org, allowed.Evaluations)
	}
	if wait := e.of.take(e, int64(steps)); wait > 0 {
		return e.of.refuse(wait)
	}
	if !lasts {
		return nil
	}
	if !e.lasts {
		if err := e.enter(ctx); err != nil {
			return err
		}
	}
	pause(ctx, nil, e.of.rest(e.share, steps)) // the budget looks at ctx before the next portion
	return nil
}

// enter waits until few enough evaluations of the organization last.
func (e *Evaluation) enter(ctx context.Context) error {
	timer := time.NewTimer(evaluationTurn)
	defer timer.Stop()
	select {
	case e.share.lasting <- struct{}{}:
		e.lasts = true
		return nil
	case <-ctx.Done():
		return core.Unavailable(ctx.Err(), time.Second, "the time of the request was up before this was checked; try again")
	case <-timer.C:
		return e.of.refuse(evaluationTurn)
	}
}

// rest is how long an evaluation that lasts rests after so many steps: not so long that a
// small share would have it end with its request.
func (e *Evaluations) rest(share *evaluationShare, steps int) time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	took := time.Duration(steps) * time.Second / (1000 * milliSteps)
	return min(took*time.Duration(cap(share.lasting)*1000)/time.Duration(share.rate)-took, evaluationRests*took)
}

// take debits steps. Where there is nothing left to begin with, it debits none and
// says how long it takes until there is. An evaluation that has begun goes on whatever
// is left: it is bounded by itself.
func (e *Evaluations) take(evaluation *Evaluation, steps int64) (wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	share := evaluation.share
	share.fill(e.now())
	if share.balance <= 0 && !evaluation.begun {
		return time.Duration(1-share.balance) * time.Second / time.Duration(share.rate*milliSteps)
	}
	evaluation.begun = true
	share.balance -= steps
	return 0
}

// full is what a share holds that was not used for long.
func (s *evaluationShare) full() int64 {
	return s.rate * milliSteps * int64(evaluationBurst/time.Second)
}

// fill adds what came in since the share was last used.
func (s *evaluationShare) fill(now time.Time) {
	if since := now.Sub(s.at); since > 0 {
		seconds := min(since.Seconds(), float64(evaluationBurst/time.Second)*1e3) // a long time fills any debt
		s.balance = min(s.balance+int64(seconds*float64(s.rate*milliSteps)), s.full())
		s.at = now
	}
}

// used is how much of the share is used up, in thousandths of a core: all of it when the
// next evaluation has to wait.
func (s *evaluationShare) used() int64 {
	return min(s.rate*(s.full()-s.balance)/s.full(), s.rate)
}

// rateOf is how many thousandths of a core an organization may have that was given so
// many, or none.
func (e *Evaluations) rateOf(given int64) int64 {
	if given > 0 {
		return min(given, int64(e.cores)*1000)
	}
	return max(int64(e.cores)*1000/evaluationPart, 1)
}

// shareOf returns the share of an organization that was given so many thousandths of a
// core. One that is given more or less goes on with what it has left.
func (e *Evaluations) shareOf(org core.ID, given int64) *evaluationShare {
	e.mu.Lock()
	defer e.mu.Unlock()
	rate, now := e.rateOf(given), e.now()
	if share := e.shares[org]; share != nil {
		share.fill(now)
		share.rate = rate
		return share
	}
	if len(e.shares) >= e.swept {
		e.sweep(now)
	}
	share := &evaluationShare{rate: rate, at: now, lasting: make(chan struct{}, max(e.cores/2, 1))}
	share.balance = share.full()
	e.shares[org] = share
	return share
}

// sweep drops the shares that are full, which are as good as new ones. A request that
// still holds one works with it to its end. The caller holds mu.
func (e *Evaluations) sweep(now time.Time) {
	for org, share := range e.shares {
		if share.fill(now); share.balance >= share.full() && len(share.lasting) == 0 {
			delete(e.shares, org)
		}
	}
	e.swept = max(1024, 2*len(e.shares))
}

// Held returns what an organization has used of its share, and how large it is, when it
// was given so many thousandths of a core.
func (e *Evaluations) Held(org core.ID, given int64) (used, allowed int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if share := e.shares[org]; share != nil {
		share.fill(e.now())
		used = share.used()
	}
	return used, e.rateOf(given)
}

// Load returns how many thousandths of a core there are, how many of them the shares of
// all organizations have used, and how often one was told that its share is used up.
func (e *Evaluations) Load() core.ShareLoad {
	e.mu.Lock()
	defer e.mu.Unlock()
	load := core.ShareLoad{Share: core.ShareEvaluations, Limit: int64(e.cores) * 1000, Refused: e.refused}
	now := e.now()
	for _, share := range e.shares {
		share.fill(now)
		load.Taken += share.used()
	}
	return load
}

func (e *Evaluations) refuse(retryAfter time.Duration) *core.Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.refused++
	return core.ShareUsed(core.ShareEvaluations, "organization", max(retryAfter, time.Second))
}
