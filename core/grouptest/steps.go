package grouptest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// progress reads how far a group got.
func (s *suite) progress(group core.Group) core.Progress {
	s.Helper()
	progress, err := s.store.Progress(s.Context(), group.ID)
	s.must(err)
	return progress
}

// The revision is the fence between nodes: of two that know the same state, one makes
// the next step and the other one hears that it was late.
func fencedStep(s *suite) {
	group, other := s.created(s.id(), "mail"), s.created(s.id(), "mail")
	s.refused(s.step(group, 0, core.Step{}), core.CodePreconditionFailed)
	s.refused(s.step(group, 2, core.Step{}), core.CodePreconditionFailed)
	s.equal(s.progress(group).Revision, int64(1))
	s.must(s.step(group, 1, core.Step{}))
	s.equal(s.progress(group), core.Progress{Revision: 2, State: []byte(`{"next":1,"text":"é\\u0000"}`)})
	s.refused(s.step(group, 1, core.Step{}), core.CodePreconditionFailed)
	s.equal(s.progress(other).Revision, int64(1))
	s.refused(s.step(s.group(group.Stream, "none"), 1, core.Step{}), core.CodeNotFound)
}

// The fence holds when everybody comes at the same moment, with and without letters.
func racingSteps(s *suite) {
	group := s.created(s.id(), "mail")
	const racers, rounds = 8, 10
	for round := range int64(rounds) {
		var wait sync.WaitGroup
		errs := make([]error, racers)
		for i := range racers {
			wait.Go(func() {
				step := core.Step{}
				if i%2 == 0 {
					step.Letters = []core.DeadLetter{s.racer(group, i)}
				}
				errs[i] = s.step(group, round+1, step)
			})
		}
		wait.Wait()
		made := 0
		for _, err := range errs {
			if err == nil {
				made++
			} else {
				s.refused(err, core.CodePreconditionFailed)
			}
		}
		s.equal(made, 1)
		s.equal(s.progress(group).Revision, round+2)
	}
}

// racer is a letter made without the random numbers, which are for one goroutine.
func (s *suite) racer(group core.Group, i int) core.DeadLetter {
	return core.DeadLetter{
		ID: core.ID{0: byte(i + 1), 6: 0x70, 8: 0x80}, Org: org, Stream: group.Stream, Group: group.ID, State: core.Parked, ParkedAt: start,
		Event: core.Event{Type: "a", Payload: []byte(`1`), OccurredAt: start, ReceivedAt: start},
	}
}

// A step is the state, attempts, letters and removals together. A refused one and one
// whose caller has gone leave nothing of any of them.
func wholeStep(s *suite) {
	group := s.created(s.id(), "mail")
	letters := []core.DeadLetter{s.letter(group, 1, "one"), s.letter(group, 2, "two")}
	s.must(s.step(group, 1, core.Step{Letters: letters}))
	attempt := core.Attempt{From: 5, To: 6, Number: 1, At: start, Outcome: core.Skipped, Reason: "odd"}
	third := s.letter(group, 3, "three")
	step := core.Step{Letters: []core.DeadLetter{third}, Remove: []core.ID{letters[0].ID, s.id()}, Attempts: []core.Attempt{attempt}}

	s.refused(s.step(group, 1, step), core.CodePreconditionFailed)
	ended, cancel := context.WithCancel(s.Context())
	cancel()
	if s.store.Advance(ended, group.ID, core.Step{Progress: core.Progress{Revision: 3, State: []byte(`{}`)}, Letters: step.Letters}) == nil {
		s.Fatal("a step whose context has ended is made")
	}
	s.equal(s.progress(group).Revision, int64(2))
	s.equal(len(s.letters(core.LetterScan{Limit: 10})), 2)
	s.equal(len(s.attempts(group, 5)), 0)

	replaced := letters[1]
	replaced.State, replaced.Reason, replaced.Event.Payload = core.Replaying, "again", []byte(`{}`)
	step.Letters = append(step.Letters, replaced)
	s.must(s.step(group, 2, step))
	want := []core.DeadLetter{replaced, third}
	slices.SortFunc(want, byID)
	s.equal(s.letters(core.LetterScan{Limit: 10}), want)
	s.equal(s.attempts(group, 5), []core.Attempt{attempt})
}

// attempts reads the attempts at an offset.
func (s *suite) attempts(group core.Group, offset core.Offset) []core.Attempt {
	s.Helper()
	all, err := s.store.Attempts(s.Context(), group.ID, offset)
	s.must(err)
	return all
}

// An attempt is of a run of offsets, and is found by each of them. A run is as long as
// one poll may be, and the attempts of one offset come in the order of their numbers,
// in whatever order they were stored.
func attempts(s *suite) {
	group, other := s.created(s.id(), "mail"), s.created(s.id(), "mail")
	wide := core.Attempt{From: 0, To: core.MaxPageSize, Number: 1, At: start, Outcome: core.Expired, Reason: "slow"}
	second := core.Attempt{From: 999, To: 1000, Number: 2, At: start.Add(time.Second), Outcome: core.Nacked, Reason: "bad"}
	s.must(s.step(group, 1, core.Step{Attempts: []core.Attempt{second}}))
	s.must(s.step(group, 2, core.Step{Attempts: []core.Attempt{wide}}))
	var many []core.Attempt
	for i := range core.Offset(1200) {
		many = append(many, core.Attempt{From: 5000 + i, To: 5001 + i, Number: 1, At: start, Outcome: core.Nacked, Reason: fmt.Sprint(i)})
	}
	s.must(s.step(group, 3, core.Step{Attempts: many}))
	s.equal(s.attempts(group, 0), []core.Attempt{wide})
	s.equal(s.attempts(group, 999), []core.Attempt{wide, second})
	s.equal(len(s.attempts(group, 1000)), 0)
	s.equal(s.attempts(group, 6199), many[1199:])
	s.equal(len(s.attempts(other, 0)), 0)
}

// Attempts are kept for a time. Attempts before the given moment are forgotten, the
// one at that moment is kept.
func forgottenAttempts(s *suite) {
	group, other := s.created(s.id(), "mail"), s.created(s.id(), "mail")
	for _, g := range []core.Group{group, other} {
		s.must(s.step(g, 1, core.Step{Attempts: []core.Attempt{
			{From: 1, To: 2, Number: 1, At: start, Outcome: core.Nacked},
			{From: 1, To: 2, Number: 2, At: start.Add(time.Hour), Outcome: core.Nacked},
		}}))
	}
	var many []core.Attempt // more than a store may forget in one go
	for i := range core.Offset(1200) {
		at := start.Add(time.Duration(i/2) * time.Millisecond)
		many = append(many, core.Attempt{From: 10 + i, To: 11 + i, Number: 1, At: at, Outcome: core.Nacked})
	}
	s.must(s.step(group, 2, core.Step{Attempts: many}))
	s.must(s.store.ForgetAttempts(s.Context(), start))
	s.equal(len(s.attempts(group, 1)), 2)
	s.must(s.store.ForgetAttempts(s.Context(), start.Add(time.Hour)))
	for _, g := range []core.Group{group, other} {
		left := s.attempts(g, 1)
		s.equal(len(left), 1)
		s.equal(left[0].Number, 2)
	}
	for _, offset := range []core.Offset{10, 11, 509, 510, 1209} {
		s.equal(len(s.attempts(group, offset)), 0)
	}
}
