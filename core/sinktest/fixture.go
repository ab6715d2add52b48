package sinktest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

const (
	// patience is how long Sends may take whose receiver is there, on a busy machine: many
	// at once that write Parquet took more than a minute.
	patience = 5 * time.Minute
	// grace is how long after the end of its context a Send may return.
	grace = 5 * time.Second
)

var (
	start  = time.Date(2026, 3, 29, 0, 59, 59, 999999000, time.UTC)
	origin = core.Origin{
		Org: core.RandomID(start), Stream: core.RandomID(start), Processor: core.RandomID(start),
		StreamName: "Bestellungen/ü 1", ProcessorName: "an die Buchhaltung ✓",
	}
)

// events makes n events of one key, as a processor would hand them over.
func (s *suite) events(n int) []core.Outgoing {
	events := make([]core.Outgoing, n)
	for i := range events {
		events[i] = s.event(fmt.Sprintf(`{"number":%d,"text":"größer, 日本 \u00e9 🚚"}`, s.next))
	}
	return events
}

// event makes one event.
func (s *suite) event(payload string) core.Outgoing {
	at := start.Add(time.Duration(s.next) * time.Millisecond)
	event := core.Event{
		ID: core.RandomID(at), Stream: origin.Stream, Offset: s.next, Type: "order.paid", Version: 1,
		OccurredAt: at.Add(-time.Second), ReceivedAt: at, Source: "shop", Subject: "customer-42",
		Payload: json.RawMessage(payload),
		Context: json.RawMessage(`{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tenant":"ä"}`),
	}
	s.next++
	return core.Outgoing{Event: event, Key: "customer-42", Attempt: 1}
}

// check has the connector check settings.
func (s *suite) check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	s.Helper()
	before := copied(former)
	stored, err := s.target.Connector.Check(given, former)
	if !reflect.DeepEqual(before, former) {
		s.Errorf("Check has changed the destination that it was given")
	}
	s.silent("Check's error", err)
	return stored, err
}

func copied(d core.Destination) core.Destination {
	d.Settings, d.Secrets = slices.Clone(d.Settings), slices.Clone(d.Secrets)
	return d
}

// destination returns the receiver's destination.
func (s *suite) destination() core.Destination {
	s.Helper()
	to, err := s.check(s.receiver.Settings, core.Destination{})
	if err != nil {
		s.Fatalf("the receiver's settings are refused: %v", err)
	}
	return to
}

// open returns a sink of a destination, which is closed in the end.
func (s *suite) open(to core.Destination) core.Sink {
	s.Helper()
	sink, err := s.target.Connector.Open(s.Context(), to, origin)
	if err != nil {
		s.Fatalf("Open: %v", err)
	}
	s.Cleanup(func() {
		if err := sink.Close(); err != nil {
			s.Errorf("Close: %v", err)
		}
	})
	return sink
}

// sink returns a sink of the receiver.
func (s *suite) sink() core.Sink {
	s.Helper()
	return s.open(s.destination())
}

// room is how many events, of at most limit, one Send of a sink takes.
func room(sink core.Sink, limit int) int { return max(1, min(sink.Traits().Batch, limit)) }

// send hands events over as a processor does, and holds what comes back to what is true
// of every Send. The sink gets a copy, which is destroyed afterwards. It is called by
// one goroutine at a time or with s used by nobody else.
func (s *suite) send(ctx context.Context, sink core.Sink, events []core.Outgoing) []core.Sent {
	s.Helper()
	handed := deepCopy(events)
	done := make(chan []core.Sent, 1)
	go func() { done <- sink.Send(ctx, handed) }()
	results, returned := await(ctx, done)
	if !returned {
		s.Fatalf("Send has not returned %s after the end of its context", grace)
	}
	if !reflect.DeepEqual(handed, events) {
		s.Errorf("Send has changed the events that it was given")
	}
	destroy(handed)
	if len(results) != len(events) {
		s.Fatalf("%d events have %d results", len(events), len(results))
	}
	for i := range results {
		s.sound(&results[i])
	}
	return results
}

// await waits for a Send until some time after the end of its context.
func await(ctx context.Context, done <-chan []core.Sent) (results []core.Sent, returned bool) {
	select {
	case results = <-done:
		return results, true
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case results = <-done:
		return results, true
	case <-late.C:
		return nil, false
	}
}

