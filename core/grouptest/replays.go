package grouptest

import (
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// replay makes up a replay whose every field has a value that a store may lose.
func (s *suite) replay() core.Replay {
	offset := core.Offset(3)
	return core.Replay{
		ID: s.id(), Org: org, State: core.ReplayRunning, Rate: 2.5, Total: 10, Revision: 1, CreatedAt: start, UpdatedAt: start,
		Filter:  core.LetterFilter{Stream: s.id(), Reason: "x", Offset: &offset},
		Streams: []core.ID{s.id(), s.id()}, Cursor: s.id(), Until: s.id(), CreatedBy: s.id(),
	}
}

// A replay is held by one node: of several that take it on at the same time, one does,
// and the others hear that they were late. It is free again when the hold is over.
func replays(s *suite) {
	replay := s.replay()
	s.must(s.store.CreateReplay(s.Context(), replay))
	got, err := s.store.Replay(s.Context(), org, replay.ID)
	s.must(err)
	s.equal(got, replay)
	running := func(at time.Time) int {
		all, err := s.store.DueReplays(s.Context(), at, 10)
		s.must(err)
		return len(all)
	}
	s.equal(running(start), 1)

	const racers = 5
	held := replay
	held.Revision, held.HeldUntil, held.Done = 2, start.Add(time.Minute), 4
	errs := make([]error, racers)
	var wait sync.WaitGroup
	for i := range racers {
		wait.Go(func() { errs[i] = s.store.UpdateReplay(s.Context(), held) })
	}
	wait.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
			continue
		}
		s.refused(err, core.CodePreconditionFailed)
	}
	s.equal(made, 1)
	s.equal(running(start.Add(59*time.Second)), 0)
	s.equal(running(start.Add(time.Minute)), 1)
	held.Revision, held.State, held.HeldUntil = 3, core.ReplayDone, time.Time{}
	s.must(s.store.UpdateReplay(s.Context(), held))
	s.equal(running(start.Add(time.Hour)), 0)
	got, err = s.store.Replay(s.Context(), org, replay.ID)
	s.must(err)
	s.equal(got, held)
}

// Of many replays, those of other organizations are not held up by one's own: each
// organization has one turn, that of the replay that has waited the longest.
func turns(s *suite) {
	second := func(n int) time.Time { return start.Add(time.Duration(n) * time.Second) }
	age := 0
	made := func(of core.ID, held time.Time, state core.ReplayState) core.ID {
		replay := s.replay()
		age++
		replay.ID, replay.Org, replay.HeldUntil, replay.State = newID(s.random, second(age)), of, held, state
		s.must(s.store.CreateReplay(s.Context(), replay))
		return replay.ID
	}
	made(org, time.Time{}, core.ReplayStopped)
	waiting := made(org, second(4), core.ReplayRunning)
	first := made(org, second(3), core.ReplayRunning)
	same := made(org, second(3), core.ReplayRunning)
	never := made(other, second(9), core.ReplayRunning)
	fresh := made(other, time.Time{}, core.ReplayRunning)
	third := made(s.id(), second(1), core.ReplayRunning)
	due := func(at time.Time, limit int, want ...core.ID) {
		s.Helper()
		all, err := s.store.DueReplays(s.Context(), at, limit)
		s.must(err)
		s.equal(replayIDs(all), want)
	}
	due(second(5), 10, fresh, third, first)
	due(second(5), 2, fresh, third)
	due(second(2), 10, fresh, third)

	got, err := s.store.Replay(s.Context(), org, first)
	s.must(err)
	got.Revision, got.HeldUntil = got.Revision+1, second(6)
	s.must(s.store.UpdateReplay(s.Context(), got))
	due(second(8), 10, fresh, third, same)

	runs := func(after core.ID, limit int, want ...core.ID) {
		s.Helper()
		all, err := s.store.RunningReplays(s.Context(), after, limit)
		s.must(err)
		s.equal(replayIDs(all), want)
	}
	runs(core.ID{}, 3, waiting, first, same)
	runs(first, 10, same, never, fresh, third)
	runs(third, 10)

	list := func(of core.ID, scan core.ReplayScan, want ...core.ID) {
		s.Helper()
		all, err := s.store.Replays(s.Context(), of, scan)
		s.must(err)
		s.equal(replayIDs(all), want)
	}
	list(other, core.ReplayScan{Limit: 10}, fresh, never)
	list(other, core.ReplayScan{Limit: 1}, fresh)
	list(other, core.ReplayScan{Before: fresh, Limit: 10}, never)
	list(org, core.ReplayScan{State: core.ReplayRunning, Limit: 2}, same, first)
	list(org, core.ReplayScan{State: core.ReplayDone, Limit: 2})
}

func replayIDs(replays []core.Replay) (ids []core.ID) {
	for i := range replays {
		ids = append(ids, replays[i].ID)
	}
	return ids
}
