package storetest

import (
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var archiving = []guarantee{
	{"events come back from the archive as they were stored", archivedFields},
	{"a stream is read over both places as over one", archivedReads},
	{"bounds, and offsets at times, do not change", archivedBounds},
	{"no event of a day that is not over is handed over", handOverKeeps},
	{"all of a day that is over is handed over", handOverMoves},
	{"events of all streams are merged, each of them once", archivedAll},
	{"keys of what has left the store are forgotten, and no others", archivedKeys},
	{"handing over again changes nothing", handOverAgain},
	{"appends and reads go on while events are handed over", handOverMeanwhile},
	{"what Trim removes is gone from both places", archivedTrim},
	{"what is discarded is gone, and the rest stays", archiveDiscarded},
	{"other streams stay in the store", handOverOthers},
	{"work for one organization sees and removes nothing of another one", archivedWall},
}

// tier is the storage as what has an archive.
func (s *suite) tier() core.Tiered { return s.storage.(core.Tiered) }

func (s *suite) handOver(stream core.ID, before time.Time) core.HandedOver {
	s.Helper()
	done, err := s.tier().HandOver(context.Background(), org, stream, before)
	s.must(err, "HandOver")
	return done
}

func (s *suite) archived(stream core.ID) core.Archived {
	s.Helper()
	all, err := s.tier().Archived(context.Background(), []core.ID{stream})
	s.must(err, "Archived")
	s.check(len(all) == 1, "Archived of one stream must answer one element, got %d", len(all))
	return all[0]
}

func archivedFields(s *suite) {
	stream := s.newStream()
	var entries []core.Entry
	for i, payload := range payloads {
		entry := s.entries(1)[0]
		entry.Payload, entry.Version, entry.OccurredAt = []byte(payload), int32(i+1), s.at.Add(-time.Duration(i)*time.Microsecond)
		text := awkward[i%len(awkward)]
		entry.Type, entry.Source, entry.Subject = text+"t", text+"s", text
		entry.IdempotencyKey, entry.Fingerprint = text+payload, core.Fingerprint{byte(i)}
		if i%2 == 0 {
			entry.Context, entry.APIKeyID = []byte(" {\"trace_id\" : \"x\\u0041\\n\",\n\"a\":\"'\\\\N\"} "), newID(s.at)
		}
		entries = append(entries, entry)
	}
	want := s.append(batch(stream, entries))
	s.at = s.at.Add(3 * day)
	want = append(want, s.append(batch(stream, s.entries(1)))...)
	done := s.handOver(stream, s.at)
	s.check(done.Events == int64(len(payloads)) && done.Objects > 0 && done.Bytes > 0, "%d events must be handed over, got %+v", len(payloads), done)
	s.same(s.everything(stream), want)
}

// weekHandedOver is a week of events of which all but the last days are in the archive.
func (s *suite) weekHandedOver(stream core.ID) (week []core.Event, kept core.Offset) {
	s.Helper()
	week = s.week(stream)
	done := s.handOver(stream, week[15].ReceivedAt)
	s.check(done.Events == 15 && s.archived(stream).Next == 15, "five days of the week must be in the archive, got %+v", done)
	return week, done.Kept
}

func archivedReads(s *suite) {
	stream := s.newStream()
	week, kept := s.weekHandedOver(stream)
	s.same(s.everything(stream), week)
	for from := core.Offset(0); from < 21; from += 2 {
		for _, limit := range []int{1, 4, 30} {
			s.same(s.read(stream, core.Scan{From: from, Limit: limit}), week[from:min(int(from)+limit, 21)])
			to := from + 5
			ranged := week[from:min(int(to), 21)]
			s.same(s.read(stream, core.Scan{From: from, To: to, Limit: limit}), ranged[:min(limit, len(ranged))])
			back := reversed(ranged)
			s.same(s.read(stream, core.Scan{From: from, To: to, Limit: limit, Backward: true}), back[:min(limit, len(back))])
		}
	}
	s.same(s.read(stream, core.Scan{Backward: true, Limit: 9}), reversed(week[12:]))
	s.same(s.read(stream, core.Scan{From: kept - 2, Limit: all, Bytes: 3 * week[0].Size()}), week[kept-2:kept+1])
	for _, event := range []core.Event{week[0], week[kept-1], week[20]} {
		s.same(s.read(stream, core.Scan{Limit: all, Filter: core.Filter{ID: event.ID}}), []core.Event{event})
		s.same(s.read(stream, core.Scan{Limit: 1, Backward: true, Filter: core.Filter{ID: event.ID}}), []core.Event{event})
	}
	s.check(len(s.read(stream, core.Scan{From: 21, Limit: 1})) == 0, "behind the end there must be nothing")
}

func archivedBounds(s *suite) {
	stream := s.newStream()
	week, _ := s.weekHandedOver(stream)
	s.hasBounds(stream, 0, 21, week[20].ReceivedAt)
	for i, event := range week {
		s.offsetAt(stream, event.ReceivedAt, core.Offset(i))
		s.offsetAt(stream, event.ReceivedAt.Add(time.Nanosecond), core.Offset(i+1))
		s.offsetAt(stream, event.ReceivedAt.Add(-time.Minute), core.Offset(i))
	}
	s.offsetAt(stream, time.Time{}, 0)
	for i, event := range week {
		at, err := s.tier().ArchivedAt(context.Background(), stream, core.Offset(i))
		s.must(err, "ArchivedAt")
		s.check(i >= 15 && at.IsZero() || i < 15 && at.Truncate(day).Equal(event.ReceivedAt.Truncate(day)),
			"ArchivedAt of offset %d must be on the day of %v, and zero behind the archive, is %v", i, event.ReceivedAt, at)
	}
	sum := s.archived(stream)
	s.check(sum.First == 0 && sum.Events == 15 && sum.OldestAt.Equal(week[0].ReceivedAt) && sum.NewestAt.Equal(week[14].ReceivedAt) && sum.Objects > 0 && sum.ObjectBytes > 0 &&
		sum.Bytes >= 15, "Archived must say what is there, got %+v", sum)
}

func handOverKeeps(s *suite) {
	stream := s.newStream()
	week := s.week(stream)
	for _, before := range trimTimes(week) {
		s.handOver(stream, before)
		for _, event := range week[:s.archived(stream).Next] {
			s.check(event.ReceivedAt.Before(before), "HandOver before %v must keep the event received at %v in the store", before, event.ReceivedAt)
		}
		s.same(s.everything(stream), week)
	}
}

func handOverMoves(s *suite) {
	stream := s.newStream()
	week := s.week(stream)
	for _, before := range trimTimes(week) {
		s.handOver(stream, before)
		for _, event := range week[s.archived(stream).Next:] {
			s.check(!event.ReceivedAt.Add(day).Before(before), "HandOver before %v must hand over the event received at %v", before, event.ReceivedAt)
		}
	}
	done := s.handOver(stream, s.at.Add(2*day))
	s.check(s.archived(stream).Next == 21 && done.Kept > 0, "a stream without newer events must be handed over as well, got %+v", done)
	s.same(s.everything(stream), week)
}

func archivedAll(s *suite) {
	streams := s.newStreams(3)
	var want []core.Event
	for range 9 {
		want = append(want, s.append(batch(streams[0], s.entries(2)), batch(streams[1], s.entries(1)), batch(streams[2], s.entries(1)))...)
		s.at = s.at.Add(9 * time.Hour)
	}
	s.handOver(streams[0], s.at.Add(-day))
	s.handOver(streams[1], s.at.Add(2*day))
	sortEvents(want)
	s.same(s.readAll(org, core.AllScan{Limit: all}), want)
	s.same(s.readAll(org, core.AllScan{Limit: all, Backward: true}), reversed(want))
	s.check(len(s.readAll(newID(start), core.AllScan{Limit: all})) == 0, "another organization must see nothing of it")
	for i := range want {
		at := position(&want[i])
		s.same(s.readAll(org, core.AllScan{After: at, Limit: 3}), want[i+1:min(i+4, len(want))])
		back := reversed(want[:i])
		s.same(s.readAll(org, core.AllScan{Before: at, Limit: 3, Backward: true}), back[:min(3, len(back))])
	}
}

func archivedKeys(s *suite) {
	stream := s.newStream()
	s.append(batch(stream, s.keyed("old", `1`)))
	s.at = s.at.Add(3 * day)
	kept := s.append(batch(stream, s.keyed("new", `1`)))[0]
	s.handOver(stream, s.at)
	again := slices.Concat(s.keyed("old", `2`), s.keyed("new", `1`))
	s.append(batch(stream, again))
	s.check(again[0].Outcome == core.Stored && again[0].Offset == 2,
		"the key of an event that has left the store is not remembered: a new event takes it at 2, got outcome %d at %d", again[0].Outcome, again[0].Offset)
	s.isDuplicate(again[1], kept)
}

func handOverAgain(s *suite) {
	stream := s.newStream()
	week, _ := s.weekHandedOver(stream)
	sum := s.archived(stream)
	for _, before := range []time.Time{week[15].ReceivedAt, start, {}, start.Add(-100 * day)} {
		done := s.handOver(stream, before)
		s.check(done.Events == 0 && s.archived(stream) == sum, "nothing must be handed over again, got %+v", done)
		s.same(s.everything(stream), week)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, _ = s.tier().HandOver(ctx, org, stream, s.at.Add(2*day)) // interrupted, at whatever point
	s.same(s.everything(stream), week)
	s.handOver(stream, s.at.Add(2*day))
	s.check(s.archived(stream).Events == 21, "all of the week must be in the archive then")
	s.same(s.everything(stream), week)
}

// handOverMeanwhile hands day after day over while events are appended, and everything is
// read.
func handOverMeanwhile(s *suite) {
	stream := s.newStream()
	want := s.week(stream)
	moved := make(chan error, 1)
	go func() {
		var err error
		for before := start; err == nil && before.Before(s.at.Add(day)); before = before.Add(12 * time.Hour) {
			_, err = s.tier().HandOver(context.Background(), org, stream, before)
		}
		moved <- err
	}()
	for done := false; !done; {
		select {
		case err := <-moved:
			s.must(err, "HandOver")
			done = true
		default:
		}
		want = append(want, s.append(batch(stream, s.entries(1)))...)
		s.same(s.everything(stream), want)
		s.same(s.read(stream, core.Scan{Backward: true, Limit: 20}), reversed(want)[:20])
		s.same(s.readAll(org, core.AllScan{Limit: 30}), want[:min(30, len(want))])
		s.offsetAt(stream, want[3].ReceivedAt, 3)
	}
}

func archivedTrim(s *suite) {
	stream := s.newStream()
	week, _ := s.weekHandedOver(stream)
	for _, before := range trimTimes(week) {
		s.trim(stream, before)
		first := s.bounds(stream).First
		for i := range week {
			removed := core.Offset(i) < first
			s.check(!removed || week[i].ReceivedAt.Before(before), "Trim before %v must keep the event received at %v", before, week[i].ReceivedAt)
			s.check(removed || !week[i].ReceivedAt.Add(day).Before(before), "Trim before %v must remove the event received at %v", before, week[i].ReceivedAt)
		}
		s.same(s.everything(stream), week[first:])
		s.same(s.readAll(org, core.AllScan{Limit: all}), week[first:])
		s.offsetAt(stream, start, first)
	}
	s.trim(stream, s.at.Add(2*day))
	s.hasBounds(stream, 21, 21, week[20].ReceivedAt)
	s.check(s.archived(stream) == core.Archived{}, "nothing must be left in the archive, got %+v", s.archived(stream))
	more := s.append(batch(stream, s.entries(1)))
	s.check(more[0].Offset == 21, "removed offsets must never be given again, got %d", more[0].Offset)
}

func archiveDiscarded(s *suite) {
	stream, other := s.newStream(), s.newStream()
	week, kept := s.weekHandedOver(stream)
	s.at = start.Add(8 * day)
	others, _ := s.weekHandedOver(other)
	for range 2 {
		s.must(s.tier().DiscardArchive(context.Background(), stream), "DiscardArchive")
		s.hasBounds(stream, kept, 21, week[20].ReceivedAt)
		s.same(s.everything(stream), week[kept:])
		s.check(s.archived(stream) == core.Archived{}, "nothing must be left in the archive, got %+v", s.archived(stream))
		s.same(s.everything(other), others)
	}
}

func handOverOthers(s *suite) {
	stream, other := s.newStream(), s.newStream()
	s.weekHandedOver(stream)
	s.at = start.Add(8 * day)
	others := s.week(other)
	s.handOver(stream, s.at)
	s.check(s.archived(other) == core.Archived{}, "another stream must stay in the store, got %+v", s.archived(other))
	s.same(s.everything(other), others)
	s.handOver(s.newStream(), s.at)
}

func archivedWall(s *suite) {
	stream := s.newStream()
	week, kept := s.weekHandedOver(stream)
	me := core.ContextWithOrganization(context.Background(), core.ID{0: 2, 15: 2})
	for range 2 {
		s.same(s.everything(stream), week) // so that the tier knows where the stream begins in the store
		for _, scan := range []core.Scan{{Limit: all}, {Limit: all, Backward: true}, {To: kept, Limit: 3, Backward: true}} {
			events, err := s.storage.Read(me, stream, scan)
			s.check(len(events) == 0, "Read for another organization must see nothing of what is in the archive, got %d events, %v", len(events), err)
		}
		events, err := s.storage.ReadAll(me, org, core.AllScan{Limit: all})
		s.check(len(events) == 0, "ReadAll for another organization must see nothing of what is in the archive, got %d events, %v", len(events), err)
		bounds, err := s.storage.Bounds(me, []core.ID{stream})
		s.must(err, "Bounds")
		s.check(bounds[0] == core.Bounds{}, "Bounds for another organization must be zero, got %+v", bounds[0])
	}
}