// sound holds one result to what is true of all.
func (s *suite) sound(sent *core.Sent) {
	s.Helper()
	if len(sent.Response) > core.MaxResponseExcerpt || !utf8.ValidString(sent.Response) {
		s.Errorf("the response has %d bytes, valid UTF-8 is %t", len(sent.Response), utf8.ValidString(sent.Response))
	}
	if sent.After < 0 {
		s.Errorf("the destination wants to be left alone for %s", sent.After)
	}
	if sent.Err != nil && sent.Err.Error() == "" {
		s.Errorf("an error says nothing")
	}
	s.silent("a result's error", sent.Err)
	s.keeps("a response", sent.Response)
}

// silent holds an error to having no secret in it.
func (s *suite) silent(what string, err error) {
	s.Helper()
	if err == nil {
		return
	}
	s.keeps(what, err.Error())
	if known, ok := err.(*core.Error); ok { //nolint:errorlint // of the connector's own, not of a cause
		s.keeps(what, fmt.Sprint(known.Details))
	}
}

// keeps holds a text to having no secret in it, in any form that is read easily.
func (s *suite) keeps(what, text string) {
	s.Helper()
	for _, secret := range s.texts {
		bare := secret[strings.IndexByte(secret, '_')+1:] // without a prefix that says what it is
		if len(bare) < 8 {
			bare = secret
		}
		for _, form := range []string{
			secret, bare, url.QueryEscape(secret), url.PathEscape(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret)),
		} {
			if form != "" && strings.Contains(text, form) {
				s.Errorf("%s has a secret in it: %s", what, text)
				return
			}
		}
	}
}

func deepCopy(events []core.Outgoing) []core.Outgoing {
	copies := slices.Clone(events)
	for i := range copies {
		copies[i].Event.Payload = slices.Clone(copies[i].Event.Payload)
		copies[i].Event.Context = slices.Clone(copies[i].Event.Context)
	}
	return copies
}

// destroy does what the owner of events may do with them once Send has returned.
func destroy(events []core.Outgoing) {
	for i := range events {
		for j := range events[i].Event.Payload {
			events[i].Event.Payload[j] = 'x'
		}
		for j := range events[i].Event.Context {
			events[i].Event.Context[j] = 'x'
		}
	}
	clear(events)
}

// deliver sends events that must arrive.
func (s *suite) deliver(sink core.Sink, events []core.Outgoing) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for i, sent := range s.send(ctx, sink, events) {
		if sent.Err != nil {
			s.Fatalf("event %d of %d was not sent: %v (%q)", i, len(events), sent.Err, sent.Response)
		}
	}
	s.has(events)
}

// has holds the receiver to having events, each with its payload whenever it arrived.
func (s *suite) has(events []core.Outgoing) {
	s.Helper()
	arrived := map[core.ID][]Arrival{}
	for _, a := range s.receiver.Arrived() {
		arrived[a.ID] = append(arrived[a.ID], a)
	}
	for i := range events {
		event := &events[i].Event
		if len(arrived[event.ID]) == 0 {
			s.Errorf("event %d of %d is said to have arrived, and has not", i, len(events))
		}
		for _, a := range arrived[event.ID] {
			if got, want := compact(a.Payload), compact(event.Payload); got != want {
				s.Errorf("event %d of %d arrived as %s, not as %s", i, len(events), brief(got), brief(want))
			}
		}
	}
}

// hasNothingElse holds the receiver to having no event but these.
func (s *suite) hasNothingElse(events []core.Outgoing) {
	s.Helper()
	for _, a := range s.receiver.Arrived() {
		if !slices.ContainsFunc(events, func(o core.Outgoing) bool { return o.Event.ID == a.ID }) {
			s.Errorf("an event %s has arrived that nobody sent", a.ID)
		}
	}
}

// compact returns JSON without white space, every value as it was written.
func compact(text json.RawMessage) string {
	var b bytes.Buffer
	if err := json.Compact(&b, text); err != nil {
		return "no JSON: " + string(text)
	}
	return b.String()
}

func brief(text string) string { return text[:min(len(text), 200)] }

// eventually sends events until they have arrived, as a processor would.
func (s *suite) eventually(sink core.Sink, events []core.Outgoing) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	for attempt := 2; ; attempt++ {
		var failed error
		for i := range events {
			events[i].Attempt = attempt
		}
		for _, sent := range s.send(ctx, sink, events) {
			if sent.Err != nil {
				failed = sent.Err
			}
		}
		if failed == nil {
			break
		}
		pause := time.NewTimer(50 * time.Millisecond)
		select {
		case <-ctx.Done():
			s.Fatalf("the destination is back, and still nothing is sent: %v", failed)
		case <-pause.C:
		}
	}
	s.has(events)
}
