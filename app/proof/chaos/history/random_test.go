package history_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// world is clients that do what they like with a server that keeps its
// promises.
type world struct {
	*server
	rt      *rapid.T
	flights []*flight
	busy    map[int]bool // producers that wait for an answer
	known   map[string][]history.Sent
	sends   map[string]int // by marker
	reached map[reader]int
	acked   []place
}

type reader struct {
	follower int
	stream   string
}

// place is an acknowledged event.
type place struct {
	stream string
	offset int64
	marker string
}

// flight is a call that may still be stored or answered.
type flight struct {
	op                 *history.Op
	producer           int
	stream             string
	events             []history.Sent
	receipts           []history.Receipt
	committed, settled bool
	partly             bool // the first event is refused alone
}

func newWorld(rt *rapid.T) *world {
	return &world{
		server: newServer(rt), rt: rt, busy: map[int]bool{}, known: map[string][]history.Sent{},
		sends: map[string]int{}, reached: map[reader]int{},
	}
}

func (w *world) draw(below int, what string) int { return rapid.IntRange(0, below-1).Draw(w.rt, what) }

// run lets things happen. Calls may stay without an answer, except those that
// were refused in part.
func (w *world) run() {
	for range rapid.IntRange(0, 80).Draw(w.rt, "steps") {
		switch w.draw(4, "step") {
		case 0:
			w.call()
		case 1:
			w.pick(w.commit)
		case 2:
			w.pick(w.answer)
		case 3:
			w.follow(reader{w.draw(2, "follower"), w.stream()})
		}
	}
	for _, f := range w.flights {
		if f.committed && f.partly {
			w.answer(f)
		}
	}
}

func (w *world) stream() string { return []string{orders, payments}[w.draw(2, "stream")] }

func (w *world) pick(what func(*flight)) {
	if len(w.flights) > 0 {
		what(w.flights[w.draw(len(w.flights), "flight")])
	}
}

func (w *world) call() {
	f := &flight{producer: w.draw(3, "producer"), stream: w.stream()}
	if w.busy[f.producer] {
		return
	}
	w.busy[f.producer] = true
	for range 1 + w.draw(4, "events") {
		e := w.next(f.stream)
		w.sends[e.Marker]++
		f.events = append(f.events, e)
	}
	f.partly = w.draw(5, "refuse one") == 0
	f.op = w.invoke(f.producer, f.stream, f.events...)
	w.flights = append(w.flights, f)
}

// next returns a new event or one that is sent again.
func (w *world) next(stream string) history.Sent {
	if known := w.known[stream]; len(known) > 0 && w.draw(3, "again") == 0 {
		return known[w.draw(len(known), "which")]
	}
	e := w.event("")
	if w.draw(2, "keyed") == 0 {
		e.Key = "key of " + e.Marker
	}
	w.known[stream] = append(w.known[stream], e)
	return e
}

// commit stores a call, perhaps long after its client gave up.
func (w *world) commit(f *flight) {
	if f.committed {
		return
	}
	f.committed = true
	if f.partly {
		f.receipts = append([]history.Receipt{{Refused: true}}, w.store(f.stream, f.events[1:]...)...)
		return
	}
	f.receipts = w.store(f.stream, f.events...)
}

func (w *world) answer(f *flight) {
	if f.settled {
		return
	}
	f.settled, w.busy[f.producer] = true, false
	lost := w.draw(3, "answer lost") == 0 && !f.partly
	switch {
	case lost:
		f.op.Unknown()
	case f.committed:
		f.op.Acked(f.receipts)
		for i, r := range f.receipts {
			if !r.Refused {
				w.acked = append(w.acked, place{f.stream, r.Offset, f.events[i].Marker})
			}
		}
	default:
		f.op.Refused()
		w.flights = slices.DeleteFunc(w.flights, func(other *flight) bool { return other == f })
	}
}

func (w *world) follow(r reader) {
	from := w.reached[r]
	to := from + w.draw(len(w.logs[r.stream])-from+1, "page")
	w.rec.Observed(r.follower, r.stream, w.read(r.stream, from, to))
	w.reached[r] = to
}

func TestCheckAcceptsCleanHistories(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(rt)
		w.run()
		require.Empty(rt, w.check())
	})
}

// losses break what was acknowledged at one offset of a log. Each returns the
// offset that is to blame.
var losses = map[string]func(w *world, at place) int64{
	history.RuleMissing: func(w *world, at place) int64 {
		w.logs[at.stream] = slices.Delete(w.logs[at.stream], int(at.offset), int(at.offset)+1)
		return at.offset
	},
	history.RuleMisplaced: func(w *world, at place) int64 {
		w.logs[at.stream][at.offset].ID += "-changed"
		return at.offset
	},
	history.RuleStoredTwice: func(w *world, at place) int64 {
		again := w.logs[at.stream][at.offset]
		again.Offset = int64(len(w.logs[at.stream]))
		again.ID += "-again"
		w.logs[at.stream] = append(w.logs[at.stream], again)
		return again.Offset
	},
	history.RuleAltered: func(w *world, at place) int64 {
		e := &w.logs[at.stream][at.offset]
		e.Payload = strings.ReplaceAll(e.Payload, " ", "")
		return at.offset
	},
}

func TestCheckCatchesLossesInAnyHistory(t *testing.T) {
	t.Parallel()
	for rule, plant := range losses {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) {
				w := newWorld(rt)
				w.run()
				w.acked = slices.DeleteFunc(w.acked, func(at place) bool { return w.sends[at.marker] > 1 })
				if len(w.acked) == 0 {
					rt.SkipNow()
				}
				at := rapid.SampledFrom(w.acked).Draw(rt, "at")
				offset := plant(w, at)
				require.True(rt, slices.ContainsFunc(w.check(), func(v history.Violation) bool {
					return v.Rule == rule && v.Stream == at.stream && v.Offset == offset
				}), "%v at %d", w.check(), offset)
			})
		})
	}
}
