package deliver

import "github.com/eventflow-go/eventflow/core"

// span is a run of offsets that share one fate: the offsets from From up to, not
// including, To. A group's state is made of spans, not of events, so that a thousand
// events that go out together cost as much as one.
type span struct {
	From core.Offset `json:"f"`
	To   core.Offset `json:"t"`
	// Attempts is how often the span was handed out, the current time included.
	Attempts int `json:"a,omitempty"`
	// Lost is how many of these attempts ended in silence: the lease expired. A
	// consumer that answers sets it back to 0.
	Lost int `json:"l,omitempty"`
	// Letter names the dead letter that is being replayed. Its own copy of the event
	// goes out, so it does not count as an offset of the stream. It is zero for a span
	// of the log, and a span with a letter is one offset long.
	Letter core.ID `json:"d,omitzero"`
	// Key is the hash of the event's key, in a group with an ordering key. It is zero
	// for events that have no order. A span with a key is one offset long.
	Key uint64 `json:"k,omitempty"`
}

func (s span) size() int64 { return int64(s.To - s.From) }

// ofLog reports whether the span's events come from the log. A replayed letter's do
// not: retention cannot remove them, and committing has no regard for them.
func (s span) ofLog() bool { return s.Letter.IsZero() }

// covers reports whether an offset of the log is in the span.
func (s span) covers(offset core.Offset) bool {
	return s.ofLog() && s.From <= offset && offset < s.To
}

// firstOf returns the first offset of the span that the log still had, and To when it
// had none of them.
func (s span) firstOf(events []core.Event) core.Offset {
	switch {
	case !s.ofLog():
		return s.From
	case len(events) == 0:
		return s.To
	}
	return events[0].Offset
}

// lostRun is how many events go out together after they were lost once. After each
// further loss it is a tenth of that: 100, 10, 1. So a run that kills its consumer is
// cut down to the one event that does it.
const lostRun = 100

// longest is how many events of the span may go out together.
func (s span) longest(group *core.Group) int {
	if s.Lost == 0 {
		return core.MaxPageSize
	}
	// The last attempt decides who becomes a dead letter. Every event makes it alone,
	// so that none is parked for its neighbour.
	if s.Attempts >= group.MaxAttempts {
		return 1
	}
	size := lostRun
	for range s.Lost - 1 {
		size = max(size/10, 1)
	}
	return size
}

// sizeOf returns how many events spans have together.
func sizeOf(spans []span) (total int) {
	for _, part := range spans {
		total += int(part.size())
	}
	return total
}

// lettersOf returns the dead letters among spans.
func lettersOf(spans []span) (ids []core.ID) {
	for _, part := range spans {
		if !part.ofLog() {
			ids = append(ids, part.Letter)
		}
	}
	return ids
}
