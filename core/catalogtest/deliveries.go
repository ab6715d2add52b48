package catalogtest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var deliveries = []guarantee{
	{"an attempt is found as it was noted", storedDelivery},
	{"attempts are listed newest first within a scan", scannedDeliveries},
	{"another organization's attempts are not there", foreignDelivery},
	{"of many attempts the oldest are removed", trimmedDeliveries},
	{"a note is made as a whole or not at all", wholeNote},
	{"a processor fails from its first failure to its next success", failingSince},
	{"counts are added by the hour", countedHours},
	{"of many notes at once each counts", racingNotes},
	{"attempts and counts are forgotten by their age", forgottenDeliveries},
}

// newDelivery makes up an attempt with something in every field, and with characters
// that a store may trip over.
func newDelivery(p core.Processor, at time.Time) core.DeliveryAttempt {
	return core.DeliveryAttempt{
		ID: newID(at), Org: p.Org, Stream: p.Stream, Processor: p.ID, Event: newID(at), Offset: 1 << 60, EventType: "order.paid", Number: 3,
		At: at, Latency: core.Seconds(1500 * time.Microsecond), Outcome: core.Retrying, Status: 503,
		Response: "<html>\x00 \u202e'it' is \u2028 \"away\"", Error: "the destination answers 503 \\", NextTry: new(at.Add(time.Minute)),
	}
}

// note makes a note that has no reason to fail.
func (s *suite) note(note core.DeliveryNote) {
	s.Helper()
	s.must(s.catalog.NoteDelivery(context.Background(), note), "NoteDelivery")
}

// noted notes attempts of one processor.
func (s *suite) noted(p core.Processor, attempts ...core.DeliveryAttempt) {
	s.Helper()
	s.note(core.DeliveryNote{Processor: p.ID, At: start, Attempts: attempts})
}

// listsDeliveries checks which attempts of a processor a scan finds, and in which order.
func (s *suite) listsDeliveries(p core.Processor, scan core.DeliveryScan, want ...core.DeliveryAttempt) {
	s.Helper()
	if scan.Limit == 0 {
		scan.Limit = everything
	}
	got, err := s.catalog.Deliveries(context.Background(), p.Org, p.ID, scan)
	s.must(err, "Deliveries")
	s.check(len(got) == len(want), "Deliveries(%+v) must return %d, got %d", scan, len(want), len(got))
	for i := range want {
		s.check(reflect.DeepEqual(got[i], want[i]), "Deliveries(%+v) must return at %d\nwant %+v\ngot  %+v", scan, i, want[i], got[i])
	}
}

// counted checks what processors did since a time.
func (s *suite) counted(since time.Time, ids []core.ID, want ...core.DeliveryCount) {
	s.Helper()
	got, err := s.catalog.DeliveryCounts(context.Background(), ids, since)
	s.must(err, "DeliveryCounts")
	s.check(len(got) == len(want) && (len(got) == 0 || reflect.DeepEqual(got, want)),
		"DeliveryCounts since %s must be\nwant %+v\ngot  %+v", since.Format(time.RFC3339Nano), want, got)
}

func storedDelivery(s *suite) {
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	full := newDelivery(p, start)
	least := core.DeliveryAttempt{ID: newID(start.Add(time.Second)), Org: p.Org, Stream: p.Stream, Processor: p.ID, At: start, Outcome: core.Delivered}
	given := full
	given.At, given.NextTry = full.At.In(time.FixedZone("", 3600)).Add(999), new(full.NextTry.Add(999))
	s.noted(p, given, least)
	for _, want := range []core.DeliveryAttempt{full, least} {
		got, err := s.catalog.Delivery(context.Background(), p.Org, want.ID)
		s.must(err, "Delivery")
		s.check(reflect.DeepEqual(got, want), "the attempt must come back as it was noted:\nwant %+v\ngot  %+v", want, got)
	}
	_, err := s.catalog.Delivery(context.Background(), p.Org, newID(start))
	s.refused(err, core.CodeNotFound, "Delivery of an attempt that is not there")
	s.hasProcessor(p)
}

func scannedDeliveries(s *suite) {
	stream := s.created(s.organization(), "orders")
	p, neighbour := s.createdProcessor(stream, "mail"), s.createdProcessor(stream, "bill")
	s.noted(neighbour, newDelivery(neighbour, start))
	newest := make([]core.DeliveryAttempt, 6)
	outcomes := []core.DeliveryOutcome{core.Delivered, core.Retrying, core.Dead}
	for i := range newest {
		newest[i] = newDelivery(p, start.Add(-time.Duration(i)*time.Second))
		newest[i].Outcome = outcomes[i%3]
	}
	s.noted(p, newest[1], newest[4], newest[0])
	s.noted(p, newest[5], newest[3], newest[2])
	s.listsDeliveries(p, core.DeliveryScan{}, newest...)
	s.listsDeliveries(p, core.DeliveryScan{Limit: 2}, newest[:2]...)
	s.listsDeliveries(p, core.DeliveryScan{Before: newest[1].ID, Limit: 2}, newest[2:4]...)
	s.listsDeliveries(p, core.DeliveryScan{Before: newest[5].ID})
	s.listsDeliveries(p, core.DeliveryScan{Outcome: core.Dead}, newest[2], newest[5])
	s.listsDeliveries(p, core.DeliveryScan{Event: newest[3].Event}, newest[3])
	s.listsDeliveries(p, core.DeliveryScan{Event: newID(start)})
	s.listsDeliveries(p, core.DeliveryScan{Outcome: core.Dead, Before: newest[2].ID}, newest[5])
	s.listsDeliveries(core.Processor{Group: core.Group{ID: newID(start), Org: p.Org}}, core.DeliveryScan{})
}

