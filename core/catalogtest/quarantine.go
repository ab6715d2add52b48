package catalogtest

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var quarantines = []guarantee{
	{"an event comes back as it was kept", keptEvent},
	{"events are listed newest first, and by type", listedQuarantine},
	{"an event is kept once for its idempotency key", keptOnce},
	{"events are kept all or none", keptTogether},
	{"an event is released once", releasedOnce},
	{"another organization's quarantine is not found", foreignQuarantine},
	{"a deleted stream takes its quarantine with it", quarantineOfADeletedStream},
	{"old events are forgotten", forgottenQuarantine},
}

func newQuarantined(stream core.Stream, eventType, key string) core.Quarantined {
	at := start.Add(time.Minute)
	return core.Quarantined{
		ID: newID(at), Org: stream.Org,
		Event: core.Event{
			Stream: stream.ID, Type: eventType, Version: 3, OccurredAt: start, ReceivedAt: at, Source: "web", Subject: "o-1",
			Payload: json.RawMessage(" {\"a\" : 1.0e2, \"<\":\"\u2028\"} "), Context: json.RawMessage(`{"trace_id" : "x"}`),
			APIKeyID: newID(start), IdempotencyKey: key,
		},
		Reasons: []core.Detail{{Field: "payload.a", Reason: "got number, want <string>"}},
	}
}

func (s *suite) kept(events ...core.Quarantined) {
	s.Helper()
	s.must(s.catalog.Quarantine(context.Background(), events), "Quarantine")
}

// quarantineHas checks what is in the quarantine of a stream, newest first.
func (s *suite) quarantineHas(org, stream core.ID, want ...core.Quarantined) {
	s.Helper()
	slices.SortFunc(want, func(a, b core.Quarantined) int { return strings.Compare(b.ID.String(), a.ID.String()) })
	got, err := s.catalog.Quarantined(context.Background(), org, stream, core.QuarantineScan{Limit: everything})
	s.must(err, "Quarantined")
	s.check(len(got) == len(want) && (len(want) == 0 || reflect.DeepEqual(got, want)), "Quarantined must be\n%v\nis\n%v", want, got)
	held, err := s.catalog.Held(context.Background(), org)
	s.must(err, "Held")
	s.check(held.Quarantine >= int64(len(want)), "Held must count the %d events in quarantine, counts %d", len(want), held.Quarantine)
	for _, one := range want {
		got, err := s.catalog.QuarantinedEvent(context.Background(), org, stream, one.ID)
		s.must(err, "QuarantinedEvent")
		s.check(reflect.DeepEqual(got, one), "QuarantinedEvent must be\n%v\nis\n%v", one, got)
	}
}

func keptEvent(s *suite) {
	stream := s.created(s.organization(), "orders")
	s.quarantineHas(stream.Org, stream.ID)
	s.kept()
	full, least := newQuarantined(stream, "a", "key"), core.Quarantined{
		ID: newID(start), Org: stream.Org, Reasons: []core.Detail{{Field: "payload"}},
		Event: core.Event{Stream: stream.ID, Type: "a", Version: 1, OccurredAt: start, ReceivedAt: start, Payload: json.RawMessage(`1`)},
	}
	large := newQuarantined(stream, strings.Repeat("\U0001f389", core.MaxTypeLength), strings.Repeat("\u754c", core.MaxIdempotencyKeyLength))
	large.Event.Payload = json.RawMessage(`"` + strings.Repeat("x", core.MaxEventBytes-2) + `"`)
	s.kept(full, least, large)
	s.quarantineHas(stream.Org, stream.ID, full, least, large)
}

func listedQuarantine(s *suite) {
	stream := s.created(s.organization(), "orders")
	var all []core.Quarantined
	for i := range 12 {
		one := newQuarantined(stream, []string{"a", "A", "a%", "b"}[i%4], "")
		one.ID = newID(start.Add(time.Duration(i) * time.Second))
		all = append(all, one)
	}
	s.kept(all...)
	slices.Reverse(all)
	for _, eventType := range []string{"", "a", "a%", "_"} {
		want := slices.DeleteFunc(slices.Clone(all), func(q core.Quarantined) bool { return eventType != "" && q.Event.Type != eventType })
		var got []core.Quarantined
		for before := (core.ID{}); ; before = got[len(got)-1].ID {
			page, err := s.catalog.Quarantined(context.Background(), stream.Org, stream.ID, core.QuarantineScan{EventType: eventType, Before: before, Limit: 2})
			s.must(err, "Quarantined")
			s.check(len(page) <= 2, "Quarantined must return at most 2 events, got %d", len(page))
			got = append(got, page...)
			if len(page) < 2 {
				break
			}
		}
		s.check(len(got) == len(want) && (len(want) == 0 || reflect.DeepEqual(got, want)), "the events of type %q must be listed newest first:\nwant %v\ngot  %v", eventType, want, got)
	}
}

