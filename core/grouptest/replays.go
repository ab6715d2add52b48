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
		Streams: []core.ID{s.id(), s.id()}, Cursor: s.id(), Until: s.id(),
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
		all, err := s.store.RunningReplays(s.Context(), at, 10)
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
