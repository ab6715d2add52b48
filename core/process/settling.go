package process

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/eventflow-go/eventflow/core"
)

// filtered settles an event that the filter does not let pass.
func (l *lease) filtered(offset core.Offset) {
	l.work.tally.filtered()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, offset)
}

// done notes what became of an event.
func (l *lease) done(out *core.Outgoing, sent core.Sent, took time.Duration) {
	if sent.Err != nil && sent.Verdict == core.NotSent {
		l.wait(sent.After)
		return
	}
	attempt := l.attempt(out, sent, took)
	if sent.Err != nil && sent.Verdict == core.TurnedAway {
		l.work.turnAway("the destination wants no events any more: " + said(sent.Err))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case sent.Err == nil && !l.failed:
		l.acked = append(l.acked, out.Event.Offset)
	case sent.Err == nil: // behind a failed event of an ordered group: it comes again
		return
	case sent.Verdict == core.TurnedAway:
		l.refused = true
	case attempt.Outcome == core.Dead:
		l.nacks = append(l.nacks, core.Nack{Offset: out.Event.Offset, Action: core.NackPark, Reason: attempt.Error})
	case l.failed:
		return
	default:
		delay := core.Seconds(l.delay(out, sent))
		l.nacks = append(l.nacks, core.Nack{Offset: out.Event.Offset, Action: core.NackRetry, Reason: attempt.Error, Delay: &delay})
		l.failed = l.work.processor.Mode == core.Ordered
	}
	l.work.tally.add(attempt)
}

// wait notes that an event was not sent, as its destination is left alone for a while. It is
// no attempt: the event goes back to the group as it was, with the rest of the lease.
func (l *lease) wait(after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsent, l.pause = true, min(max(l.pause, after, lookAgain), longestPause)
	l.failed = l.failed || l.work.processor.Mode == core.Ordered // what is behind it must not count as arrived
}

// longestPause bounds how long a node leaves a destination alone, whatever its sink says.
const longestPause = time.Minute

// attempt is what is told of an event that was handed to the sink.
func (l *lease) attempt(out *core.Outgoing, sent core.Sent, took time.Duration) core.DeliveryAttempt {
	p, now := &l.work.processor, l.work.runner.Now.Stamp()
	a := attemptOf(p, out, sent, took, now)
	switch {
	case sent.Err == nil:
		return a
	case sent.Verdict == core.NeverAgain || sent.Verdict == core.TryAgain && out.Attempt >= p.MaxAttempts:
		a.Outcome = core.Dead
	case sent.Verdict == core.TurnedAway: // it waits until somebody resumes the processor
		a.Outcome = core.Retrying
	default:
		next := now.Add(l.delay(out, sent))
		a.Outcome, a.NextTry = core.Retrying, &next
	}
	a.Error = plain(said(sent.Err))
	return a
}

// attemptOf is an attempt that has succeeded. It has no id yet.
func attemptOf(p *core.Processor, out *core.Outgoing, sent core.Sent, took time.Duration, now time.Time) core.DeliveryAttempt {
	return core.DeliveryAttempt{
		Org: p.Org, Stream: p.Stream, Processor: p.ID, Event: out.Event.ID, Offset: out.Event.Offset,
		EventType: out.Event.Type, Number: out.Attempt, At: now, Latency: core.Seconds(took.Truncate(time.Microsecond)),
		Outcome: core.Delivered, Status: sent.Status, Response: plain(sent.Response),
	}
}

// delay is how long an event waits for its next attempt: what the destination asks for,
// or the processor's backoff where that is longer.
func (l *lease) delay(out *core.Outgoing, sent core.Sent) time.Duration {
	delay := l.work.processor.Backoff.After(out.Attempt, l.random)
	return min(max(delay, sent.After), core.MaxBackoff.Duration())
}

// said is what people read of an error: the code of ours is for programs.
func said(err error) string {
	if known, ours := errors.AsType[*core.Error](err); ours {
		return known.Message
	}
	return err.Error()
}

// plain makes a text that a reason may be: short, of valid characters.
func plain(text string) string {
	return clip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD")), core.MaxReasonLength)
}

// clip cuts a text to what is kept of it.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// settle tells the group what became of the events since the last time.
func (l *lease) settle(ctx context.Context) error {
	l.mu.Lock()
	acked, nacks := l.acked, l.nacks
	l.acked, l.nacks = nil, nil
	l.mu.Unlock()
	if len(acked)+len(nacks) == 0 {
		return nil
	}
	err := l.worker.Settle(ctx, l.delivery.Lease, acked, nacks)
	if err != nil && core.CodeOf(err) != core.CodeConflict { // a lease that is lost stays lost
		l.mu.Lock()
		defer l.mu.Unlock()
		l.acked, l.nacks = append(acked, l.acked...), append(nacks, l.nacks...)
	}
	return err
}

// finish settles the lease. What was not sent goes back to its group.
func (l *lease) finish(ctx context.Context, more bool) error {
	l.mu.Lock()
	refused := l.refused
	more = more || l.unsent
	whole := !more && !refused && len(l.nacks) == 0 && len(l.acked) == len(l.delivery.Events)
	if whole {
		l.acked = nil
	}
	l.mu.Unlock()
	var err error
	if whole {
		err = l.worker.Settle(ctx, l.delivery.Lease, nil, nil)
	} else {
		err = l.settle(ctx)
	}
	if err == nil && (more || refused) {
		if back := l.worker.Extend(ctx, l.delivery.Lease, true); core.CodeOf(back) != core.CodeConflict {
			err = back // in conflict: the refusal of an event has given back the rest
		}
	}
	if refused {
		return errRefused
	}
	return err
}
