package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var appending = []guarantee{
	{"offsets are gapless in the order of batches and entries", gapless},
	{"one call appends to many streams", manyStreams},
	{"one call appends ten thousand entries", manyEntries},
	{"every field comes back as it was stored", fields},
	{"empty fields come back empty", emptyFields},
	{"text is kept whatever characters it has", text},
	{"payload and context are kept byte for byte", verbatim},
	{"the time given is the time received", receivedAt},
	{"what an entry's outcome was before means nothing", outcomeBefore},
	{"an earlier time is refused and stores nothing", clock},
	{"an equal time is taken", equalTime},
	{"a cancelled call stores nothing", cancelled},
	{"a call cut at any moment stores all or nothing", cutAppends},
	{"nothing of the batches is kept", inputReused},
}

func gapless(s *suite) {
	a, b := s.newStream(), s.newStream()
	first, other, again := batch(a, s.entries(3)), batch(b, s.entries(2)), batch(a, s.entries(4))
	s.append(first, other, again)
	want := slices.Concat(s.stored([]core.Batch{first}), s.stored([]core.Batch{again}))
	s.gapless(want, 0)
	s.same(s.everything(a), want)
	s.same(s.everything(b), s.stored([]core.Batch{other}))
	s.at = s.at.Add(time.Millisecond)
	later := s.append(batch(a, s.entries(2)))
	s.check(later[0].Offset == 7 && later[1].Offset == 8, "the next append must go on at 7, got offsets %v", offsets(later))
	s.same(s.everything(a), append(want, later...))
	s.hasBounds(a, 0, 9, s.at)
	s.hasBounds(b, 0, 2, start)
}

func manyStreams(s *suite) {
	streams := s.newStreams(150)
	for round := range core.Offset(3) {
		var batches []core.Batch
		for _, stream := range streams {
			batches = append(batches, batch(stream, s.entries(1)))
		}
		for _, event := range s.append(batches...) {
			s.check(event.Offset == round, "each stream must count by itself: the event of append %d is at %d", round, event.Offset)
		}
		slices.Reverse(streams)
	}
	bounds, err := s.storage.Bounds(context.Background(), streams)
	s.must(err, "Bounds")
	for i, stream := range streams {
		s.check(bounds[i] == core.Bounds{Next: 3, Last: s.at}, "Bounds of 150 streams: stream %d holds 3 events, got %+v", i, bounds[i])
		s.gapless(s.everything(stream), 0)
	}
}

func manyEntries(s *suite) {
	a, b := s.newStream(), s.newStream()
	one, two, three := batch(a, s.entries(core.MaxBatchEvents/2)), batch(b, s.entries(core.MaxBatchEvents/4)), batch(a, s.entries(core.MaxBatchEvents/4))
	s.append(one, two, three)
	want := slices.Concat(s.stored([]core.Batch{one}), s.stored([]core.Batch{three}))
	s.gapless(want, 0)
	for at := 0; at < len(want); at += 1000 {
		page := want[at:min(at+1000, len(want))]
		s.same(s.read(a, core.Scan{From: core.Offset(at), Limit: len(page)}), page)
	}
	s.same(s.everything(b), s.stored([]core.Batch{two}))
}

func fields(s *suite) {
	stream := s.newStream()
	entries := s.entries(5)
	entries[0].Subject, entries[0].APIKeyID, entries[0].Version = "user-7", newID(start), 1<<31-1
	entries[1].OccurredAt = time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC)
	entries[2].OccurredAt = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	entries[3].OccurredAt = time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC)
	entries[3].Type, entries[3].Source = strings.Repeat("ж", core.MaxTypeLength), strings.Repeat("😀", core.MaxSourceLength)
	entries[3].Subject = strings.Repeat("ش", core.MaxSubjectLength)
	entries[4].IdempotencyKey, entries[4].Fingerprint = strings.Repeat("ä", core.MaxIdempotencyKeyLength), core.Fingerprint{1}
	entries[4].Context = []byte(`{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736"}`)
	s.comesBack(stream, entries)
}

func emptyFields(s *suite) {
	stream := s.newStream()
	entries := s.entries(2)
	entries[0].Subject, entries[0].IdempotencyKey, entries[0].Context, entries[0].APIKeyID = "", "", nil, core.ID{}
	entries[1].Context = []byte{}
	s.comesBack(stream, entries)
	for _, event := range s.everything(stream) {
		s.check(len(event.Context) == 0, "an empty context must come back empty, got %q", event.Context)
	}
}

