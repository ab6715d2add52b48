package grouptest

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Run checks that a store of groups keeps the promises of its ports. open returns a
// new, empty store each time, and closes it by t.Cleanup.
func Run(t *testing.T, open func(t *testing.T) core.GroupStore) {
	t.Helper()
	for _, guarantee := range []struct {
		name string
		test func(*suite)
	}{
		{"a group is stored as it was given", storedGroup},
		{"a group's name is unique in its stream", uniqueName},
		{"all groups are listed with what belongs to them", allGroups},
		{"a change needs the revision before it", changedGroup},
		{"a deleted group takes everything with it", deletedGroup},
		{"a step needs the revision before it", fencedStep},
		{"of many steps at once one is made", racingSteps},
		{"a step is made as a whole or not at all", wholeStep},
		{"attempts are found by the offsets they cover", attempts},
		{"attempts are forgotten by time", forgottenAttempts},
		{"dead letters keep their events byte for byte", storedLetters},
		{"dead letters are scanned by id", scannedLetters},
		{"dead letters are selected by each field", selectedLetters},
		{"dead letters are counted by reason", countedLetters},
		{"an organization sees its own letters and replays only", isolation},
		{"a replay changes by one node at a time", replays},
	} {
		t.Run(guarantee.name, func(t *testing.T) {
			t.Parallel()
			guarantee.test(&suite{T: t, store: open(t), random: rand.New(rand.NewPCG(rand.Uint64(), 3))})
		})
	}
}

// suite is one test of a store.
type suite struct {
	*testing.T
	store  core.GroupStore
	random *rand.Rand
}

// must ends the test where something failed that has no reason to.
func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// refused checks that an answer is a refusal with a code.
func (s *suite) refused(err error, code core.Code) {
	s.Helper()
	if core.CodeOf(err) != code {
		s.Fatalf("the answer is %v, not %s", err, code)
	}
}

func (s *suite) equal(got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func (s *suite) id() core.ID { return newID(s.random, start) }

// group makes up a group of a stream.
func (s *suite) group(stream core.ID, name string) core.Group {
	return core.Group{
		ID: s.id(), Org: org, Stream: stream, Name: name, Mode: core.Shared, Visibility: core.Seconds(1500 * time.Millisecond), MaxAttempts: 7,
		Backoff:  core.Backoff{Initial: core.Seconds(10 * time.Microsecond), Max: core.Seconds(time.Hour)},
		Revision: 1, CreatedAt: start, UpdatedAt: start.Add(time.Microsecond),
	}
}

// created stores a group at a first progress.
func (s *suite) created(stream core.ID, name string) core.Group {
	s.Helper()
	group := s.group(stream, name)
	s.must(s.store.CreateGroup(s.Context(), group, core.Progress{Revision: 1, State: []byte(`{"next":0}`)}))
	return group
}

// letter makes up a dead letter of a group.
func (s *suite) letter(group core.Group, offset core.Offset, reason string) core.DeadLetter {
	return core.DeadLetter{
		ID: s.id(), Org: group.Org, Stream: group.Stream, Group: group.ID, State: core.Parked, Reason: reason, ParkedAt: start,
		Attempts: []core.Attempt{{From: offset, To: offset + 1, Number: 1, At: start, Outcome: core.Nacked, Reason: reason}},
		Event: core.Event{
			ID: s.id(), Stream: group.Stream, Offset: offset, Type: "order.paid", Version: 2, OccurredAt: start, ReceivedAt: start.Add(time.Microsecond),
			Source: "shop \"1\" \u202e", Subject: "o'1", Payload: json.RawMessage(` { "a" : 1.50, "b":"<&>" } `), Context: json.RawMessage(`{ "trace_id": "1" }`),
			APIKeyID: s.id(), IdempotencyKey: "k%_",
		},
	}
}

// step advances a group from a revision. The state has what a store may trip over.
func (s *suite) step(group core.Group, revision int64, step core.Step) error {
	step.Progress = core.Progress{Revision: revision + 1, State: []byte(`{"next":1,"text":"é\\u0000"}`)}
	return s.store.Advance(s.Context(), group.ID, step)
}

func (s *suite) groups(stream core.ID) []core.Group {
	s.Helper()
	groups, err := s.store.Groups(s.Context(), stream)
	s.must(err)
	return groups
}

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

func changedGroup(s *suite) {
	group := s.created(s.id(), "mail")
	changed := group
	changed.Name, changed.Visibility, changed.MaxAttempts, changed.Revision = "post", core.Seconds(time.Hour), 1, 2
	changed.Backoff, changed.UpdatedAt = core.Backoff{Initial: 0, Max: 0}, start.Add(time.Hour)
	s.must(s.store.UpdateGroup(s.Context(), changed))
	s.equal(s.groups(group.Stream), []core.Group{changed})
	s.refused(s.store.UpdateGroup(s.Context(), changed), core.CodePreconditionFailed)
	changed.Revision = 4
	s.refused(s.store.UpdateGroup(s.Context(), changed), core.CodePreconditionFailed)
	changed.Stream = s.id()
	s.refused(s.store.UpdateGroup(s.Context(), changed), core.CodeNotFound)
	s.refused(s.store.UpdateGroup(s.Context(), s.group(group.Stream, "none")), core.CodeNotFound)
}

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
