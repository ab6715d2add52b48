package catalogtest

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"slices"
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
	{"a deleted stream takes its dead letters with it", lettersOfADeletedStream},
	{"every name is a name and nothing else", oddStreams},
	{"the home of a stream is found, whoever has it", homes},
	{"the streams of each shard are counted", perShard},
	{"the streams that are being moved are found", movingStreams},
}

// homes asks by the id alone, also for another organization and for a deleted stream.
func homes(s *suite) {
	ctx := context.Background()
	home := func(ctx context.Context, id core.ID, want int) {
		s.Helper()
		got, err := s.catalog.HomesOf(ctx, []core.ID{newID(start), id, newID(start)})
		s.must(err, "HomesOf")
		s.check(slices.Equal(got, []int{0, want, 0}), "HomesOf must return the Shard of each stream, and 0 where there is none: 0, %d and 0, got %v", want, got)
	}
	home(ctx, newID(start), 0)
	first, other := s.created(s.organization(), "orders"), s.organization()
	home(ctx, first.ID, 5)
	home(core.ContextWithOrganization(ctx, other), first.ID, 5)
	first = s.update(first, func(stream *core.Stream) { stream.Shard, stream.Moving = 7, nil })
	s.has(first)
	home(ctx, first.ID, 7)
	none, err := s.catalog.HomesOf(ctx, nil)
	s.must(err, "HomesOf")
	s.check(len(none) == 0, "HomesOf no streams must return none")
	many := slices.Repeat([]core.ID{first.ID}, 2000)
	all, err := s.catalog.HomesOf(ctx, many)
	s.must(err, "HomesOf")
	s.check(slices.Equal(all, slices.Repeat([]int{7}, 2000)), "HomesOf must answer for each of 2000 streams")
	first = s.remove(first)
	home(core.ContextWithOrganization(ctx, first.Org), first.ID, 7)
}

// perShard counts by the changes, because a catalog may hold the streams of others.
func perShard(s *suite) {
	const shard = 1_000_003
	ctx, org := context.Background(), s.organization()
	has := func(want int64) {
		s.Helper()
		count, err := s.catalog.StreamsPerShard(core.ContextWithOrganization(ctx, org))
		s.must(err, "StreamsPerShard")
		s.check(count[shard] == want, "StreamsPerShard must count the live streams of all organizations: %d, got %d", want, count[shard])
	}
	has(0)
	var all []core.Stream
	for _, of := range []core.ID{org, s.organization()} {
		stream := newStream(of, "orders")
		stream.Shard = shard
		s.must(s.catalog.CreateStream(ctx, stream), "CreateStream")
		all = append(all, stream)
	}
	has(2)
	s.remove(all[0])
	has(1)
	s.update(all[1], func(stream *core.Stream) { stream.Shard = 0 })
	has(0)
}

// movingStreams looks for its own, because a catalog may hold the streams of others.
func movingStreams(s *suite) {
	ctx, org := context.Background(), s.organization()
	var mine []core.Stream
	has := func(want ...core.Stream) {
		s.Helper()
		all, err := s.catalog.MovingStreams(core.ContextWithOrganization(ctx, org))
		s.must(err, "MovingStreams")
		var got []core.Stream
		for _, one := range all {
			if slices.ContainsFunc(mine, func(stream core.Stream) bool { return stream.ID == one.ID }) {
				got = append(got, one)
			}
		}
		s.check(slices.IsSortedFunc(all, func(a, b core.Stream) int { return bytes.Compare(a.ID[:], b.ID[:]) }), "MovingStreams must be in the order of the ids")
		s.check(len(got) == len(want), "MovingStreams must return the %d live streams of all organizations that have a Moving, got %d", len(want), len(got))
		for i := range got {
			s.check(got[i].ID == want[i].ID && got[i].Revision == want[i].Revision && *got[i].Moving == *want[i].Moving,
				"MovingStreams must return the stream as it is, got %+v", got[i])
		}
	}
	for _, of := range []core.ID{org, s.organization()} {
		stream := newStream(of, "orders")
		stream.Moving = nil
		s.must(s.catalog.CreateStream(ctx, stream), "CreateStream")
		mine = append(mine, stream)
	}
	slices.SortFunc(mine, func(a, b core.Stream) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	has()
	for i := range mine {
		mine[i] = s.update(mine[i], func(stream *core.Stream) { stream.Moving = &core.ShardMove{ID: newID(start), To: 3, StartedAt: start} })
	}
	has(mine...)
	s.update(mine[0], func(stream *core.Stream) { stream.Moving = nil })
	has(mine[1])
	s.remove(mine[1])
	has()
}

func lettersOfADeletedStream(s *suite) {
	ctx, org := context.Background(), s.organization()
	gone, stays := s.created(org, "orders"), s.created(org, "payments")
	lost, kept := s.createdLetter(gone), s.createdLetter(stays)
	s.hasLetters(org, lost, kept)
	s.remove(gone)
	s.hasLetters(org, kept)
	_, err := s.catalog.DeadLetter(ctx, org, lost.ID)
	s.refused(err, core.CodeNotFound, "DeadLetter of a deleted stream")
	again := s.created(org, gone.Name)
	s.hasLetters(org, kept)
	s.hasLetters(org, s.createdLetter(again), kept)
}

// createdLetter parks an event of a stream, in a group of its own.
func (s *suite) createdLetter(stream core.Stream) core.DeadLetter {
	s.Helper()
	ctx, group := context.Background(), core.Group{
		ID: newID(start), Org: stream.Org, Stream: stream.ID, Name: "g", Mode: core.Shared, Revision: 1, CreatedAt: start, UpdatedAt: start,
	}
	s.must(s.catalog.CreateGroup(ctx, group, core.Progress{Revision: 1, State: []byte(`{"next":0}`)}), "CreateGroup")
	letter := core.DeadLetter{
		ID: newID(start), Org: stream.Org, Stream: stream.ID, Group: group.ID, State: core.Parked, Reason: "no", ParkedAt: start,
		Event: core.Event{ID: newID(start), Stream: stream.ID, Type: "a", Version: 1, OccurredAt: start, ReceivedAt: start, Payload: json.RawMessage(`1`)},
	}
	step := core.Step{Progress: core.Progress{Revision: 2, State: []byte(`{"next":1}`)}, Letters: []core.DeadLetter{letter}}
	s.must(s.catalog.Advance(ctx, group.ID, step), "Advance")
	return letter
}

// hasLetters checks that an organization has these dead letters and no others, in lists
// and in counts.
func (s *suite) hasLetters(org core.ID, want ...core.DeadLetter) {
	s.Helper()
	ids := func(letters []core.DeadLetter) (ids []string) {
		for i := range letters {
			ids = append(ids, letters[i].ID.String())
		}
		slices.Sort(ids)
		return ids
	}
	got, err := s.catalog.DeadLetters(context.Background(), org, core.LetterScan{Limit: 10})
	s.must(err, "DeadLetters")
	s.check(slices.Equal(ids(got), ids(want)), "DeadLetters must be %v, are %v", ids(want), ids(got))
	counts, err := s.catalog.CountDeadLetters(context.Background(), org, core.LetterScan{Limit: 10})
	s.must(err, "CountDeadLetters")
	s.check(len(counts) == len(want), "CountDeadLetters must count %d streams, counts %v", len(want), counts)
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
	stream.RetentionBytes, stream.RetentionEvents = core.MaxRetentionBytes, core.MaxRetentionEvents
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
