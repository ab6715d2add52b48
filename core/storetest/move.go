package storetest

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/eventflow-go/eventflow/core"
)

var moving = []guarantee{
	{"an append to a fenced stream is refused and stores nothing", fenceRefuses},
	{"a fence lets copies and reads through", fenceLetsThrough},
	{"a fence stays until it is lifted, in every process", fenceStays},
	{"when a fence stands no append is under way", fenceIsTight},
	{"a stream that was discarded was never written to", discarded},
	{"a stream that is not fenced is not discarded", discardRefused},
	{"a stream can come back to where it was", comesBackMoved},
	{"who was overtaken by a later move changes nothing", turns},
	{"a label is kept, and is the first one's", labels},
}

// move is the turn of the one move of most tests.
const move = 7

func (s *suite) movable() core.Movable { return s.storage.(core.Movable) }

func (s *suite) fence(stream core.ID) {
	s.Helper()
	s.must(s.movable().Fence(context.Background(), org, stream, move), "Fence")
}

func (s *suite) lift(stream core.ID) {
	s.Helper()
	s.must(s.movable().Lift(context.Background(), stream, move), "Lift")
}

// isFenced checks that an append is refused because of a stream.
func (s *suite) isFenced(stream core.ID, batches ...core.Batch) {
	s.Helper()
	err := s.storage.Append(context.Background(), s.at, batches)
	var fenced *core.FencedError
	s.check(errors.As(err, &fenced) && !errors.Is(err, core.ErrUnknownOutcome), "an append to a fenced stream must be refused with a *core.FencedError, got %v", err)
	s.check(fenced.Stream == stream, "a FencedError must name the stream, %s, got %s", stream, fenced.Stream)
}

func fenceRefuses(s *suite) {
	stream, fresh, other := s.newStream(), s.newStream(), s.newStream()
	want := s.append(batch(stream, s.entries(2)))
	kept := s.append(batch(other, s.entries(1)))
	for _, one := range []core.ID{stream, fresh} {
		for range 2 { // it may be fenced already
			s.fence(one)
			s.isFenced(one, batch(one, s.entries(1)))
			s.isFenced(one, batch(other, s.entries(1)), batch(one, s.keyed("k", `1`)), batch(other, s.keyed("k", `1`)))
		}
	}
	s.same(s.everything(stream), want)
	s.same(s.everything(other), kept)
	s.check(s.bounds(fresh) == core.Bounds{}, "a fence is no event: an empty stream must have zero bounds, got %+v", s.bounds(fresh))
	s.append(batch(other, s.entries(1)))
	s.lift(stream)
	s.lift(stream)
	s.lift(s.newStream())
	want = append(want, s.append(batch(stream, s.entries(1)), batch(other, s.keyed("k", `1`)))[0])
	s.gapless(want, 0)
	s.same(s.everything(stream), want)
	s.isFenced(fresh, batch(fresh, s.entries(1)))
}

func fenceLetsThrough(s *suite) {
	stream, other := s.newStream(), s.newStream()
	want := s.week(stream)
	s.fence(stream)
	s.fence(other)
	s.put(s.stretch(stream, other, core.Scan{To: 5}))
	s.put(s.stretch(stream, other, core.Scan{}))
	s.same(s.everything(other), under(other, want))
	s.isFenced(other, batch(other, s.entries(1)))
	s.trim(stream, want[18].ReceivedAt)
	first := s.bounds(stream).First
	s.check(first > 0, "Trim must go on in a fenced stream")
	s.same(s.everything(stream), want[first:])
	s.isFenced(stream, batch(stream, s.entries(1)))
	got, err := s.movable().Fenced(context.Background())
	s.must(err, "Fenced")
	s.check(len(got) == 2 && (got[0] == stream && got[1] == other || got[0] == other && got[1] == stream), "Fenced must return the two fenced streams, got %v", got)
}

