package process

import (
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// tally collects what a node did for a processor until it is noted.
type tally struct {
	processor *core.Processor
	observe   func(*core.Processor, core.DeliveryCount)

	// mu guards the rest. It is held for no longer than it takes to add up.
	mu   sync.Mutex
	note core.DeliveryNote
	// successes and failures are how many attempts may be told one by one until the
	// next note: a busy processor would fill the store with them.
	successes, failures int
	taken               time.Time
	ids                 attemptIDs
}

// How many attempts are told one by one, at most: in a second, and at once after a
// while of less.
const (
	successesPerSecond, successesAtOnce = 5, 50
	failuresPerSecond, failuresAtOnce   = 50, 500
)

func newTally(p *core.Processor, observe func(*core.Processor, core.DeliveryCount)) *tally {
	return &tally{
		processor: p, observe: observe, note: core.DeliveryNote{Processor: p.ID},
		successes: successesAtOnce, failures: failuresAtOnce,
	}
}

// filtered counts an event that the filter did not let pass.
func (t *tally) filtered() { t.count(core.DeliveryCount{Filtered: 1}, nil) }

// add counts an attempt, and keeps it if there is room for it. What is kept gets its id.
func (t *tally) add(attempt core.DeliveryAttempt) { t.count(countOf(&attempt), &attempt) }

// countOf counts one attempt.
func countOf(attempt *core.DeliveryAttempt) core.DeliveryCount {
	if attempt.Outcome == core.Delivered {
		return core.DeliveryCount{Delivered: 1, Latency: attempt.Latency}
	}
	return core.DeliveryCount{Failed: 1, Latency: attempt.Latency}
}

func (t *tally) count(count core.DeliveryCount, attempt *core.DeliveryAttempt) {
	if t.observe != nil {
		t.observe(t.processor, count)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.note.Count.Add(count)
	if attempt == nil {
		return
	}
	room := &t.failures
	if attempt.Outcome == core.Delivered {
		room = &t.successes
		t.note.Recovered, t.note.FailedAt = true, nil
	} else if t.note.FailedAt == nil {
		t.note.FailedAt = &attempt.At
	}
	if *room > 0 {
		*room--
		attempt.ID = t.ids.next(attempt.At)
		t.note.Attempts = append(t.note.Attempts, *attempt)
	}
}

// take returns what is to be noted, if anything is.
func (t *tally) take(now time.Time) (note core.DeliveryNote, some bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seconds := 1
	if !t.taken.IsZero() {
		seconds = min(max(int(now.Sub(t.taken)/time.Second), 0), 60)
	}
	if seconds > 0 {
		t.taken = now
		t.successes = min(t.successes+seconds*successesPerSecond, successesAtOnce)
		t.failures = min(t.failures+seconds*failuresPerSecond, failuresAtOnce)
	}
	if t.note.Count == (core.DeliveryCount{}) {
		return note, false
	}
	note = t.note
	note.At = now
	t.note = core.DeliveryNote{Processor: t.processor.ID}
	return note, true
}

// giveBack keeps what could not be noted. Of the attempts as many stay as may be told
// at once.
func (t *tally) giveBack(note core.DeliveryNote) {
	t.mu.Lock()
	defer t.mu.Unlock()
	later := t.note
	t.note = note
	t.note.Count.Add(later.Count)
	t.note.Attempts = append(t.note.Attempts, later.Attempts...)
	t.note.Attempts = t.note.Attempts[max(len(t.note.Attempts)-failuresAtOnce, 0):]
	if later.Recovered {
		t.note.Recovered, t.note.FailedAt = true, later.FailedAt
	} else if t.note.FailedAt == nil {
		t.note.FailedAt = later.FailedAt
	}
}
