package storetest

import (
	"context"
	"reflect"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var copying = []guarantee{
	{"every field of an event comes back as it was put", putFields},
	{"a stream goes over as it is", putStream},
	{"putting again changes nothing", putAgain},
	{"what does not fit is refused as a whole", putRefused},
	{"keys count as where they came from", putKeys},
	{"a key that was taken over stays its last event's", putTakenOver},
	{"a trimmed stream begins where it did", putTrimmed},
	{"an emptied stream keeps its end and its clock", putEmptied},
	{"what the source has removed goes here, too", putRemoves},
	{"Logs shows every stream that ever got an event", logs},
}

// log is the storage as what can be copied.
func (s *suite) log() core.Copyable { return s.storage.(core.Copyable) }

func (s *suite) put(stretch core.Stretch) {
	s.Helper()
	s.must(s.log().Put(context.Background(), stretch), "Put")
}

// stretch is a stream as it is to be put under another id.
func (s *suite) stretch(stream, as core.ID, scan core.Scan) core.Stretch {
	s.Helper()
	scan.Limit = all
	entries, err := s.log().Entries(context.Background(), stream, scan)
	s.must(err, "Entries")
	bounds := s.bounds(stream)
	return core.Stretch{Org: org, Stream: as, First: bounds.First, Last: bounds.Last, Entries: entries}
}

// under is events as another stream has them.
func under(stream core.ID, events []core.Event) []core.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Stream = stream
	}
	return events
}

// putFields fills an event to the last field: one that is added to core.Event must be
// set here, and survive.
func putFields(s *suite) {
	stream, other := s.newStream(), s.newStream()
	entry := core.Entry{Event: core.Event{
		ID: newID(s.at), Stream: stream, Offset: 7, Type: "test.copied", Version: 3, OccurredAt: s.at.Add(-time.Hour), ReceivedAt: s.at,
		Source: "suite", Subject: "a subject", Payload: []byte(` { "a" : 1.10, "ü": "\u00fc" } `), Context: []byte(`{ "trace_id":"x"}`),
		APIKeyID: core.ID{5}, IdempotencyKey: "a key",
	}, Fingerprint: core.Fingerprint{9}}
	fields := reflect.ValueOf(entry.Event)
	for i := range fields.NumField() {
		s.check(!fields.Field(i).IsZero(), "this test must set the field %s of core.Event", fields.Type().Field(i).Name)
	}
	s.put(core.Stretch{Org: org, Stream: stream, First: 7, Entries: []core.Entry{entry}})
	s.same(s.everything(stream), []core.Event{entry.Event})
	got := s.stretch(stream, other, core.Scan{})
	s.check(len(got.Entries) == 1 && reflect.DeepEqual(got.Entries[0], entry), "Entries must return what was put: %+v, got %+v", entry, got.Entries)
}

// putStream copies a week, in parts of all sizes, and appends behind it.
func putStream(s *suite) {
	stream, other := s.newStream(), s.newStream()
	week := s.week(stream)
	for from, size := core.Offset(0), core.Offset(1); from < core.Offset(len(week)); from, size = from+size, size+2 {
		s.put(s.stretch(stream, other, core.Scan{From: from, To: from + size}))
	}
	s.same(s.everything(other), under(other, week))
	last := week[len(week)-1].ReceivedAt
	s.hasBounds(other, 0, core.Offset(len(week)), last)
	for i, event := range week {
		s.offsetAt(other, event.ReceivedAt, core.Offset(i))
	}
	s.same(s.read(other, core.Scan{Backward: true, Limit: 5}), reversed(under(other, week[16:])))
	both := append(slices.Clone(week), under(other, week)...)
	sortEvents(both)
	s.same(s.readAll(org, core.AllScan{Limit: all}), both)
	at := s.at
	s.at = last.Add(-time.Second)
	s.refused(batch(other, s.entries(1)))
	s.at = at
	more := s.append(batch(other, s.entries(2)))
	s.gapless(more, core.Offset(len(week)))
	s.same(s.everything(other), append(under(other, week), more...))
}