func fenceStays(s *suite) {
	handles := s.handles()
	stream := s.newStream()
	want := s.append(batch(stream, s.entries(1)))
	for _, s.storage = range handles {
		s.same(s.everything(stream), want) // so that all of them know the stream
	}
	s.storage = handles[0]
	s.append(batch(stream, s.entries(1)))
	s.fence(stream)
	for _, s.storage = range handles {
		s.isFenced(stream, batch(stream, s.entries(1)))
	}
	if s.features.Reopen != nil && len(handles) == 1 {
		s.reopen()
		s.isFenced(stream, batch(stream, s.entries(1)))
	}
	s.lift(stream)
	for _, s.storage = range append(handles[1:], s.storage) {
		s.append(batch(stream, s.entries(1)))
	}
}

// fenceIsTight lets several append through every handle while the stream is fenced, again
// and again. What is there when Fence returns is all that is there later.
func fenceIsTight(s *suite) {
	handles := s.handles()
	stream, beside := s.newStream(), s.newStream()
	var stop atomic.Bool
	var acknowledged atomic.Int64
	var calls [4]atomic.Int64
	var running sync.WaitGroup
	defer func() { // also where a check fails, which ends the test
		stop.Store(true)
		running.Wait()
	}()
	for w := range calls {
		own := &suite{T: s.T, at: s.at, count: w << 20}
		storage := handles[w%len(handles)]
		running.Go(func() {
			for !stop.Load() {
				batches := []core.Batch{batch(stream, own.entries(2))}
				if w%2 == 1 {
					batches = append(batches, batch(beside, own.entries(1)))
				}
				err := storage.Append(context.Background(), own.at, batches)
				calls[w].Add(1)
				var fenced *core.FencedError
				switch {
				case err == nil:
					acknowledged.Add(2)
				case !errors.As(err, &fenced) && core.CodeOf(err) != core.CodeUnavailable:
					s.Errorf("Append: unexpected error: %v", err)
					return
				}
			}
		})
	}
	for range 12 {
		for before := acknowledged.Load(); acknowledged.Load() < before+8 && !s.Failed(); {
			runtime.Gosched() // the others have to get on
		}
		s.fence(stream)
		next := s.bounds(stream).Next
		for w := range calls { // what was under way has ended
			for before := calls[w].Load(); calls[w].Load() == before && !s.Failed(); {
				runtime.Gosched()
			}
		}
		s.check(s.bounds(stream).Next == next, "when Fence has returned nothing may be stored any more: %d events, now %d", next, s.bounds(stream).Next)
		s.lift(stream)
	}
	stop.Store(true)
	running.Wait()
	s.check(s.bounds(stream).Next == core.Offset(acknowledged.Load()) || s.Failed(), "%d events were acknowledged, %d are there", acknowledged.Load(), s.bounds(stream).Next)
}

func discarded(s *suite) {
	stream, other := s.newStream(), s.newStream()
	s.append(batch(stream, s.keyed("k", `1`)), batch(other, s.keyed("k", `1`)))
	s.week(stream)
	kept := s.append(batch(other, s.entries(2)))
	s.fence(stream)
	for range 2 {
		s.must(s.movable().Discard(context.Background(), stream, move), "Discard")
		s.check(s.bounds(stream) == core.Bounds{}, "a discarded stream must have zero bounds, got %+v", s.bounds(stream))
		s.check(len(s.everything(stream)) == 0, "a discarded stream must hold nothing")
	}
	s.isFenced(stream, batch(stream, s.entries(1)))
	for _, event := range s.readAll(org, core.AllScan{Limit: all}) {
		s.check(event.Stream == other, "no list may show what was discarded")
	}
	logs, err := s.log().Logs(context.Background())
	s.must(err, "Logs")
	s.check(len(logs) == 1 && logs[0].Stream == other, "Logs must not show what was discarded, got %+v", logs)
	s.same(s.everything(other)[1:], kept)
	s.lift(stream)
	s.at = start
	again := s.keyed("k", `2`)
	s.append(batch(stream, again))
	s.check(again[0].Outcome == core.Stored && again[0].Offset == 0, "a discarded stream begins anew, without keys and clock: outcome %d at %d", again[0].Outcome, again[0].Offset)
}

func discardRefused(s *suite) {
	stream := s.newStream()
	want := s.append(batch(stream, s.entries(2)))
	for _, one := range []core.ID{stream, s.newStream()} {
		err := s.movable().Discard(context.Background(), one, move)
		s.check(core.CodeOf(err) == core.CodeConflict, "Discard without a fence must be a %s, got %v", core.CodeConflict, err)
	}
	s.same(s.everything(stream), want)
}

