package core

import (
	"context"
	"errors"
	"time"
)

// EvaluationSteps is how many steps one evaluation may take: about a fifth of a
// second of one core.
const EvaluationSteps = 2_000_000

// ErrBudgetSpent says that an evaluation took all its steps. Whoever evaluates knows
// what was too much, and says it in the error that the client reads.
var ErrBudgetSpent = errors.New("the evaluation takes too many steps")

// A Budget bounds the work that a tenant's definition may cause: a schema today,
// and likewise whatever else a tenant writes and the server evaluates. Whoever
// evaluates spends steps as it goes. A step is about 100 ns of work, so that the same
// evaluation takes the same steps on every machine, and its client gets the same
// answer. Time ends it too, by the context.
//
// A budget serves one request: several evaluations, one after another, each with its
// own steps. One goroutine may use it.
type Budget struct {
	ctx    context.Context
	steps  int
	charge func(ctx context.Context, steps int, lasts bool) error

	// granted are the steps that the evaluation was given so far, a portion at a time,
	// and left those of them that it has not spent. Below zero it spent more.
	granted, left int
	// charged are the steps that charge knows of.
	charged int
	err     error
}

// NewBudget returns a budget of so many steps for each evaluation, which ends with
// ctx. It calls charge, unless that is nil, before the first step of an evaluation
// and after each portion, with the steps that were spent since; lasts says that the
// evaluation has spent a portion. An error of charge ends the evaluation.
func NewBudget(ctx context.Context, steps int, charge func(ctx context.Context, steps int, lasts bool) error) *Budget {
	return &Budget{ctx: ctx, steps: steps, charge: charge}
}

// portion is how many steps pass between two looks at the context and the charge:
// about a millisecond.
const portion = 8192

// Spend takes steps. It reports false when the evaluation must end: see Err. It is
// called before the work, which should be short of a hundred thousand steps.
func (b *Budget) Spend(steps int) bool {
	b.left -= steps
	return b.left >= 0 || b.more()
}

// Exhaust ends the evaluation as if all its steps were taken: it came to another bound.
func (b *Budget) Exhaust() {
	if b.err == nil {
		b.granted, b.left, b.err = b.Spent(), 0, ErrBudgetSpent
	}
}

// Spent is how many steps the evaluation has taken.
func (b *Budget) Spent() int { return b.granted - b.left }

// Err says why the evaluation must end, or nil: [ErrBudgetSpent], or an [*Error] for
// the client about what is not the evaluation's fault.
func (b *Budget) Err() error { return b.err }

// Next begins the next evaluation. A context that has ended, or a charge that was
// refused, holds for it too.
func (b *Budget) Next() {
	b.Settle()
	b.granted, b.left, b.charged = 0, 0, 0
	if errors.Is(b.err, ErrBudgetSpent) {
		b.err = nil
	}
}

// Settle charges what was spent and not yet charged.
func (b *Budget) Settle() {
	if due := b.Spent() - b.charged; b.charge != nil && due > 0 {
		b.charged += due
		_ = b.charge(b.ctx, due, false) // the work is done, whatever the answer
	}
}

// more grants the next portion.
func (b *Budget) more() bool {
	if b.err != nil {
		b.left = 0
		return false
	}
	spent := b.Spent()
	if b.err = b.refusal(spent); b.err != nil {
		// The work is not done for which these steps were to be spent.
		b.granted, b.left = min(spent, b.steps), 0
		return false
	}
	b.left = min(portion, b.steps-spent)
	b.granted = spent + b.left
	return true
}

func (b *Budget) refusal(spent int) error {
	if spent > b.steps {
		return ErrBudgetSpent
	}
	if err := b.ctx.Err(); err != nil {
		return Unavailable(err, time.Second, "the time of the request was up before this was checked; try again")
	}
	if b.charge == nil {
		return nil
	}
	due := spent - b.charged
	b.charged = spent
	return b.charge(b.ctx, due, b.granted > 0)
}
