package grouptest

import (
	"encoding/json"
	"math/rand/v2"
	"reflect"
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
		{"each organization has one turn with its replays", turns},
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

// equal checks that something came back as it was stored.
func (s *suite) equal(got, want any) {
	s.Helper()
	if !reflect.DeepEqual(got, want) {
		s.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

// id makes an id that no other test in the same store has.
func (s *suite) id() core.ID { return newID(s.random, start) }

// group makes up a group of a stream.
func (s *suite) group(stream core.ID, name string) core.Group {
	return core.Group{
		ID: s.id(), Org: org, Stream: stream, Name: name, Mode: core.Shared, OrderingKey: `payload.customer."the id"`,
		Visibility: core.Seconds(1500 * time.Millisecond), MaxAttempts: 7,
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

// step advances a group from a revision. The state has characters that a store may
// trip over.
func (s *suite) step(group core.Group, revision int64, step core.Step) error {
	step.Progress = core.Progress{Revision: revision + 1, State: []byte(`{"next":1,"text":"é\\u0000"}`)}
	return s.store.Advance(s.Context(), group.ID, step)
}
