package deliver

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// park makes dead letters of the events of a span. Events that retention has removed
// cannot become letters; they count as missed.
func (t *turn) park(ctx context.Context, one ended) ([]core.DeadLetter, error) {
	if !one.ofLog() {
		return t.parkAgain(ctx, one)
	}
	var all []core.DeadLetter
	for from := one.From; from < one.To; {
		events, err := t.turns.log.Read(ctx, t.group.Stream, core.Scan{From: from, To: one.To, Limit: core.MaxPageSize, Bytes: core.PageBytes})
		if err != nil {
			return nil, err
		}
		// Retention has removed the events that are missing from a page that is not
		// full.
		next := one.To
		if core.Full(events, core.MaxPageSize, core.PageBytes) {
			next = events[len(events)-1].Offset + 1
		}
		t.state.Missed += int64(next-from) - int64(len(events))
		from = next
		for _, event := range events {
			letter, err := t.letter(ctx, event, one)
			if err != nil {
				return nil, err
			}
			all = append(all, letter)
		}
	}
	return all, nil
}

// letter makes the dead letter of one event, with the history of its attempts.
func (t *turn) letter(ctx context.Context, event core.Event, one ended) (core.DeadLetter, error) {
	var history []core.Attempt
	var err error
	if one.Attempts > 1 { // otherwise there is none, and nothing to ask for
		history, err = t.turns.store.Attempts(ctx, t.group.ID, event.Offset)
	}
	return core.DeadLetter{
		ID: core.RandomID(t.now), Org: t.group.Org, Stream: t.group.Stream, Group: t.group.ID, Event: event, State: core.Parked,
		Reason: one.reason, Attempts: lastAttempts(append(history, one.attempt())), ParkedAt: t.now,
	}, err
}

// maxAttemptsKept bounds the history that a letter carries: replays add to it.
const maxAttemptsKept = 200

// lastAttempts returns the newest of a history, as many as are kept.
func lastAttempts(all []core.Attempt) []core.Attempt { return all[max(len(all)-maxAttemptsKept, 0):] }

// parkAgain parks a letter whose replay failed. One that is gone by now stays gone.
func (t *turn) parkAgain(ctx context.Context, one ended) ([]core.DeadLetter, error) {
	letter, err := t.turns.store.DeadLetter(ctx, t.group.Org, one.Letter)
	if core.IsNotFound(err) {
		return nil, nil
	}
	letter.State, letter.Reason, letter.ParkedAt = core.Parked, one.reason, t.now
	letter.Attempts = lastAttempts(append(letter.Attempts, one.attempt()))
	return []core.DeadLetter{letter}, err
}