// awkward is text that some way of writing it to a database would change.
var awkward = []string{
	`'`, `''`, `"`, `\`, `\\`, `\N`, `\.`, "\t", "\n", "\r\n", "\u007f", "\u0001", " leading and trailing ", "$1", "?", "%s", ";--",
	"NULL", "0", "{}", "\ufeffbom", "e\u0301", "\u00e9", "\U0001f600", "\u202eright to left", "\uffff",
}

func text(s *suite) {
	stream := s.newStream()
	entries := s.entries(len(awkward))
	for i, value := range awkward {
		entries[i].Type, entries[i].Source, entries[i].Subject = value, value, value
		entries[i].IdempotencyKey, entries[i].Fingerprint = value, core.Fingerprint{byte(i)}
	}
	want := s.append(batch(stream, entries))
	s.same(s.everything(stream), want)
	for i, value := range awkward {
		for name, filter := range map[string]core.Filter{"type": {Type: value}, "source": {Source: value}, "subject": {Subject: value}} {
			got := s.read(stream, core.Scan{Limit: all, Filter: filter})
			s.check(len(got) == 1 && got[0].ID == want[i].ID, "a filter must match by equality of bytes: %s %q matches the events %v, must match %d",
				name, value, offsets(got), want[i].Offset)
		}
	}
}

// payloads are JSON values that an adapter changes when it parses and writes them.
var payloads = []string{
	`null`, `true`, `0`, `-0`, `-0.0`, `1.10`, `1E+2`, `1e400`, `12345678901234567890123`, `0.1000000000000000055511151231257827`,
	`""`, `"\u00e4\/\ud83d\ude00\u0041\b"`, `"😀 ﷺ e` + "\u0301" + `"`, `"\\N \\. ' $1 ?"`, `"\u2028` + "\u2028\u007f" + `"`,
	`[]`, `{}`, `[ ]`, " {\n\t\"b\" : 1 ,\r\n\"a\":[ 1 , 2 ] } ", `{"b":1,"a":2,"__proto__":{}}`,
	`{"a'b\"c":"$1; --","":""}`, `[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]`, `[1e9999999,1e9999999]`,
}

func verbatim(s *suite) {
	stream := s.newStream()
	sent := append([]string{`"` + strings.Repeat("x", core.MaxEventBytes-2) + `"`, `"` + strings.Repeat("ж", 5000) + `"`}, payloads...)
	entries := s.entries(len(sent))
	for i, payload := range sent {
		entries[i].Payload = []byte(payload)
		if i%2 == 0 {
			entries[i].Context = []byte(" {\"trace_id\" : \"x\\u0041\\n\",\n\"ключ\":\"\", \"a\":\"'\\\\N\"} ")
		}
	}
	s.comesBack(stream, entries)
}

func receivedAt(s *suite) {
	stream := s.newStream()
	for _, at := range []time.Time{
		time.Date(2001, 2, 3, 23, 59, 59, 999_999_000, time.UTC), time.Date(2001, 2, 4, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 2, 29, 12, 0, 0, 1000, time.UTC), start, time.Date(2199, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		s.at = at
		entries := s.entries(1)
		entries[0].ReceivedAt, entries[0].OccurredAt = start.Add(-time.Hour), start
		s.append(batch(stream, entries))
		got := s.read(stream, core.Scan{Backward: true, Limit: 1})
		s.check(len(got) == 1 && got[0].ReceivedAt == at, "ReceivedAt must be the time given to Append, in UTC with microseconds: %v, got %v", at, got)
		s.check(s.bounds(stream).Last == at, "Bounds.Last must be the time of the newest event: %v, got %v", at, s.bounds(stream).Last)
	}
}

func outcomeBefore(s *suite) {
	stream := s.newStream()
	first := s.append(batch(stream, s.keyed("k", `1`)))[0]
	for _, before := range []core.Outcome{core.Stored, core.Duplicate, core.Mismatch, 0xff} {
		entries := slices.Concat(s.entries(1), s.keyed("k", `1`), s.keyed(fmt.Sprint(before), `1`), s.keyed("k", `2`))
		for i := range entries {
			entries[i].Outcome = before
		}
		entries[3].IdempotencyKey = fmt.Sprint(before, " too")
		stored := s.append(batch(stream, entries))
		s.check(len(stored) == 3, "an entry without a known key must be stored whatever Outcome it came with, %d: %d of 3 are", before, len(stored))
		s.isDuplicate(entries[1], first)
	}
	s.check(s.bounds(stream).Next == 13, "13 events must be stored, got %d", s.bounds(stream).Next)
	s.gapless(s.everything(stream), 0)
}

func clock(s *suite) {
	a, b, fresh := s.newStream(), s.newStream(), s.newStream()
	last := s.at
	var want, kept []core.Event
	one := func() { s.at = last; want = s.append(batch(a, s.entries(1))) }
	other := func() { s.at = last.Add(-time.Microsecond); kept = s.append(batch(b, s.entries(1))) }
	if s.features.Shards != nil { // whose clock may be one for both
		other()
		one()
		s.at = last.Add(-time.Microsecond)
	} else {
		one()
		other()
	}
	notBefore := s.refused(batch(b, s.entries(2)), batch(fresh, s.keyed("k", `1`)), batch(a, s.entries(1)), batch(b, s.entries(1)))
	s.check(notBefore.Equal(last), "ClockError.Last must be the time of the last event, %v, got %v", last, notBefore)
	s.same(s.everything(a), want)
	s.same(s.everything(b), kept)
	s.check(s.bounds(fresh) == core.Bounds{}, "a refused append must store nothing in any stream, but one that was empty now has %+v", s.bounds(fresh))
	s.at = notBefore
	after := s.keyed("k", `2`)
	s.append(batch(fresh, after), batch(a, s.entries(1)))
	s.check(after[0].Outcome == core.Stored && after[0].Offset == 0, "a refused append must not remember its idempotency keys, nor use up an offset: outcome %d at %d",
		after[0].Outcome, after[0].Offset)
	s.gapless(s.everything(a), 0)
	s.hasBounds(a, 0, 2, last)
}

func equalTime(s *suite) {
	stream := s.newStream()
	var want []core.Event
	for range 3 {
		want = append(want, s.append(batch(stream, s.entries(2)))...)
	}
	s.gapless(want, 0)
	s.same(s.everything(stream), want)
}

func cancelled(s *suite) {
	a, b := s.newStream(), s.newStream()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := s.storage.Append(ctx, s.at, []core.Batch{batch(a, s.keyed("k", `1`)), batch(b, s.entries(1))})
	s.check(err != nil && !errors.Is(err, core.ErrUnknownOutcome), "an append whose context had ended before must fail for certain, got %v", err)
	for _, stream := range []core.ID{a, b} {
		s.check(len(s.everything(stream)) == 0 && s.bounds(stream).Next == 0, "an append that failed must store nothing")
	}
	s.comesBack(a, s.keyed("k", `1`))
}

func cutAppends(s *suite) {
	a, b := s.newStream(), s.newStream()
	failed := map[core.ID]error{}
	for round := range 40 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(round*round)*4*time.Microsecond)
		batches := []core.Batch{batch(a, s.entries(2)), batch(b, s.keyed(fmt.Sprint(round), `1`)), batch(a, s.entries(3))}
		err := s.storage.Append(ctx, s.at, batches)
		cancel()
		for _, b := range batches {
			for _, entry := range b.Entries {
				failed[entry.ID] = err
			}
		}
	}
	got := slices.Concat(s.everything(a), s.everything(b))
	count := map[core.ID]int{}
	for i := range got {
		count[got[i].ID]++
		err := failed[got[i].ID]
		s.check(err == nil || errors.Is(err, core.ErrUnknownOutcome), "the event at %d was stored by an Append that failed for certain: %v", got[i].Offset, err)
	}
	for id, err := range failed {
		s.check(err != nil || count[id] == 1, "an event that Append acknowledged must be in the log once, is %d times", count[id])
	}
	s.check(len(s.everything(a)) == 5*len(s.everything(b)), "an append must store all of its events or none: %d and %d events, of 5 and 1 each",
		len(s.everything(a)), len(s.everything(b)))
	s.gapless(s.everything(a), 0)
	s.gapless(s.everything(b), 0)
}

func inputReused(s *suite) {
	stream := s.newStream()
	entries := s.entries(1)
	payload, context := []byte(`{"kept":"yes"}`), []byte(`{"trace_id":"kept"}`)
	entries[0].Payload, entries[0].Context = payload, context
	s.append(batch(stream, entries))
	copy(payload, `{"kept":"NO!"}`)
	copy(context, `{"trace_id":"GONE"}`)
	entries[0] = core.Entry{}
	got := s.everything(stream)
	s.check(len(got) == 1 && string(got[0].Payload) == `{"kept":"yes"}` && string(got[0].Context) == `{"trace_id":"kept"}`,
		"the adapter must keep nothing of the batches: the log changed with the caller's memory to %q %q", got[0].Payload, got[0].Context)
}
