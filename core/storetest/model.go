package storetest

import (
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// model is a log that is as simple as can be. It is slow and keeps everything, so
// there is little in it to get wrong.
type model struct {
	streams map[core.ID]*modelStream
}

type modelStream struct {
	events []core.Event // what is retained
	next   core.Offset
	last   time.Time
	keys   map[string]core.Event // the newest event of a key
}

func newModel(streams []core.ID) *model {
	m := &model{streams: map[core.ID]*modelStream{}}
	for _, stream := range streams {
		m.streams[stream] = &modelStream{keys: map[string]core.Event{}}
	}
	return m
}

// behind reports whether an append at a time must be refused.
func (m *model) behind(at time.Time, batches []core.Batch) bool {
	return slices.ContainsFunc(batches, func(b core.Batch) bool { return at.Before(m.streams[b.Stream].last) })
}

// append appends an entry and says what Append must make of it. Fingerprints
// are equal where payloads are.
func (m *modelStream) append(at, since time.Time, entry core.Entry) (core.Outcome, core.Event) {
	known, ok := m.keys[entry.IdempotencyKey]
	if ok && !known.ReceivedAt.Before(since) {
		if string(known.Payload) != string(entry.Payload) {
			return core.Mismatch, core.Event{}
		}
		return core.Duplicate, known
	}
	event := entry.Event
	event.Offset, event.ReceivedAt = m.next, at
	m.events = append(m.events, event)
	m.next++
	m.last = at
	if event.IdempotencyKey != "" {
		m.keys[event.IdempotencyKey] = event
	}
	return core.Stored, event
}

func (m *modelStream) first() core.Offset { return m.next - core.Offset(len(m.events)) }

// trim removes the events below an offset, and their keys.
func (m *modelStream) trim(first core.Offset) {
	for m.first() < first {
		key := m.events[0].IdempotencyKey
		if key != "" && m.keys[key].Offset == m.first() {
			delete(m.keys, key)
		}
		m.events = m.events[1:]
	}
}

// forget forgets the keys of the events below an offset, which stay.
func (m *modelStream) forget(kept core.Offset) {
	for key, event := range m.keys {
		if event.Offset < kept {
			delete(m.keys, key)
		}
	}
}

func (m *modelStream) read(scan core.Scan) []core.Event {
	var events []core.Event
	for i := range m.events {
		event := &m.events[i]
		if event.Offset >= scan.From && (scan.To == 0 || event.Offset < scan.To) && matches(scan.Filter, event) {
			events = append(events, *event)
		}
	}
	return page(events, scan.Backward, scan.Limit, scan.Bytes)
}

func (m *model) readAll(scan core.AllScan) []core.Event {
	var events []core.Event
	for _, of := range m.streams {
		for i := range of.events {
			p := position(&of.events[i])
			if (scan.After.IsZero() || comparePositions(p, scan.After) > 0) && (scan.Before.IsZero() || comparePositions(p, scan.Before) < 0) {
				events = append(events, of.events[i])
			}
		}
	}
	sortEvents(events)
	return page(events, scan.Backward, scan.Limit, scan.Bytes)
}

// page is the part of the events that an answer holds.
func page(events []core.Event, backward bool, limit, size int) []core.Event {
	if backward {
		events = reversed(events)
	}
	events = events[:min(len(events), limit)]
	sum := 0
	for i := range events {
		if sum += events[i].Size(); size > 0 && sum >= size {
			return events[:i+1]
		}
	}
	return events
}

func (m *modelStream) offsetAt(at time.Time) core.Offset {
	for i := range m.events {
		if !m.events[i].ReceivedAt.Before(at) {
			return m.events[i].Offset
		}
	}
	return m.next
}