func putAgain(s *suite) {
	stream, other := s.newStream(), s.newStream()
	want := under(other, s.append(batch(stream, s.entries(6))))
	for _, scan := range []core.Scan{{To: 4}, {To: 4}, {To: 2}, {From: 1, To: 3}, {From: 3}, {}, {From: 5}} {
		s.put(s.stretch(stream, other, scan))
	}
	s.same(s.everything(other), want)
	s.hasBounds(other, 0, 6, s.at)
}

func putRefused(s *suite) {
	stream, other, empty := s.newStream(), s.newStream(), s.newStream()
	s.append(batch(stream, s.entries(3)))
	s.at = s.at.Add(time.Minute)
	s.append(batch(stream, s.entries(3)))
	s.put(s.stretch(stream, other, core.Scan{To: 4}))
	want := s.everything(other)
	for what, change := range map[string]func(*core.Stretch){
		"another payload":      func(p *core.Stretch) { p.Entries[2].Payload = []byte(`7`) },
		"another id":           func(p *core.Stretch) { p.Entries[0].ID = newID(s.at) },
		"a gap":                func(p *core.Stretch) { p.Entries = p.Entries[5:] },
		"a hole":               func(p *core.Stretch) { p.Entries = slices.Delete(p.Entries, 4, 5) },
		"a step back in time":  func(p *core.Stretch) { p.Entries[4].ReceivedAt = start.Add(-time.Hour) },
		"another organization": func(p *core.Stretch) { p.Org = core.ID{7} },
		"an end before First":  func(p *core.Stretch) { p.First = 5 },
	} {
		p := s.stretch(stream, other, core.Scan{})
		change(&p)
		err := s.log().Put(context.Background(), p)
		s.check(core.CodeOf(err) == core.CodeConflict, "%s must be refused as a %s, got %v", what, core.CodeConflict, err)
		s.same(s.everything(other), want)
		s.hasBounds(other, 0, 4, s.at)
	}
	p := s.stretch(stream, empty, core.Scan{From: 1})
	s.check(core.CodeOf(s.log().Put(context.Background(), p)) == core.CodeConflict, "a gap at the beginning must be refused")
	s.check(len(s.everything(empty)) == 0, "nothing of what is refused may be stored")
	s.put(s.stretch(stream, other, core.Scan{}))
}

func putKeys(s *suite) {
	stream, other := s.newStream(), s.newStream()
	s.append(batch(stream, s.entries(1)))
	first := s.append(batch(stream, s.keyed("k", `1`)))[0]
	s.put(s.stretch(stream, other, core.Scan{}))
	s.at = s.at.Add(time.Hour)
	same, differing := s.keyed("k", `1`), s.keyed("k", `2`)
	s.append(batch(other, same))
	s.isDuplicate(same[0], first)
	s.append(batch(other, differing))
	s.check(differing[0].Outcome == core.Mismatch, "fingerprints must go over: a Mismatch, got outcome %d", differing[0].Outcome)
	late := s.keyed("k", `2`)
	s.appendWithin(first.ReceivedAt.Add(time.Microsecond), other, late)
	s.check(late[0].Outcome == core.Stored, "a key's time must go over: it was received before KeysSince, got outcome %d", late[0].Outcome)
}

// putTakenOver puts the first event while it still has the key, and the second one
// later.
func putTakenOver(s *suite) {
	stream, other, whole := s.newStream(), s.newStream(), s.newStream()
	s.append(batch(stream, s.keyed("k", `1`)))
	s.put(s.stretch(stream, other, core.Scan{}))
	s.at = s.at.Add(time.Hour)
	second := s.keyed("k", `2`)
	s.appendWithin(s.at, stream, second)
	s.put(s.stretch(stream, other, core.Scan{From: 1}))
	s.put(s.stretch(stream, whole, core.Scan{}))
	for _, one := range []core.ID{other, whole} {
		p := s.stretch(one, one, core.Scan{})
		s.check(p.Entries[0].Fingerprint == core.Fingerprint{}, "an event whose key was taken over must have no fingerprint")
		s.check(p.Entries[1].Fingerprint == second[0].Fingerprint, "the fingerprint must be that of the event that has the key")
		again := s.keyed("k", `2`)
		s.append(batch(one, again))
		s.isDuplicate(again[0], p.Entries[1].Event)
	}
}

