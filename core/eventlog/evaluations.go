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
// The share is a bucket of steps, which fills at a quarter of the cores' speed. An
// evaluation begins while there is something in it, and may leave a debt, which is
// smaller than what one evaluation may take. Beside that, few evaluations of one
// organization last at a time, so that a full bucket does not take all cores either.
type Evaluations struct {
	now   core.Clock
	cores int

	mu     sync.Mutex
	shares map[core.ID]*evaluationShare
	// swept is how many shares there may be before those of nobody are dropped.
	swept int
}

const (
	// stepsPerSecond is what one core does: see [core.Budget].
	stepsPerSecond = 10_000_000
	// evaluationPart is an organization's part of all cores: one in so many.
	evaluationPart = 4
	// evaluationBurst is for how long a share that was not used lasts at once, on top
	// of what comes in.
	evaluationBurst = 4 * time.Second
	// evaluationTurn is how long an evaluation waits while too many others of its
	// organization last.
	evaluationTurn = time.Second
)

// evaluationShare is what one organization has left.
type evaluationShare struct {
	// balance are the steps that are left at the time at. It is below zero in debt.
	// The mutex of Evaluations guards both.
	balance int
	at      time.Time
	// lasting has an element for each evaluation that has gone on for a portion.
	lasting chan struct{}
}

// NewEvaluations returns full shares for everybody.
func NewEvaluations(now core.Clock) *Evaluations {
	return &Evaluations{now: now, cores: runtime.GOMAXPROCS(0), shares: map[core.ID]*evaluationShare{}, swept: 1024}
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
	if wait := e.of.take(e, steps); wait > 0 {
		return evaluationsUsed(wait)
	}
	if !lasts || e.lasts {
		return nil
	}
	timer := time.NewTimer(evaluationTurn)
	defer timer.Stop()
	select {
	case e.share.lasting <- struct{}{}:
		e.lasts = true
		return nil
	case <-ctx.Done():
		return core.Unavailable(ctx.Err(), time.Second, "the time of the request was up before this was checked; try again")
	case <-timer.C:
		return evaluationsUsed(evaluationTurn)
	}
}

// take debits steps. Where there is nothing left to begin with, it debits none and
// says how long it takes until there is. An evaluation that has begun goes on whatever
// is left: it is bounded by itself.
func (e *Evaluations) take(evaluation *Evaluation, steps int) (wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	if evaluation.share == nil {
		evaluation.share = e.shareOf(evaluation.org, now)
	}
	share := evaluation.share
	e.fill(share, now)
	if share.balance <= 0 && !evaluation.begun {
		return time.Duration(1-share.balance) * time.Second / time.Duration(e.rate())
	}
	evaluation.begun = true
	share.balance -= steps
	return 0
}

// rate is how many steps come into a share each second.
func (e *Evaluations) rate() int { return max(stepsPerSecond*e.cores/evaluationPart, 1) }

// full is what a share holds that was not used for long.
func (e *Evaluations) full() int { return e.rate() * int(evaluationBurst/time.Second) }

// fill adds what came in since the share was last used.
func (e *Evaluations) fill(share *evaluationShare, now time.Time) {
	if since := now.Sub(share.at); since > 0 {
		seconds := min(since.Seconds(), float64(evaluationBurst/time.Second)*1e3) // a long time fills any debt
		share.balance = min(share.balance+int(seconds*float64(e.rate())), e.full())
		share.at = now
	}
}

func (e *Evaluations) shareOf(org core.ID, now time.Time) *evaluationShare {
	if share := e.shares[org]; share != nil {
		return share
	}
	if len(e.shares) >= e.swept {
		e.sweep(now)
	}
	share := &evaluationShare{balance: e.full(), at: now, lasting: make(chan struct{}, max(e.cores/2, 1))}
	e.shares[org] = share
	return share
}

// sweep drops the shares that are full, which are as good as new ones. A request that
// still holds one works with it to its end.
func (e *Evaluations) sweep(now time.Time) {
	for org, share := range e.shares {
		if e.fill(share, now); share.balance == e.full() && len(share.lasting) == 0 {
			delete(e.shares, org)
		}
	}
	e.swept = max(1024, 2*len(e.shares))
}

func evaluationsUsed(retryAfter time.Duration) *core.Error {
	return core.ShareUsed(core.ShareEvaluations, "organization", max(retryAfter, time.Second))
}
