package eventlog

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// recentEvents and recentBytes bound the events that are kept of one stream.
const (
	recentEvents = 2000
	recentBytes  = 4 << 20
)

// Follower is one who follows a stream, until it is closed.
type Follower struct {
	*followed
	hub *Recent
}

// Close ends the following.
func (f *Follower) Close() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.followers--
}

// followed is a stream with followers: its newest events, and how far it reaches.
//
// The events come from two sides. A commit of this node adds them directly when it
// continues what is kept. Everything else (another node's events, a commit that
// overtook one) only raises known, and one goroutine at a time fetches what lies
// between next and known from the log.
type followed struct {
	stream core.ID
	// followers is how many Followers are open. idle is how long there have been
	// none. Both are guarded by Recent.mu, because forget removes the stream by them.
	followers int
	idle      time.Duration

	// mu guards what follows. It is never held while the log is read.
	mu sync.Mutex
	// events are the newest events without a gap, the last one at next-1. They are
	// fewer than the stream has, and may be none. Each owns its memory. Once kept,
	// an event does not change, so that recall hands it to any number of readers.
	events []core.Event
	// bytes is the sum of the events' sizes.
	bytes int
	// next is the offset that follows the kept events. It is -1 until the stream's
	// head has been asked for, and nothing is kept before that.
	next core.Offset
	// known is how far the stream is known to reach. It decreases only where the log
	// itself has gone back. Followers see it as the head, and may find more there than
	// events holds.
	//
	// Once begun, next <= known. Where next < known, a fetch is under way or the
	// next growth starts one: the last fetch has failed, or the stream grew while
	// its head was asked for.
	known core.Offset
	// fetching says that a goroutine is in Recent.fetch for this stream. While it
	// is, that goroutine alone adds events, so that none is kept twice; others only
	// raise known, which the goroutine looks at before it ends.
	fetching bool
	// doubted says that the log did not answer since the events were kept. It may be
	// another one when it is back, such as a standby that was promoted: what only the
	// former one had, and nobody was acknowledged, is not there.
	doubted bool
	// turn counts how often kept events were given up for not being in the log any more.
	// A fetch that began before has read the former log, and keeps nothing.
	turn int
	// changed is closed, and replaced, when followers are to look at the head again:
	// when everything known is kept, or a fetch has failed and they have to read
	// from the log themselves.
	changed chan struct{}
}

// begun reports whether the stream's head has been asked for.
func (f *followed) begun() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.next >= 0
}

// begin takes in the stream's head. Of several followers that asked at the same
// time, the first one counts; what came later is heard of like any growth.
func (f *followed) begin(next core.Offset) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next < 0 {
		f.next, f.known = next, max(f.known, next)
	}
}

// Head returns how far the stream is known to reach, and a channel that is closed
// when there is reason to look again. The two belong together: growth after the
// call closes the channel.
func (f *followed) Head() (core.Offset, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known, f.changed
}

// recall returns kept events that begin at an offset, or nothing when that offset is
// not kept. It copies the slice, because keep moves events within its array.
func (f *followed) recall(from, to core.Offset, limit int) []core.Event {
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.next - core.Offset(len(f.events))
	if from < first || from >= f.next {
		return nil
	}
	to = min(to, f.next, from+core.Offset(limit))
	return slices.Clone(f.events[from-first : to-first])
}

// add takes in a committed batch: it keeps the events that continue the kept ones. One
// in the place of another that is kept tells that the log has gone back to there. It
// reports whether the caller has to fetch, because there is a gap before them.
func (f *followed) add(batch *core.Batch) (gap bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range batch.Entries {
		entry := &batch.Entries[i]
		if entry.Outcome != core.Stored || entry.Offset < f.next && !f.replaced(entry.Offset, entry.ID) {
			continue
		}
		f.known = max(f.known, entry.Offset+1)
		if f.next >= 0 && entry.Offset == f.next && !f.fetching {
			f.keep(own(entry.Event, len(batch.Entries) > 1))
		}
	}
	return f.grown()
}