func foreignDelivery(s *suite) {
	mine := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	theirs := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	attempt := newDelivery(mine, start)
	s.noted(mine, attempt)
	_, err := s.catalog.Delivery(context.Background(), theirs.Org, attempt.ID)
	s.refused(err, core.CodeNotFound, "Delivery of another organization's attempt")
	stranger := mine
	stranger.Org = theirs.Org
	s.listsDeliveries(stranger, core.DeliveryScan{})
	s.listsDeliveries(theirs, core.DeliveryScan{})
	s.listsDeliveries(mine, core.DeliveryScan{}, attempt)
}

// A processor that fails all the time notes without end. Of about as many attempts as
// are kept, none may be older than one that was removed.
func trimmedDeliveries(s *suite) {
	const lot, lots = 1500, 10
	stream := s.created(s.organization(), "orders")
	busy, calm := s.createdProcessor(stream, "busy"), s.createdProcessor(stream, "calm")
	old := newDelivery(calm, start.Add(-time.Hour))
	s.noted(calm, old)
	for i := range lots {
		attempts := make([]core.DeliveryAttempt, lot)
		for j := range attempts {
			at := start.Add(time.Duration(i*lot+j) * time.Millisecond)
			attempts[j] = core.DeliveryAttempt{ID: newID(at), Org: busy.Org, Stream: busy.Stream, At: at, Outcome: core.Retrying}
		}
		s.noted(busy, attempts...)
	}
	kept, err := s.catalog.Deliveries(context.Background(), busy.Org, busy.ID, core.DeliveryScan{Limit: 2 * lot * lots})
	s.must(err, "Deliveries")
	const fewest, most = core.MaxDeliveryAttempts, core.MaxDeliveryAttempts * 5 / 4
	s.check(len(kept) >= fewest && len(kept) <= most, "of %d attempts %d to %d must be kept, got %d", lot*lots, fewest, most, len(kept))
	newest := start.Add((lot*lots - 1) * time.Millisecond)
	oldest := newest.Add(-time.Duration(len(kept)-1) * time.Millisecond)
	s.check(kept[0].At.Equal(newest) && kept[len(kept)-1].At.Equal(oldest), "the newest %d attempts must be kept, got those from %s to %s", len(kept), kept[len(kept)-1].At, kept[0].At)
	s.listsDeliveries(calm, core.DeliveryScan{}, old)
}

// A note of which a part cannot be stored leaves nothing behind.
func wholeNote(s *suite) {
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	there := newDelivery(p, start)
	s.noted(p, there)
	err := s.catalog.NoteDelivery(context.Background(), core.DeliveryNote{
		Processor: p.ID, At: start, Count: core.DeliveryCount{Failed: 1}, FailedAt: new(start),
		Attempts: []core.DeliveryAttempt{newDelivery(p, start), there},
	})
	s.check(err != nil, "NoteDelivery of an attempt whose id is taken must fail")
	s.listsDeliveries(p, core.DeliveryScan{}, there)
	s.counted(start, []core.ID{p.ID}, core.DeliveryCount{})
	s.hasProcessor(p)
}

func failingSince(s *suite) {
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	at := func(seconds int) *time.Time { return new(start.Add(time.Duration(seconds) * time.Second)) }
	for i, step := range []struct {
		recovered    bool
		failed, want *time.Time
	}{
		{false, nil, nil},      // nothing failed
		{true, nil, nil},       // all went well
		{false, at(1), at(1)},  // the first failure
		{false, at(2), at(1)},  // one more
		{false, nil, at(1)},    // nothing was tried
		{true, at(4), at(4)},   // a success, and a failure after it
		{true, nil, nil},       // a success after all failures
		{false, at(6), at(6)},  // it fails again
		{true, at(7), at(7)},   // and again after a success
		{false, at(99), at(7)}, // and goes on
	} {
		s.note(core.DeliveryNote{Processor: p.ID, At: start, Recovered: step.recovered, FailedAt: step.failed})
		got, err := s.catalog.Processor(context.Background(), p.Org, p.ID)
		s.must(err, "Processor")
		s.check(reflect.DeepEqual(got.FailingSince, step.want), "after note %d the processor must fail since %v, not %v", i, step.want, got.FailingSince)
	}
	s.note(core.DeliveryNote{Processor: newID(start), At: start, FailedAt: new(start), Count: core.DeliveryCount{Failed: 1}})
}

