package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func gapless(s *suite) {
	a, b := newStream(), newStream()
	first := batch(a, s.entries(3))
	other := batch(b, s.entries(2))
	again := batch(a, s.entries(4))
	s.append(first, other, again)
	s.at = s.at.Add(time.Millisecond)
	later := batch(a, s.entries(1))
	s.append(later)
	want := append(append(append([]core.Entry(nil), first.Entries...), again.Entries...), later.Entries...)
	got := s.read(a, core.Scan{})
	s.check(len(got) == len(want), "%d events were stored, %d are read", len(want), len(got))
	s.gaplessFrom(got, 0)
	for i := range want {
		s.same(got[i], want[i].Event)
		s.check(want[i].Outcome == core.Stored, "entry %d: outcome %d", i, want[i].Outcome)
	}
	s.gaplessFrom(s.read(b, core.Scan{}), 0)
	s.check(s.bounds(a) == core.Bounds{Next: 8, Last: s.at}, "Bounds: %+v", s.bounds(a))
}

func fields(s *suite) {
	stream := newStream()
	entries := s.entries(5)
	entries[0].Subject, entries[0].APIKeyID, entries[0].Version = "user ☃ \"<1>\"", id(start), 2147483647
	entries[1].OccurredAt = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	entries[2].OccurredAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	entries[3].Type, entries[3].Source = strings.Repeat("ж", core.MaxTypeLength), strings.Repeat("'", core.MaxSourceLength)
	entries[4].IdempotencyKey, entries[4].Fingerprint = "k'ey\\ \"x\"", core.Fingerprint{1}
	s.append(batch(stream, entries))
	got := s.read(stream, core.Scan{})
	s.check(len(got) == len(entries), "read %d of %d", len(got), len(entries))
	for i := range got {
		s.same(got[i], entries[i].Event)
		s.check(got[i].ReceivedAt == s.at && got[i].ReceivedAt.Location() == time.UTC && got[i].OccurredAt.Location() == time.UTC,
			"times are UTC and ReceivedAt is the append's: %v", got[i].ReceivedAt)
	}
}

func verbatim(s *suite) {
	stream := newStream()
	payloads := []string{
		`null`, `true`, `0`, `-0.0`, `1.10`, `1e400`, `12345678901234567890123.000`, `""`, `"\u00e4\/\ud83d\ude00"`, `"😀 ﷺ"`,
		`[]`, `{}`, " {\n\t\"b\" : 1 ,\r\n\"a\":[ 1 , 2 ] } ", `{"__proto__":{},"a'b":"$1; --"}`,
		`"` + strings.Repeat("x", core.MaxEventBytes-2) + `"`,
	}
	entries := s.entries(len(payloads))
	for i, payload := range payloads {
		entries[i].Payload = []byte(payload)
		if i%2 == 0 {
			entries[i].Context = []byte(` {"trace_id" : "x\u0041", "ключ":""} `)
		}
	}
	s.append(batch(stream, entries))
	got := s.read(stream, core.Scan{})
	s.check(len(got) == len(entries), "read %d of %d", len(got), len(entries))
	for i := range got {
		s.same(got[i], entries[i].Event)
	}
}

func clock(s *suite) {
	a, b := newStream(), newStream()
	s.append(batch(a, s.entries(1)))
	last := s.at
	s.at = last.Add(-time.Microsecond)
	err := s.storage.Append(context.Background(), s.at, []core.Batch{batch(b, s.entries(2)), batch(a, s.entries(1))})
	var behind *core.ClockError
	s.check(errors.As(err, &behind), "an append before the last event is a *core.ClockError, got %v", err)
	s.check(behind.Last.Equal(last), "ClockError.Last is the last event's time: %v, not %v", behind.Last, last)
	s.check(s.bounds(a).Next == 1 && s.bounds(b).Next == 0, "a refused append stores nothing in any stream")
	s.append(batch(b, s.entries(1)))
	s.at = last
	s.append(batch(a, s.entries(1)), batch(b, s.entries(1)))
	s.gaplessFrom(s.read(a, core.Scan{}), 0)
	s.check(s.bounds(a).Next == 2 && s.bounds(b).Next == 2, "a time equal to the last event's is taken")
}

func cancelled(s *suite) {
	stream := newStream()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.storage.Append(ctx, s.at, []core.Batch{batch(stream, s.entries(1))})
	s.check(err != nil && !errors.Is(err, core.ErrUnknownOutcome), "an append whose context has ended fails for certain, got %v", err)
	s.check(len(s.read(stream, core.Scan{})) == 0, "an append whose context has ended stores nothing")
}

func inputReused(s *suite) {
	stream := newStream()
	entries := s.entries(1)
	payload, context := []byte(`{"kept":"yes"}`), []byte(`{"trace_id":"kept"}`)
	entries[0].Payload, entries[0].Context = payload, context
	s.append(batch(stream, entries))
	copy(payload, `{"kept":"NO!"}`)
	copy(context, `{"trace_id":"GONE"}`)
	got := s.read(stream, core.Scan{})
	s.check(string(got[0].Payload) == `{"kept":"yes"}` && string(got[0].Context) == `{"trace_id":"kept"}`,
		"the adapter keeps nothing of the batches: the log changed with the caller's buffer to %s %s", got[0].Payload, got[0].Context)
}

func concurrent(s *suite) {
	appendFrom(s, s.storage, s.storage)
}

// appendFrom appends to three streams through handles, from several
// goroutines, while followers read by offset.
func appendFrom(s *suite, handles ...core.Storage) {
	const writers, rounds, perBatch = 6, 12, 3
	streams := []core.ID{newStream(), newStream(), newStream()}
	total := core.Offset(writers * rounds * perBatch)
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			own := &suite{T: s.T, storage: handles[w%len(handles)], at: s.at, count: w << 20}
			for range rounds {
				for _, stream := range streams {
					if err := own.storage.Append(context.Background(), own.at, []core.Batch{batch(stream, own.entries(perBatch))}); err != nil {
						s.Errorf("Append: %v", err)
						return
					}
				}
			}
		})
	}
	for i, stream := range streams {
		all.Go(func() { follow(s, handles[i%len(handles)], stream, total) })
	}
	all.Wait()
	for _, stream := range streams {
		seen := map[core.ID]bool{}
		for _, event := range s.read(stream, core.Scan{Limit: int(total) + 1}) {
			s.check(!seen[event.ID], "an event is in the log once: %v", event.ID)
			seen[event.ID] = true
		}
		s.check(len(seen) == int(total), "%d events were acknowledged, %d are in the log", total, len(seen))
	}
}

// follow reads a stream by offset until it has seen everything, and checks
// that it meets every offset once, in order.
func follow(s *suite, storage core.Storage, stream core.ID, total core.Offset) {
	deadline := time.Now().Add(time.Minute)
	for next := core.Offset(0); next < total && !s.Failed(); {
		events, err := storage.Read(context.Background(), stream, core.Scan{From: next, Limit: 7})
		if err != nil || time.Now().After(deadline) {
			s.Errorf("following at offset %d of %d: %v", next, total, err)
			return
		}
		for i := range events {
			if events[i].Offset != next {
				s.Errorf("a reader that saw every offset below %d next sees %d: an event became visible late", next, events[i].Offset)
				return
			}
			next++
		}
	}
}