func keptOnce(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	other := s.created(stream.Org, "payments")
	first, elsewhere := newQuarantined(stream, "a", "key"), newQuarantined(other, "a", "key")
	s.kept(first, elsewhere)
	again, fresh, same := newQuarantined(stream, "b", "key"), newQuarantined(stream, "a", "fresh"), newQuarantined(stream, "a", "fresh")
	events := []core.Quarantined{again, fresh, same}
	s.must(s.catalog.Quarantine(ctx, events), "Quarantine")
	for i, want := range []core.ID{first.ID, fresh.ID, fresh.ID} {
		s.check(events[i].ID == want, "event %d must get the id of the one that has its key: want %s, got %s", i, want, events[i].ID)
	}
	s.quarantineHas(stream.Org, stream.ID, first, fresh)
	s.quarantineHas(stream.Org, other.ID, elsewhere)
	ids := make([]core.ID, 8)
	for _, err := range race(len(ids), func(i int) error {
		one := []core.Quarantined{newQuarantined(stream, "a", "raced")}
		err := s.catalog.Quarantine(ctx, one)
		ids[i] = one[0].ID
		return err
	}) {
		s.must(err, "Quarantine")
	}
	for _, id := range ids {
		s.check(id == ids[0], "all that race for a key must get one id, got %v", ids)
	}
	s.must(s.catalog.Release(ctx, stream.Org, stream.ID, first.ID), "Release")
	free := newQuarantined(stream, "a", "key")
	s.kept(free)
	_, err := s.catalog.QuarantinedEvent(ctx, stream.Org, stream.ID, free.ID)
	s.must(err, "QuarantinedEvent")
}

func keptTogether(s *suite) {
	stream := s.created(s.organization(), "orders")
	first := newQuarantined(stream, "a", "")
	s.kept(first)
	for _, key := range []string{"", "key"} {
		taken := newQuarantined(stream, "a", key)
		taken.ID = first.ID
		s.check(s.catalog.Quarantine(context.Background(), []core.Quarantined{newQuarantined(stream, "a", ""), newQuarantined(stream, "a", "b"), taken}) != nil,
			"Quarantine with a taken id must fail")
	}
	s.quarantineHas(stream.Org, stream.ID, first)
}

func releasedOnce(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	goes, stays := newQuarantined(stream, "a", ""), newQuarantined(stream, "a", "")
	s.kept(goes, stays)
	s.won(race(8, func(int) error { return s.catalog.Release(ctx, stream.Org, stream.ID, goes.ID) }), core.CodeNotFound, "Release")
	_, err := s.catalog.QuarantinedEvent(ctx, stream.Org, stream.ID, goes.ID)
	s.refused(err, core.CodeNotFound, "QuarantinedEvent that was released")
	s.quarantineHas(stream.Org, stream.ID, stays)
}

func foreignQuarantine(s *suite) {
	ctx := context.Background()
	mine, theirs := s.created(s.organization(), "orders"), s.created(s.organization(), "orders")
	sibling := s.created(mine.Org, "payments")
	event := newQuarantined(mine, "a", "key")
	s.kept(event)
	for _, of := range []struct{ org, stream core.ID }{{theirs.Org, mine.ID}, {theirs.Org, theirs.ID}, {mine.Org, sibling.ID}, {mine.Org, theirs.ID}, {}} {
		_, err := s.catalog.QuarantinedEvent(ctx, of.org, of.stream, event.ID)
		s.refused(err, core.CodeNotFound, "QuarantinedEvent of another stream")
		s.refused(s.catalog.Release(ctx, of.org, of.stream, event.ID), core.CodeNotFound, "Release of another stream's event")
		s.quarantineHas(of.org, of.stream)
	}
	s.quarantineHas(mine.Org, mine.ID, event)
}

func quarantineOfADeletedStream(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	event := newQuarantined(stream, "a", "key")
	s.kept(event)
	s.remove(stream)
	s.quarantineHas(stream.Org, stream.ID)
	_, err := s.catalog.QuarantinedEvent(ctx, stream.Org, stream.ID, event.ID)
	s.refused(err, core.CodeNotFound, "QuarantinedEvent of a deleted stream")
	s.refused(s.catalog.Release(ctx, stream.Org, stream.ID, event.ID), core.CodeNotFound, "Release of a deleted stream's event")
	held, err := s.catalog.Held(ctx, stream.Org)
	s.must(err, "Held")
	s.check(held.Quarantine == 0, "Held must not count the quarantine of a deleted stream")
	s.must(s.catalog.ForgetQuarantined(ctx, start.AddDate(1, 0, 0)), "ForgetQuarantined")
}

func forgottenQuarantine(s *suite) {
	ctx := context.Background()
	stream := s.created(s.organization(), "orders")
	other := newStream(stream.Org, "payments")
	other.RetentionDays++
	s.must(s.catalog.CreateStream(ctx, other), "CreateStream")
	old, fresh, elsewhere := newQuarantined(stream, "a", ""), newQuarantined(stream, "a", ""), newQuarantined(other, "a", "")
	old.Event.ReceivedAt, elsewhere.Event.ReceivedAt = start.Add(-time.Microsecond), start.Add(-time.Hour)
	fresh.Event.ReceivedAt = start
	s.kept(old, fresh, elsewhere)
	s.must(s.catalog.ForgetQuarantined(ctx, start.AddDate(0, 0, stream.RetentionDays)), "ForgetQuarantined")
	s.quarantineHas(stream.Org, stream.ID, fresh)
	s.quarantineHas(other.Org, other.ID, elsewhere)
}
