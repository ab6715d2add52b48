package catalogtest

import (
	"context"
	"encoding/json"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var changes = []guarantee{
	{"a change replaces every field that may change", changedStream},
	{"a change needs the revision before it", revisions},
	{"a stream cannot take the name of another", renamedToTaken},
	{"a name that was given up is free", renamedAway},
	{"a deleted stream is gone", deletedStream},
	{"a removal is noted beside the settings", notedRemoval},
	{"a deleted stream's name is free", deletedName},
}

func changedStream(s *suite) {
	org := s.organization()
	untouched := s.created(org, "payments")
	stream := s.update(s.created(org, "orders"), func(stream *core.Stream) {
		stream.Name, stream.Description, stream.RetentionDays, stream.IdempotencyWindowSeconds = "sales", "changed", 7, 60
		stream.RetentionBytes, stream.RetentionEvents, stream.HotDays = 1, 2, 3
		stream.Schema, stream.UpdatedAt = json.RawMessage(`{ }`), start.Add(time.Hour)
	})
	s.has(stream)
	stream = s.update(stream, func(stream *core.Stream) {
		stream.Description, stream.IdempotencyWindowSeconds, stream.Schema = "", 0, nil
		stream.RetentionBytes, stream.RetentionEvents, stream.HotDays = 0, 0, 0
	})
	s.has(stream)
	s.has(s.update(stream, func(*core.Stream) {}))
	s.has(untouched)
}

func revisions(s *suite) {
	org := s.organization()
	stream := s.created(org, "orders")
	other := s.created(org, "payments")
	refuse := func(revision int64, name string) {
		s.Helper()
		changed := stream
		changed.Revision, changed.Name, changed.Description = revision, name, "too late"
		s.refused(s.catalog.UpdateStream(context.Background(), changed), core.CodePreconditionFailed, "UpdateStream that does not follow the stored Revision")
		changed.DeletedAt = &start
		s.refused(s.catalog.UpdateStream(context.Background(), changed), core.CodePreconditionFailed, "UpdateStream that does not follow the stored Revision")
		s.has(stream)
	}
	for range 3 {
		for _, wrong := range []int64{-1, 0, stream.Revision - 1, stream.Revision, stream.Revision + 2, stream.Revision + 100} {
			refuse(wrong, "orders")
			refuse(wrong, "other")
		}
		refuse(stream.Revision, other.Name) // the revision is checked before the name
		stream = s.update(stream, func(stream *core.Stream) { stream.RetentionDays++ })
		s.has(stream)
	}
}

func renamedToTaken(s *suite) {
	org := s.organization()
	first, second := s.created(org, "orders"), s.created(org, "payments")
	changed := second
	changed.Name, changed.Description, changed.Revision = "orders", "changed", 2
	s.refused(s.catalog.UpdateStream(context.Background(), changed), core.CodeConflict, "UpdateStream to a taken name")
	s.has(first)
	s.has(second)
	s.has(s.update(second, func(stream *core.Stream) { stream.Name = "Orders" }))
}

func renamedAway(s *suite) {
	org := s.organization()
	first := s.update(s.created(org, "orders"), func(stream *core.Stream) { stream.Name = "old orders" })
	s.nameless(org, "orders")
	second := s.created(org, "orders")
	s.has(first)
	s.has(second)
	s.sameStreams(s.list(org, everything), []core.Stream{first, second})
}

func deletedStream(s *suite) {
	org := s.organization()
	kept := s.created(org, "payments")
	stream := s.created(org, "orders")
	deleted := s.remove(stream)
	for range 2 {
		s.gone(org, stream.ID)
		s.nameless(org, "orders")
		s.sameStreams(s.list(org, everything), []core.Stream{kept})
		for _, revision := range []int64{1, 2, 3, 4} {
			for _, at := range []*time.Time{nil, &start} {
				changed := stream
				changed.Revision, changed.DeletedAt = revision, at
				s.refused(s.catalog.UpdateStream(context.Background(), changed), core.CodeNotFound, "UpdateStream of a deleted stream")
			}
		}
	}
	for _, got := range s.all(everything) {
		want := kept
		if got.ID == deleted.ID {
			want = deleted
		}
		s.sameStream(got, want)
	}
	s.has(kept)
}

func notedRemoval(s *suite) {
	org, ctx := s.organization(), context.Background()
	untouched, stream := s.created(org, "payments"), s.created(org, "orders")
	first := core.Removal{At: start, Reason: core.ReasonAge, Events: 3, ApproximateBytes: 1 << 40, UntilOffset: 3}
	s.must(s.catalog.NoteRemoval(ctx, stream.ID, first), "NoteRemoval")
	stream.LastRemoval = &first
	s.has(stream)
	changed := stream
	changed.LastRemoval = nil // as somebody read it who was there before
	stored := s.update(changed, func(stream *core.Stream) { stream.Description = "changed" })
	stored.LastRemoval = &first
	s.has(stored)
	second := core.Removal{At: start.Add(time.Hour + 7).In(time.FixedZone("elsewhere", 3600)), Reason: core.ReasonEvents, Events: 1, UntilOffset: 4}
	s.must(s.catalog.NoteRemoval(ctx, stream.ID, second), "NoteRemoval")
	second.At = start.Add(time.Hour)
	stored.LastRemoval = &second
	s.has(stored)
	s.must(s.catalog.NoteRemoval(ctx, newID(start), first), "NoteRemoval of a stream that is not there")
	s.remove(stored)
	s.must(s.catalog.NoteRemoval(ctx, stream.ID, first), "NoteRemoval of a deleted stream")
	s.has(untouched)
}

func deletedName(s *suite) {
	org := s.organization()
	other := s.created(org, "payments")
	for range 3 {
		stream := s.created(org, "orders")
		s.refused(s.catalog.CreateStream(context.Background(), newStream(org, "orders")), core.CodeConflict, "CreateStream with a taken name")
		s.has(stream)
		s.remove(stream)
		s.nameless(org, "orders")
	}
	s.has(s.update(other, func(stream *core.Stream) { stream.Name = "orders" }))
	s.check(len(s.all(everything)) == 4, "AllStreams must show every deleted stream, whatever their names: 4 streams, got %d", len(s.all(everything)))
}