func putTrimmed(s *suite) {
	stream, other := s.newStream(), s.newStream()
	want := s.week(stream)
	s.trim(stream, want[12].ReceivedAt)
	bounds := s.bounds(stream)
	s.check(bounds.First > 0, "Trim must remove something of a week")
	s.put(s.stretch(stream, other, core.Scan{To: bounds.First + 2}))
	s.put(s.stretch(stream, other, core.Scan{From: bounds.First + 1}))
	s.hasBounds(other, bounds.First, bounds.Next, bounds.Last)
	s.same(s.everything(other), under(other, want[bounds.First:]))
	s.offsetAt(other, start, bounds.First)
	s.trim(other, want[18].ReceivedAt)
	s.trim(stream, want[18].ReceivedAt)
	s.hasBounds(other, s.bounds(stream).First, bounds.Next, bounds.Last)
}

func putEmptied(s *suite) {
	stream, other := s.newStream(), s.newStream()
	s.append(batch(stream, s.entries(4)))
	s.trim(stream, s.at.Add(3*day))
	for range 2 {
		s.put(s.stretch(stream, other, core.Scan{}))
		s.hasBounds(other, 4, 4, s.at)
	}
	last := s.at
	s.at = last.Add(-time.Second)
	s.refused(batch(other, s.entries(1)))
	s.at = last
	more := s.append(batch(other, s.entries(1)))
	s.check(more[0].Offset == 4, "removed offsets must never be given again: the next event must be at 4, got %d", more[0].Offset)
}

// putRemoves puts a stretch that begins within what is there, one that begins behind
// it, and the end of a stream that was emptied.
func putRemoves(s *suite) {
	stream, other := s.newStream(), s.newStream()
	keyed := s.append(batch(stream, s.keyed("k", `1`)))
	s.put(s.stretch(stream, other, core.Scan{}))
	want := slices.Concat(keyed, s.week(stream))
	s.put(s.stretch(stream, other, core.Scan{To: 8}))
	for _, first := range []core.Offset{5, 16, 22} {
		p := s.stretch(stream, other, core.Scan{From: first})
		p.First = first
		s.put(p)
		s.hasBounds(other, first, 22, want[21].ReceivedAt)
		s.same(s.everything(other), under(other, want[first:]))
	}
	again := s.keyed("k", `1`)
	s.append(batch(other, again))
	s.check(again[0].Outcome == core.Stored, "keys must go with their events: Stored, got outcome %d", again[0].Outcome)
	s.check(again[0].Offset == 22, "the next event must be at 22, got %d", again[0].Offset)
}

func logs(s *suite) {
	streams := []core.ID{{0: 0x7f, 15: 1}, {0: 0x80}, {0: 0x7f}, {0: 0xff}}
	for i, stream := range streams {
		b := batch(stream, s.entries(i+1))
		b.Org[3] = byte(i)
		s.append(b)
		s.at = s.at.Add(day)
	}
	s.trim(streams[1], s.at.Add(3*day))
	got, err := s.log().Logs(context.Background())
	s.must(err, "Logs")
	s.check(len(got) == len(streams), "Logs must show %d streams, got %d", len(streams), len(got))
	for i, at := range []int{2, 0, 1, 3} {
		wanted := core.StreamLog{Org: org, Stream: streams[at], Bounds: s.bounds(streams[at])}
		wanted.Org[3] = byte(at)
		s.check(got[i] == wanted, "Logs must show the streams by id, with their organizations and bounds: %+v, got %+v", wanted, got[i])
	}
}
