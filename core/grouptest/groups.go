package grouptest

import (
	"bytes"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// groups reads the groups of a stream.
func (s *suite) groups(stream core.ID) []core.Group {
	s.Helper()
	groups, err := s.store.Groups(s.Context(), stream)
	s.must(err)
	return groups
}

// A group comes back as it was stored, whatever its name is made of. Names are in the
// order of bytes: two stores must list the same groups in the same order.
func storedGroup(s *suite) {
	stream := s.id()
	b, a, upper := s.created(stream, "b"), s.created(stream, "a"), s.created(stream, "B")
	odd := s.created(stream, "ü'\"%_;--\u202e")
	s.created(s.id(), "elsewhere")
	s.equal(s.groups(stream), []core.Group{upper, a, b, odd})
	progress, err := s.store.Progress(s.Context(), a.ID)
	s.must(err)
	s.equal(progress, core.Progress{Revision: 1, State: []byte(`{"next":0}`)})
	_, err = s.store.Progress(s.Context(), s.id())
	s.refused(err, core.CodeNotFound)
	s.equal(len(s.groups(s.id())), 0)
}

// Lists, summaries and the census read all groups in pages, with their progress and
// the number of their dead letters, and see nothing that the scan leaves out.
func allGroups(s *suite) {
	groups := []core.Group{s.created(s.id(), "a"), s.created(s.id(), "b"), s.created(s.id(), "c")}
	slices.SortFunc(groups, func(a, b core.Group) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	s.must(s.step(groups[1], 1, core.Step{Letters: []core.DeadLetter{s.letter(groups[1], 1, "x"), s.letter(groups[1], 2, "y")}}))
	all, err := s.store.AllGroups(s.Context(), core.GroupScan{Limit: 10})
	s.must(err)
	first := core.Progress{Revision: 1, State: []byte(`{"next":0}`)}
	s.equal(all, []core.GroupRecord{
		{Group: groups[0], Progress: first},
		{Group: groups[1], Progress: s.progress(groups[1]), DeadLetters: 2},
		{Group: groups[2], Progress: first},
	})
	page, err := s.store.AllGroups(s.Context(), core.GroupScan{After: groups[0].ID, Limit: 1})
	s.must(err)
	s.equal(page, all[1:2])
	for _, narrow := range []core.GroupScan{{Org: groups[1].Org}, {Streams: []core.ID{s.id(), groups[1].Stream}}, {Org: groups[1].Org, Streams: []core.ID{groups[1].Stream}}} {
		narrow.Limit = 10
		page, err = s.store.AllGroups(s.Context(), narrow)
		s.must(err)
		s.equal(slices.ContainsFunc(page, func(r core.GroupRecord) bool { return r.Group.ID == groups[1].ID }), true)
		for _, record := range page {
			s.equal(narrow.Org.IsZero() || record.Group.Org == narrow.Org, true)
			s.equal(narrow.Streams == nil || slices.Contains(narrow.Streams, record.Group.Stream), true)
		}
	}
	for _, nobody := range []core.GroupScan{{Org: s.id()}, {Streams: []core.ID{s.id()}}} {
		nobody.Limit = 10
		page, err = s.store.AllGroups(s.Context(), nobody)
		s.must(err)
		s.equal(len(page), 0)
	}
}

// A name is free again when its group is deleted, and taken by a renaming as well as
// by a creation.
func uniqueName(s *suite) {
	stream := s.id()
	first, second := s.created(stream, "mail"), s.created(stream, "bill")
	s.refused(s.store.CreateGroup(s.Context(), s.group(stream, "mail"), core.Progress{Revision: 1}), core.CodeConflict)
	second.Name, second.Revision = "mail", 2
	s.refused(s.store.UpdateGroup(s.Context(), second), core.CodeConflict)
	s.created(s.id(), "mail")
	s.must(s.store.DeleteGroup(s.Context(), stream, first.ID))
	s.created(stream, "mail")
}

// A change says which revision it is. The next one is made; the same one again, or one
// that skips a revision, is another caller's conflict.
func changedGroup(s *suite) {
	group := s.created(s.id(), "mail")
	changed := group
	changed.Name, changed.Visibility, changed.MaxAttempts, changed.Revision = "post", core.Seconds(time.Hour), 1, 2
	changed.Backoff, changed.UpdatedAt = core.Backoff{Initial: 0, Max: 0}, start.Add(time.Hour)
	other := changed // whose the group is, and what it hands out, stays
	other.Mode, other.OrderingKey, other.Processor, other.CreatedAt = core.Ordered, "", true, start.Add(time.Hour)
	s.must(s.store.UpdateGroup(s.Context(), other))
	s.equal(s.groups(group.Stream), []core.Group{changed})
	s.refused(s.store.UpdateGroup(s.Context(), changed), core.CodePreconditionFailed)
	changed.Revision = 4
	s.refused(s.store.UpdateGroup(s.Context(), changed), core.CodePreconditionFailed)
	changed.Stream = s.id()
	s.refused(s.store.UpdateGroup(s.Context(), changed), core.CodeNotFound)
	s.refused(s.store.UpdateGroup(s.Context(), s.group(group.Stream, "none")), core.CodeNotFound)
}

// Nothing of a deleted group is left, nothing of another group goes with it, and a
// step that comes late does not bring it back.
func deletedGroup(s *suite) {
	group, other := s.created(s.id(), "mail"), s.created(s.id(), "mail")
	lost, kept := s.letter(group, 1, "x"), s.letter(other, 1, "x")
	attempt := []core.Attempt{{From: 1, To: 2, Number: 1, At: start, Outcome: core.Nacked}}
	s.must(s.step(group, 1, core.Step{Letters: []core.DeadLetter{lost}, Attempts: attempt}))
	s.must(s.step(other, 1, core.Step{Letters: []core.DeadLetter{kept}, Attempts: attempt}))
	s.refused(s.store.DeleteGroup(s.Context(), other.Stream, group.ID), core.CodeNotFound)
	s.must(s.store.DeleteGroup(s.Context(), group.Stream, group.ID))
	s.refused(s.store.DeleteGroup(s.Context(), group.Stream, group.ID), core.CodeNotFound)
	s.refused(s.step(group, 2, core.Step{}), core.CodeNotFound)
	s.refused(s.step(group, 2, core.Step{Letters: []core.DeadLetter{lost}}), core.CodeNotFound)
	_, err := s.store.DeadLetter(s.Context(), org, lost.ID)
	s.refused(err, core.CodeNotFound)
	left, err := s.store.Attempts(s.Context(), group.ID, 1)
	s.must(err)
	s.equal(len(left), 0)
	s.equal(s.letters(core.LetterScan{Limit: 10}), []core.DeadLetter{kept})
	s.equal(s.groups(other.Stream), []core.Group{other})
}
