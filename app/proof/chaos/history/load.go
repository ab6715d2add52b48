package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Load reads what a [Recorder] wrote. Its errors are faults of the record, not
// of the server: a torn line, an answer without a call, a marker that is not
// unique or not in its payload.
func Load(r io.Reader) (*History, error) {
	l := &loader{
		history:   &History{byPayload: map[string]*event{}},
		open:      map[int64]*call{},
		byMarker:  map[string]*event{},
		byKey:     map[streamKey]*event{},
		followers: map[followerKey]*follower{},
	}
	lines := json.NewDecoder(r)
	for number := 1; ; number++ {
		var read line
		err := lines.Decode(&read)
		if errors.Is(err, io.EOF) {
			return l.history, nil
		}
		if err == nil {
			err = l.add(read)
		}
		if err != nil {
			return nil, fmt.Errorf("history: record %d: %w", number, err)
		}
	}
}

type loader struct {
	history   *History
	open      map[int64]*call // calls without an answer
	byMarker  map[string]*event
	byKey     map[streamKey]*event
	followers map[followerKey]*follower
}

type streamKey struct{ stream, key string }

type followerKey struct {
	number int
	stream string
}

func (l *loader) add(read line) error {
	switch read.Kind {
	case kindCall:
		return l.made(read)
	case kindAcked, kindRefused, kindUnknown:
		return l.answered(read)
	case kindSeen:
		l.saw(read)
		return nil
	}
	return fmt.Errorf("unknown record %q", read.Kind)
}

func (l *loader) made(read line) error {
	if l.open[read.Op] != nil {
		return fmt.Errorf("call %d was made twice", read.Op)
	}
	c := &call{op: read.Op, producer: read.Producer, stream: read.Stream, events: make([]*event, len(read.Events))}
	for i, s := range read.Events {
		e, err := l.event(read.Stream, s)
		if err != nil {
			return err
		}
		e.sends = append(e.sends, send{call: c, item: i})
		c.events[i] = e
	}
	l.open[c.op] = c
	l.history.calls = append(l.history.calls, c)
	l.history.steps = append(l.history.steps, step{made: c})
	return nil
}

// event returns the event that a producer sent, known or new.
func (l *loader) event(stream string, s sent) (*event, error) {
	payload := string(s.Payload)
	if e := l.byMarker[s.Marker]; e != nil {
		if e.payload != payload || e.key != s.Key || e.stream != stream {
			return nil, fmt.Errorf("marker %q was sent with two keys or payloads, or to two streams", s.Marker)
		}
		return e, nil
	}
	if s.Marker == "" || !strings.Contains(payload, s.Marker) {
		return nil, fmt.Errorf("marker %q is not in its payload", s.Marker)
	}
	if other := l.history.byPayload[payload]; other != nil {
		return nil, fmt.Errorf("markers %q and %q have the same payload", other.marker, s.Marker)
	}
	e := &event{n: len(l.history.events), stream: stream, key: s.Key, marker: s.Marker, payload: payload}
	l.history.events = append(l.history.events, e)
	l.byMarker[s.Marker], l.history.byPayload[payload] = e, e
	l.shareKey(e)
	return e, nil
}

// shareKey marks events whose key other markers have too.
func (l *loader) shareKey(e *event) {
	if e.key == "" {
		return
	}
	key := streamKey{e.stream, e.key}
	if other := l.byKey[key]; other != nil {
		e.sharesKey, other.sharesKey = true, true
		return
	}
	l.byKey[key] = e
}

func (l *loader) answered(read line) error {
	c := l.open[read.Op]
	if c == nil {
		return fmt.Errorf("call %d was not made, or answered before", read.Op)
	}
	delete(l.open, read.Op)
	switch read.Kind {
	case kindRefused:
		c.outcome = refused
	case kindAcked:
		if len(read.Receipts) != len(c.events) {
			return fmt.Errorf("call %d has %d events and %d receipts", c.op, len(c.events), len(read.Receipts))
		}
		c.outcome, c.receipts = acked, read.Receipts
		l.history.steps = append(l.history.steps, step{acked: c})
	}
	return nil
}

func (l *loader) saw(read line) {
	key := followerKey{read.Follower, read.Stream}
	f := l.followers[key]
	if f == nil {
		f = &follower{number: read.Follower, stream: read.Stream}
		l.followers[key] = f
		l.history.followers = append(l.history.followers, f)
	}
	f.seen = append(f.seen, read.Seen...)
	l.history.steps = append(l.history.steps, step{stream: read.Stream, page: read.Seen})
}