// comesBackMoved moves a stream away and back, by way of another stream, while a second
// handle remembers how it was.
func comesBackMoved(s *suite) {
	handles := s.handles()
	stream, elsewhere := s.newStream(), s.newStream()
	want := s.week(stream)
	s.trim(stream, want[12].ReceivedAt)
	first := s.bounds(stream).First
	for _, s.storage = range handles {
		s.same(s.everything(stream), want[first:])
		s.same(s.read(stream, core.Scan{From: 20, Limit: 1}), want[20:])
	}
	s.storage = handles[0]
	whole := s.stretch(stream, elsewhere, core.Scan{})
	s.fence(stream)
	s.put(whole)
	s.must(s.movable().Discard(context.Background(), stream, move), "Discard")
	s.put(s.stretch(elsewhere, stream, core.Scan{}))
	s.lift(stream)
	for _, handle := range handles[1:] {
		handle.(core.Movable).Forget(stream)
	}
	for _, s.storage = range handles {
		s.hasBounds(stream, first, 21, want[20].ReceivedAt)
		s.same(s.everything(stream), want[first:])
	}
	more := s.append(batch(stream, s.entries(1)))
	s.gapless(more, 21)
}

// turns has a move come back, after any time, to a stream that later ones have fenced and
// lifted, through another handle where there is one.
func turns(s *suite) {
	handles := s.handles()
	late, ctx := handles[len(handles)-1].(core.Movable), context.Background()
	stream := s.newStream()
	want := s.append(batch(stream, s.entries(2)))
	refused := func(call string, err error) {
		s.Helper()
		s.check(core.CodeOf(err) == core.CodeConflict, "%s by a lower turn must be a %s, got %v", call, core.CodeConflict, err)
	}
	s.must(late.Fence(ctx, org, stream, 3), "Fence")
	s.must(s.movable().Fence(ctx, org, stream, 5), "Fence")
	refused("Fence", late.Fence(ctx, org, stream, 3))
	refused("Lift", late.Lift(ctx, stream, 3))
	refused("Discard", late.Discard(ctx, stream, 3))
	s.isFenced(stream, batch(stream, s.entries(1)))
	refused("Discard", late.Discard(ctx, stream, 6))
	s.must(s.movable().Lift(ctx, stream, 8), "Lift")
	refused("Fence", late.Fence(ctx, org, stream, 5))
	want = append(want, s.append(batch(stream, s.entries(1)))...)
	s.same(s.everything(stream), want)
	s.must(s.movable().Fence(ctx, org, stream, 8), "Fence")
	s.must(s.movable().Discard(ctx, stream, 8), "Discard")
	refused("Lift", late.Lift(ctx, stream, 7))
	s.check(s.bounds(stream) == core.Bounds{}, "a discarded stream must have zero bounds, got %+v", s.bounds(stream))
	s.must(late.Lift(ctx, stream, 9), "Lift")
}

func labels(s *suite) {
	ctx := context.Background()
	mine := core.ShardLabel{Installation: newID(start), Number: 3, Of: 5}
	has := func(want core.ShardLabel) {
		s.Helper()
		got, err := s.storage.(core.Labelled).Label(ctx)
		s.must(err, "Label")
		s.check(got == want, "Label must be %+v, got %+v", want, got)
	}
	set := func(label, want core.ShardLabel) {
		s.Helper()
		got, err := s.storage.(core.Labelled).SetLabel(ctx, label)
		s.must(err, "SetLabel")
		s.check(got == want, "SetLabel must return what is stored: %+v, got %+v", want, got)
		has(want)
	}
	has(core.ShardLabel{})
	set(mine, mine)
	set(core.ShardLabel{Installation: newID(start), Number: 3, Of: 9}, mine)
	set(core.ShardLabel{Installation: mine.Installation, Number: 2, Of: 9}, mine)
	set(core.ShardLabel{Installation: mine.Installation, Number: 3, Of: 4}, mine)
	mine.Of = 6
	set(mine, mine)
	for _, s.storage = range s.handles() {
		has(mine)
	}
	if s.features.Reopen != nil && s.features.Second == nil {
		s.reopen()
		has(mine)
	}
}