// keep adds the event at next and lets go of the oldest. mu is held, and
// event.Offset is next.
func (f *followed) keep(event core.Event) {
	f.events = append(f.events, event)
	f.next++
	f.bytes += event.Size()
	drop := 0
	for len(f.events)-drop > recentEvents || f.bytes > recentBytes && len(f.events)-drop > 1 {
		f.bytes -= f.events[drop].Size()
		drop++
	}
	// Cutting the slice keeps the dropped events' places in the array, so after a
	// large cut the rest moves to an array of its own.
	if drop > recentEvents/4 || drop > 0 && f.bytes > recentBytes/2 {
		f.events = append(make([]core.Event, 0, len(f.events)-drop+recentEvents/4), f.events[drop:]...)
	} else {
		clear(f.events[:drop])
		f.events = f.events[drop:]
	}
}

// grown is called under mu after known has grown or a fetch has ended. It wakes
// the followers when all that is known is kept. Otherwise it claims the fetching
// for the caller, which it tells by true.
func (f *followed) grown() (fetch bool) {
	if f.next < 0 || f.fetching {
		return false
	}
	if f.next < f.known {
		f.fetching = true
		return true
	}
	close(f.changed)
	f.changed = make(chan struct{})
	return false
}

// replaced gives up what is kept from an offset on if the event there is another one
// than the log has now, and reports whether it did. mu is held.
func (f *followed) replaced(offset core.Offset, is core.ID) bool {
	at := int(offset - (f.next - core.Offset(len(f.events))))
	if at < 0 || f.events[at].ID == is {
		return false
	}
	for i := at; i < len(f.events); i++ {
		f.bytes -= f.events[i].Size()
	}
	clear(f.events[at:])
	f.events = f.events[:at]
	f.next, f.known = offset, offset
	f.turn++
	return true
}

// doubt takes in that the log does not answer.
func (f *followed) doubt() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.doubted = true
}

// reached returns how far the stream was known to reach before the log is asked.
func (f *followed) reached() core.Offset {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.known
}

// reach takes in that the stream reaches an offset, by the answer to a question that was
// asked when it was known to reach another one, before. It reports whether the caller has
// to fetch.
func (f *followed) reach(next, before core.Offset) (fetch bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next >= 0 && (f.doubted || next < before) {
		return f.restart(next, before)
	}
	if next <= f.known {
		return false
	}
	f.known = next
	return f.grown()
}

// restart gives up the kept events: the log was away, or ends before what was known. An
// answer that it ends earlier is about another moment if the stream has grown since the
// question, and the next answer will tell. mu is held.
func (f *followed) restart(next, before core.Offset) (fetch bool) {
	if next < before && f.known != before {
		return false
	}
	if f.known = max(f.known, next); next < before {
		f.known = next
	}
	f.next, f.events, f.bytes = f.known, nil, 0
	f.doubted = false
	f.turn++
	return f.grown()
}

// missing returns the offsets that a fetch has to read next. When more are missing
// than are ever kept, it gives up the kept events and begins with the newest.
func (f *followed) missing() (from, known core.Offset, turn int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known-f.next > recentEvents {
		f.next, f.events, f.bytes = f.known-recentEvents, nil, 0
	}
	return f.next, f.known, f.turn
}

// fetched keeps what a fetch has read, and reports whether the fetch is done. It
// gives up fetching under the same lock under which it finds nothing missing, so
// no growth falls between two fetches.
func (f *followed) fetched(from core.Offset, turn int, events []core.Event, failed bool) (done bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if turn != f.turn { // what was read is of the former log
		from, events = -1, nil
	}
	for _, event := range events {
		if event.Offset != f.next { // retention was faster
			f.next, f.events, f.bytes = event.Offset, nil, 0
		}
		f.keep(event)
	}
	if !failed && len(events) == 0 && f.next == from { // all of it was removed
		f.next, f.events, f.bytes = f.known, nil, 0
	}
	if failed {
		f.fetching, f.doubted = false, true
		close(f.changed)
		f.changed = make(chan struct{})
		return true
	}
	if f.next < f.known {
		return false
	}
	f.fetching = false
	f.grown()
	return true
}

// own returns an event that keeps no larger buffer alive. The events of a batch
// share the request's buffer, and one kept event would hold all of it.
func own(event core.Event, shared bool) core.Event {
	if shared {
		event.Payload, event.Context = slices.Clone(event.Payload), slices.Clone(event.Context)
		event.Type, event.Source = strings.Clone(event.Type), strings.Clone(event.Source)
		event.Subject, event.IdempotencyKey = strings.Clone(event.Subject), strings.Clone(event.IdempotencyKey)
	}
	return event
}
