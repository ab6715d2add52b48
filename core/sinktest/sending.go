package sinktest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/eventflow-go/eventflow/core"
)

var sending = []guarantee{
	{"what is sent has arrived when Send returns", arrives},
	{"a full batch arrives", fullBatch},
	{"events of one key arrive in their order", inOrder},
	{"any JSON value arrives as it is", anyPayload},
	{"an event arrives whatever its fields say", anyFields},
	{"a large event arrives", large},
	{"what is sent again is told apart by its id", again},
	{"many goroutines send at once", atOnce},
	{"two sinks of one destination do not disturb each other", twoSinks},
	{"nothing comes of no events", none},
}

func arrives(s *suite) {
	sink := s.sink()
	var all []core.Outgoing
	for range 5 {
		events := s.events(room(sink, 3))
		all = append(all, events...)
		s.deliver(sink, events)
	}
	s.has(all)
	s.hasNothingElse(all)
}

func fullBatch(s *suite) {
	sink := s.sink()
	events := s.events(room(sink, 1000))
	s.deliver(sink, events)
	s.hasNothingElse(events)
}

func inOrder(s *suite) {
	sink := s.sink()
	var sent []core.ID
	for range 10 {
		events := s.events(room(sink, 20))
		for i := range events {
			sent = append(sent, events[i].Event.ID)
		}
		s.deliver(sink, events)
	}
	var arrived []core.ID
	for _, a := range s.receiver.Arrived() {
		if !slices.Contains(arrived, a.ID) {
			arrived = append(arrived, a.ID)
		}
	}
	if !slices.Equal(sent, arrived) {
		s.Errorf("%d events of one key arrived in another order", len(sent))
	}
}

// payloads are JSON values that an encoder may harm.
var payloads = []string{
	`{}`, `[]`, `null`, `true`, `0`, `-0.0`, `""`, `"text"`, `[1,[2,[3,{"a":[]}]]]`, `{"":""}`,
	`12345678901234567890123456789`, `9007199254740993`, `0.1000000000000000055511151231257827`, `1E400`, `1e-7`,
	`"<script>&\u2028\u2029</script>"`, `"\u00e9 é \ud83d\ude9a 🚚 日本語 \u200f"`, `"\"\\\/\b\f\n\r\t\u0001"`,
	"{\n  \"spaced\" : [ 1 ,\t2 ]\r\n}", `{"z":1,"a":2,"Z":3}`, `{"event_id":"x","specversion":"9","data":{"id":1}}`,
	`{"__proto__":{"constructor":1}}`, "\"a\u0085b\u2028c\uFEFF\"", `"${jndi:x} {{a}} %s %00 '; --"`,
}

func anyPayload(s *suite) {
	sink := s.sink()
	var events []core.Outgoing
	for _, payload := range payloads {
		events = append(events, s.event(payload))
	}
	for some := range slices.Chunk(events, room(sink, len(events))) {
		s.deliver(sink, some)
	}
	s.hasNothingElse(events)
}

func anyFields(s *suite) {
	sink := s.sink()
	long := strings.Repeat("ü", core.MaxSubjectLength)
	events := s.events(7)
	for i, change := range []func(*core.Outgoing){
		func(o *core.Outgoing) { o.Event.Subject, o.Event.Source, o.Event.Context, o.Key = "", "", nil, "" },
		func(o *core.Outgoing) { o.Event.Subject, o.Event.Source, o.Event.Type, o.Key = long, long, long, long },
		func(o *core.Outgoing) { o.Event.Subject, o.Key = "日本 \"quoted\" \\ / % = & ? #", "日本 / \x7f" },
		func(o *core.Outgoing) {
			o.Event.Type, o.Event.Source = "../../etc/passwd", "https://example.com/a b?c=d#e"
		},
		func(o *core.Outgoing) {
			o.Event.Context = json.RawMessage(`{"traceparent":"nonsense","Host":"evil.example","a b":"\r\nX: y","ключ":"значение 🚚","webhook-id":"1"}`)
		},
		func(o *core.Outgoing) {
			o.Event.IdempotencyKey, o.Event.APIKeyID = "invoice 7/ü", core.RandomID(start)
		},
		func(o *core.Outgoing) { o.Event.Version, o.Attempt, o.Event.Offset = 1<<31-1, 1<<20, 1<<53+1 },
	} {
		change(&events[i])
	}
	for some := range slices.Chunk(events, room(sink, len(events))) {
		s.deliver(sink, some)
	}
}

func large(s *suite) {
	sink := s.sink()
	payload := `{"text":"` + strings.Repeat("größer ", core.MaxEventBytes/len("größer ")-10) + `"}`
	s.deliver(sink, []core.Outgoing{s.event(payload)})
	s.deliver(sink, s.events(1))
}

func again(s *suite) {
	sink := s.sink()
	events := s.events(room(sink, 5))
	for attempt := range 3 {
		for i := range events {
			events[i].Attempt = attempt + 1
		}
		s.deliver(sink, events)
	}
	s.deliver(s.sink(), events)
	s.hasNothingElse(events)
	ids := map[core.ID]bool{}
	for _, a := range s.receiver.Arrived() {
		ids[a.ID] = true
	}
	if len(ids) != len(events) {
		s.Errorf("%d events that were sent again and again became %d", len(events), len(ids))
	}
}

func atOnce(s *suite) {
	sink := s.sink()
	const senders, rounds = 16, 8
	sets := make([][]core.Outgoing, senders*rounds)
	for i := range sets {
		sets[i] = s.events(room(sink, 5))
		for j := range sets[i] {
			sets[i][j].Key = fmt.Sprint("customer-", i%senders)
		}
	}
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	failures := make([]error, len(sets))
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			for i := sender; i < len(sets); i += senders {
				failures[i] = failure(ctx, sink, sets[i])
			}
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			s.Fatalf("one of many that sent at once failed: %v", err)
		}
	}
	all := slices.Concat(sets...)
	s.has(all)
	s.hasNothingElse(all)
}

// failure sends a copy of events, destroys it, and returns the first error. Any
// goroutine may call it.
func failure(ctx context.Context, sink core.Sink, events []core.Outgoing) error {
	handed := deepCopy(events)
	results := sink.Send(ctx, handed)
	destroy(handed)
	if len(results) != len(events) {
		return fmt.Errorf("%d events have %d results", len(events), len(results))
	}
	for i := range results {
		if results[i].Err != nil {
			return results[i].Err
		}
	}
	return nil
}

func twoSinks(s *suite) {
	to := s.destination()
	one, other := s.open(to), s.open(to)
	first, second := s.events(1), s.events(1)
	s.deliver(one, first)
	s.deliver(other, second)
	third := s.events(1)
	s.deliver(one, third)
	s.has(slices.Concat(first, second, third))
}

func none(s *suite) {
	if results := s.sink().Send(s.Context(), nil); len(results) != 0 {
		s.Errorf("no events have %d results", len(results))
	}
	if arrived := s.receiver.Arrived(); len(arrived) != 0 {
		s.Errorf("%d events came of none", len(arrived))
	}
}
