package history

import (
	"maps"
	"slices"
	"strings"
)

// streamLog is the final log of one stream, and whose its events are.
type streamLog struct {
	name    string
	stored  []Stored
	owner   []*event // nil where nobody sent it
	claimed []bool   // a receipt names it
	at      map[int64]int
}

// holds says whether the event at index i has that offset and id.
func (l *streamLog) holds(i int, offset int64, id string) bool {
	return l.stored[i].Offset == offset && l.stored[i].ID == id
}

// find returns the index of an event by offset and id.
func (l *streamLog) find(offset int64, id string) (int, bool) {
	if l == nil {
		return 0, false
	}
	i, ok := l.at[offset]
	return i, ok && l.stored[i].ID == id
}

// blame orders the copies of an event: those that a receipt names come first.
func (l *streamLog) blame(i int) int {
	if l.claimed[i] {
		return 0
	}
	return 1
}

// index finds out whose the stored events are, and checks offsets and ids.
func (c *checker) index(logs map[string][]Stored) {
	type place struct {
		stream string
		offset int64
	}
	ids := map[string]place{}
	for _, name := range slices.Sorted(maps.Keys(logs)) {
		log := c.open(name, logs[name])
		c.attribute(log)
		for _, s := range log.stored {
			if first, ok := ids[s.ID]; ok {
				c.report(RuleIDReused, name, s.Offset, "id %s is also at offset %d of %s", s.ID, first.offset, first.stream)
				continue
			}
			ids[s.ID] = place{name, s.Offset}
		}
	}
}

// open checks that a log's offsets are 0, 1, 2….
func (c *checker) open(name string, stored []Stored) *streamLog {
	log := &streamLog{
		name: name, stored: stored, owner: make([]*event, len(stored)),
		claimed: make([]bool, len(stored)), at: make(map[int64]int, len(stored)),
	}
	c.logs[name] = log
	next := int64(0)
	for i, s := range stored {
		if s.Offset != next {
			c.report(RuleOffsets, name, s.Offset, "expected offset %d", next)
		}
		next = s.Offset + 1
		if _, ok := log.at[s.Offset]; !ok {
			log.at[s.Offset] = i
		}
	}
	return log
}

// attribute finds the sender of each stored event.
func (c *checker) attribute(log *streamLog) {
	for i, s := range log.stored {
		if e := c.sender(s.Payload); e != nil && e.stream == log.name {
			log.owner[i] = e
			c.places[e.n] = append(c.places[e.n], i)
		}
	}
}

// sender finds an event by its payload, and where that was altered, by the
// marker that is still in it.
func (c *checker) sender(payload string) *event {
	if e := c.history.byPayload[payload]; e != nil {
		return e
	}
	if c.markers == nil {
		c.markers = newMarkers(c.history.events)
	}
	return c.markers.in(payload)
}

// reclaim gives stored events back to their senders whose markers were
// overwritten, as when a buffer is used again too early: an event that is
// acknowledged and nowhere in the log owns what lies at that offset under that
// id, when nobody else has a right to it.
func (c *checker) reclaim() {
	for _, e := range c.history.events {
		if len(c.places[e.n]) > 0 {
			continue
		}
		for _, s := range e.sends {
			receipt, ok := s.receipt()
			if !ok {
				continue
			}
			log := c.logs[e.stream]
			if i, found := log.find(receipt.Offset, receipt.ID); found && c.release(log, i) {
				log.owner[i] = e
				c.places[e.n] = []int{i}
				break
			}
		}
	}
}

// release takes a stored event from an owner who has more than one and no
// receipt for this one. It reports whether the event is now free.
func (c *checker) release(log *streamLog, i int) bool {
	owner := log.owner[i]
	if owner == nil {
		return true
	}
	if len(c.places[owner.n]) <= owner.capacity() {
		return false
	}
	for _, s := range owner.sends {
		if receipt, ok := s.receipt(); ok && log.holds(i, receipt.Offset, receipt.ID) {
			return false
		}
	}
	c.places[owner.n] = slices.DeleteFunc(c.places[owner.n], func(j int) bool { return j == i })
	return true
}

// markers finds markers in payloads that were altered.
type markers struct {
	events  map[string]*event
	prefix  string // common to all markers: where to look
	lengths []int  // of the markers, longest first: "m-12" before "m-1"
}

func newMarkers(sent []*event) *markers {
	m := &markers{events: make(map[string]*event, len(sent))}
	lengths := map[int]bool{}
	for i, e := range sent {
		m.events[e.marker] = e
		lengths[len(e.marker)] = true
		if i == 0 {
			m.prefix = e.marker
		}
		for !strings.HasPrefix(e.marker, m.prefix) {
			m.prefix = m.prefix[:len(m.prefix)-1]
		}
	}
	m.lengths = slices.Sorted(maps.Keys(lengths))
	slices.Reverse(m.lengths)
	return m
}

// in returns the event whose marker comes first in a payload.
func (m *markers) in(payload string) *event {
	for rest := payload; len(rest) > 0; rest = rest[1:] {
		i := strings.Index(rest, m.prefix)
		if i < 0 {
			return nil
		}
		rest = rest[i:]
		for _, length := range m.lengths {
			if length <= len(rest) && m.events[rest[:length]] != nil {
				return m.events[rest[:length]]
			}
		}
	}
	return nil
}