func countedHours(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	p, q := s.createdProcessor(stream, "mail"), s.createdProcessor(stream, "bill")
	hour := start.Truncate(time.Hour)
	count := func(n int64) core.DeliveryCount {
		return core.DeliveryCount{Delivered: n, Filtered: 2 * n, Failed: 3 * n, Latency: core.Seconds(n) * core.Seconds(time.Microsecond)}
	}
	for _, note := range []core.DeliveryNote{
		{Processor: p.ID, At: hour.Add(-time.Microsecond), Count: count(1)},
		{Processor: p.ID, At: hour.In(time.FixedZone("", 1800)), Count: count(10)},
		{Processor: p.ID, At: hour.Add(time.Hour - time.Microsecond), Count: count(100)},
		{Processor: p.ID, At: hour.Add(time.Hour), Count: count(1000)},
		{Processor: q.ID, At: hour, Count: count(1 << 40)},
		{Processor: q.ID, At: hour.Add(5 * time.Hour)},
	} {
		s.note(note)
	}
	none, both := core.DeliveryCount{}, []core.ID{q.ID, newID(start), p.ID}
	s.counted(time.Time{}.AddDate(1970, 0, 0), both, count(1<<40), none, count(1111))
	s.counted(hour.Add(-time.Microsecond), both, count(1<<40), none, count(1111))
	s.counted(hour, both, count(1<<40), none, count(1110))
	s.counted(hour.Add(time.Hour-1).In(time.FixedZone("", 1800)), both, count(1<<40), none, count(1110))
	s.counted(hour.Add(time.Hour), both, none, none, count(1000))
	s.counted(hour.Add(2*time.Hour), []core.ID{p.ID}, none)
	s.counted(hour, []core.ID{p.ID, q.ID}, count(1110), count(1<<40))
	got, err := s.catalog.DeliveryCounts(ctx, nil, hour)
	s.must(err, "DeliveryCounts")
	s.check(len(got) == 0, "DeliveryCounts of no processors must be none, got %+v", got)
}

func racingNotes(s *suite) {
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	attempts := make([]core.DeliveryAttempt, callers)
	for i := range attempts {
		attempts[i] = newDelivery(p, start.Add(time.Duration(i)*time.Second))
	}
	for i, err := range race(callers, func(i int) error {
		return s.catalog.NoteDelivery(context.Background(), core.DeliveryNote{
			Processor: p.ID, At: start, Count: core.DeliveryCount{Failed: 1}, FailedAt: new(start), Attempts: attempts[i : i+1],
		})
	}) {
		s.must(err, fmt.Sprintf("NoteDelivery %d of %d at once", i, callers))
	}
	slices.SortFunc(attempts, func(a, b core.DeliveryAttempt) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	s.listsDeliveries(p, core.DeliveryScan{}, attempts...)
	s.counted(start, []core.ID{p.ID}, core.DeliveryCount{Failed: callers})
}

func forgottenDeliveries(s *suite) {
	ctx := context.Background()
	p := s.createdProcessor(s.created(s.organization(), "orders"), "mail")
	hour := start.Truncate(time.Hour)
	var attempts []core.DeliveryAttempt
	for i, at := range []time.Time{hour.Add(time.Hour), hour.Add(time.Microsecond), hour, hour.Add(-time.Microsecond)} {
		attempt := newDelivery(p, hour.Add(-time.Duration(i)*time.Second)) // an attempt's age is its At
		attempt.At = at
		attempts = append(attempts, attempt)
		s.note(core.DeliveryNote{Processor: p.ID, At: at, Count: core.DeliveryCount{Delivered: 1}, Attempts: []core.DeliveryAttempt{attempt}})
	}
	counts := func(want int64) {
		s.Helper()
		s.counted(hour.Add(-time.Hour), []core.ID{p.ID}, core.DeliveryCount{Delivered: want})
	}
	s.must(s.catalog.ForgetDeliveries(ctx, hour.Add(-time.Minute)), "ForgetDeliveries")
	s.listsDeliveries(p, core.DeliveryScan{}, attempts...)
	counts(4)
	s.must(s.catalog.ForgetDeliveries(ctx, hour.Add(time.Microsecond)), "ForgetDeliveries")
	s.listsDeliveries(p, core.DeliveryScan{}, attempts[:2]...)
	counts(3)
	s.must(s.catalog.ForgetDeliveries(ctx, hour.Add(time.Hour-1)), "ForgetDeliveries")
	s.listsDeliveries(p, core.DeliveryScan{}, attempts[:1]...)
	counts(3)
	s.must(s.catalog.ForgetDeliveries(ctx, hour.Add(48*time.Hour)), "ForgetDeliveries")
	s.listsDeliveries(p, core.DeliveryScan{})
	counts(0)
	s.hasProcessor(p)
}
