package catalogtest

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var streams = []guarantee{
	{"a stream is found as it was stored", storedStream},
	{"a stream with the least in every field is found", leastStream},
	{"a stream with the most in every field is found", mostStream},
	{"a stream's times are in UTC to the microsecond", streamTimes},
	{"a live stream's name is taken", takenName},
	{"a stream's id is taken", takenID},
	{"a stream that is not there is not found", noStream},
	{"every name is a name and nothing else", oddStreams},
}

func storedStream(s *suite) {
	org := s.organization()
	first, second := s.created(org, "orders"), s.created(org, "payments")
	s.has(first)
	s.has(second)
}

func leastStream(s *suite) {
	stream := core.Stream{ID: newID(start), Org: s.organization(), Name: "x", RetentionDays: 1, Revision: 1, CreatedAt: start, UpdatedAt: start}
	s.must(s.catalog.CreateStream(context.Background(), stream), "CreateStream")
	s.has(stream)
}

func mostStream(s *suite) {
	stream := newStream(s.organization(), strings.Repeat("\U0001f389", core.MaxStreamNameLength))
	stream.Description = strings.Repeat("\u754c\u202e'\"%", core.MaxDescriptionLength/5)
	stream.RetentionDays, stream.IdempotencyWindowSeconds = core.MaxRetentionDays, math.MaxInt64
	filler := `{"title": "` + `\u0000\ud83c\udf89'` + "\u2028\U0001f389"
	stream.Schema = json.RawMessage(filler + strings.Repeat("x", core.MaxSchemaBytes-len(filler)-2) + `"}`)
	stream.Revision = math.MaxInt64 - 1
	s.must(s.catalog.CreateStream(context.Background(), stream), "CreateStream")
	s.has(stream)
	s.has(s.update(stream, func(stream *core.Stream) { stream.Description = "" }))
}

func streamTimes(s *suite) {
	elsewhere := time.FixedZone("elsewhere", -3*3600)
	given, want := newStream(s.organization(), "orders"), start.Add(time.Hour)
	given.CreatedAt, given.UpdatedAt = start.Add(999).In(elsewhere), want.Add(1).In(elsewhere)
	s.must(s.catalog.CreateStream(context.Background(), given), "CreateStream")
	stored := given
	stored.CreatedAt, stored.UpdatedAt = start, want
	s.has(stored)
	given.Revision, given.UpdatedAt, given.DeletedAt = 2, start.Add(1).In(elsewhere), new(want.Add(999).In(elsewhere))
	s.must(s.catalog.UpdateStream(context.Background(), given), "UpdateStream")
	stored.Revision, stored.UpdatedAt, stored.DeletedAt = 2, start, &want
	s.sameStreams(s.all(everything), []core.Stream{stored})
}

func takenName(s *suite) {
	org := s.organization()
	first := s.created(org, "orders")
	for range 3 {
		s.refused(s.catalog.CreateStream(context.Background(), newStream(org, "orders")), core.CodeConflict, "CreateStream with a taken name")
	}
	s.has(first)
	s.sameStreams(s.all(everything), []core.Stream{first})
	s.has(s.created(org, "Orders"))
	s.has(s.created(org, "orders2"))
}

func takenID(s *suite) {
	org := s.organization()
	first := s.created(org, "orders")
	second := newStream(org, "payments")
	second.ID = first.ID
	s.check(s.catalog.CreateStream(context.Background(), second) != nil, "CreateStream with the id of another stream must fail")
	s.has(first)
	s.nameless(org, "payments")
}

func noStream(s *suite) {
	org := s.organization()
	s.gone(org, newID(start))
	s.nameless(org, "orders")
	stream := s.created(org, "orders")
	s.gone(org, newID(start))
	s.gone(org, core.ID{})
	s.gone(core.ID{}, stream.ID)
	for _, name := range []string{"", "order", "orders ", " orders", "ORDERS", "order_", "%", "%orders%", "orders' or '1'='1", stream.ID.String()} {
		s.nameless(org, name)
	}
	unknown := newStream(org, "unknown")
	unknown.Revision = 2
	s.refused(s.catalog.UpdateStream(context.Background(), unknown), core.CodeNotFound, "UpdateStream of a stream that is not there")
	s.nameless(org, "unknown")
}

func oddStreams(s *suite) {
	org := s.organization()
	want := map[string]core.Stream{}
	for _, name := range oddNames {
		s.nameless(org, name)
		want[name] = s.created(org, name)
	}
	for _, name := range oddNames {
		s.has(want[name])
		s.refused(s.catalog.CreateStream(context.Background(), newStream(org, name)), core.CodeConflict, "CreateStream with a taken name")
	}
	removed := "%"
	s.remove(want[removed])
	for _, name := range oddNames[:20] { // the next stream takes the name that is free, and leaves its own
		s.nameless(org, removed)
		want[removed] = s.update(want[name], func(stream *core.Stream) { stream.Name = removed })
		s.has(want[removed])
		removed = name
	}
}
