package eventlog

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/lookout"
)

// Tails follows streams live, for people who watch.
type Tails struct {
	streams *Streams
	recent  *Recent
	log     core.Reader
	paces   *paces
	turns   *Turns
	// permits has those who wait looked at together, who do so with one credential.
	permits *lookout.Lookout[permit]
	open    atomic.Int64
	// closing is closed by Close. Tails wait for events without an end, and a
	// server that stops would otherwise wait for them.
	closing chan struct{}
	close   sync.Once
}

// NewTails returns the use case over the hub of recent events. Close ends all
// tails.
func NewTails(streams *Streams, recent *Recent, log core.Reader) *Tails {
	return &Tails{
		streams: streams, recent: recent, log: log, paces: newPaces(), turns: NewTurns(recent),
		permits: lookout.New[permit](RecheckInterval), closing: make(chan struct{}),
	}
}

// Close ends all tails.
func (t *Tails) Close() { t.close.Do(func() { close(t.closing) }) }

// Open returns how many tails are open.
func (t *Tails) Open() int64 { return t.open.Load() }

// TailSpec says which events a tail shows, and where it begins.
type TailSpec struct {
	Filter core.Filter
	// After is the offset behind which the tail begins, -1 for all events. Without it
	// the tail begins at the end of the stream.
	After *core.Offset
	// AfterField names After in a refusal: "after" if it is empty.
	AfterField string
	// MaxBehind, unless it is 0, has the tail go on near the end of the stream whenever
	// more events than these lie before it. It is for people, who want to see what
	// happens now. Without it nothing that is stored is left out.
	MaxBehind int64
}

// Tail is one view of a stream's events. It is for one goroutine, and must be
// closed.
type Tail struct {
	tails    *Tails
	who      core.Principal
	follower *Follower
	pace     *ownPace // of its organization
	watch    lookout.Watch[permit]
	spec     TailSpec
	// next is the offset after everything that the tail has looked at.
	next core.Offset
}

// The size of one answer of Next. It bounds what a client that reads slowly keeps in
// memory.
const (
	tailEvents = 500
	tailBytes  = 128 << 10
)

// Follow begins a tail. Next delivers every event from there on, however many there
// are already.
func (t *Tails) Follow(ctx context.Context, who core.Principal, stream string, spec TailSpec) (*Tail, error) {
	open, err := t.streams.Open(ctx, who, stream, core.ActionReadEvents)
	if err != nil {
		return nil, err
	}
	bounds, err := t.log.Bounds(ctx, []core.ID{open.ID})
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	next := bounds[0].Next
	if spec.After != nil {
		if _, err := bounds[0].Behind(cmp.Or(spec.AfterField, "after"), *spec.After); err != nil {
			return nil, err
		}
		next = *spec.After + 1 // Next says what retention has removed of it
	}
	follower, err := t.recent.Follow(ctx, open.ID)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	t.open.Add(1)
	tail := &Tail{tails: t, who: who, follower: follower, pace: t.paces.join(who.Org), spec: spec, next: next}
	tail.watch = t.permits.Join(permitOf(&tail.who, open.ID), func(ctx context.Context) bool {
		return tail.permitted(core.ContextWithOrganization(ctx, who.Org)) != nil
	})
	return tail, nil
}

// permit is what a tail may not lose: the use of a stream by a credential.
type permit struct {
	// credential is a [core.Credential], or the principal who has none, alone.
	credential any
	stream     core.ID
}

func permitOf(who *core.Principal, stream core.ID) permit {
	if who.Credential == nil {
		return permit{who, stream}
	}
	return permit{who.Credential, stream}
}

// Close ends the tail. It is called once.
func (t *Tail) Close() {
	t.watch.Leave()
	t.follower.Close()
	t.tails.paces.leave(t.who.Org)
	t.tails.open.Add(-1)
}

// Stream is what the tail follows.
func (t *Tail) Stream() core.ID { return t.follower.stream }

// Position is the offset of the last event that the tail has looked at, whether it
// matched or not, and -1 before the first. A tail that begins behind it misses nothing.
func (t *Tail) Position() core.Offset { return t.next - 1 }

// TailPart is a piece of a tail: events, or the number of events that were skipped
// before the next piece, or neither when nothing happened.
type TailPart struct {
	Events  []core.Event
	Skipped int64
	// Removed says that retention has removed what was skipped. Otherwise the tail was
	// further behind than its MaxBehind.
	Removed bool
}

// nothing reports whether there is nothing to tell.
func (p *TailPart) nothing() bool { return len(p.Events) == 0 && p.Skipped == 0 }

// always is closed. It stands for growth where there is more to look at already.
var always = func() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Next waits for the next piece, for at most longest or a little more. It reports
// false when the tails are closed or ctx ends. The error is why the tail ends.
func (t *Tail) Next(ctx context.Context, longest time.Duration) (part TailPart, more bool, err error) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	for {
		// changed and lost are taken before the reading: what happens during it ends the
		// wait below.
		head, changed := t.follower.Head()
		lost := t.watch.News()
		if t.next < head {
			part, more, err = t.step(ctx, head)
		} else {
			more, err = true, t.permitted(ctx)
		}
		if err != nil || !more || !part.nothing() {
			return part, more, err
		}
		if t.next < head { // what was looked at did not match: there is more
			changed = always
		}
		select {
		case <-changed:
		case <-lost:
		case <-timer.C:
			return TailPart{}, true, nil
		case <-t.tails.closing:
			return TailPart{}, false, nil
		case <-ctx.Done():
			return TailPart{}, false, nil
		}
	}
}

// permitted looks whether the tail may go on: its key may have been revoked, its
// stream deleted. It changes nothing, and is called for other tails, too.
func (t *Tail) permitted(ctx context.Context) error {
	who, err := t.who.Now(ctx)
	if err != nil {
		return err
	}
	_, err = t.tails.streams.Open(ctx, who, t.follower.stream.String(), core.ActionReadEvents)
	return err
}

// step takes the next step towards the head when it is the tail's turn. more is false when
// the tails are closed or ctx ends before.
func (t *Tail) step(ctx context.Context, head core.Offset) (part TailPart, more bool, err error) {
	part, kept, more, err := t.recall(ctx, head)
	if err == nil && more && !kept {
		part, err = t.lookInLog(ctx, head)
	}
	return part, more, err
}

// recall is a step from memory. kept is false when that does not reach as far back.
func (t *Tail) recall(ctx context.Context, head core.Offset) (part TailPart, kept, more bool, err error) {
	end, ok := t.tails.paces.turn(ctx, t.pace, t.tails.closing)
	if !ok {
		return part, false, false, nil
	}
	defer end()
	if err := t.permitted(ctx); err != nil {
		return part, false, true, err
	}
	if most := t.spec.MaxBehind; most > 0 && int64(head-t.next) > most {
		return t.skip(head-core.Offset(min(most, tailEvents)), false), true, true, nil
	}
	events, kept := t.tails.recent.Recall(t.follower.stream, t.next, head, tailEvents)
	if !kept {
		return part, false, true, nil
	}
	for i, size := 0, 0; i < len(events); i++ {
		if size += events[i].Size(); size >= tailBytes {
			events = events[:i+1]
			break
		}
	}
	t.next = events[len(events)-1].Offset + 1
	return t.show(events), true, true, nil
}

// lookInLog reads a page from the store once it is the tail's turn. That may take a
// while, after which the tail may not go on any more.
func (t *Tail) lookInLog(ctx context.Context, head core.Offset) (part TailPart, err error) {
	t.tails.turns.take(ctx, t.who.Org, t.tails.closing, tailRests, func() {
		if err = t.permitted(ctx); err == nil {
			part, err = t.page(ctx, head)
		}
	})
	return part, err
}

// page reads a page, of which the store leaves out what does not match.
func (t *Tail) page(ctx context.Context, head core.Offset) (part TailPart, err error) {
	scan := core.Scan{From: t.next, To: min(head, t.next+scanWindow), Limit: tailEvents, Bytes: tailBytes, Filter: t.spec.Filter}
	events, err := t.tails.log.Read(ctx, t.follower.stream, scan)
	if err != nil {
		return TailPart{}, core.StoreFailed(err)
	}
	// The bounds are asked for after the reading: what it did not see was removed by
	// then, if that is why.
	bounds, err := t.tails.log.Bounds(ctx, []core.ID{t.follower.stream})
	if err != nil {
		return TailPart{}, core.StoreFailed(err)
	}
	if first := bounds[0].First; first > t.next && (len(events) == 0 || events[0].Offset >= first) {
		return t.skip(first, true), nil
	}
	t.next = scan.To // an answer that is not full is complete
	if core.Full(events, tailEvents, tailBytes) {
		t.next = events[len(events)-1].Offset + 1
	}
	return t.show(events), nil
}

// skip goes on at an offset further on.
func (t *Tail) skip(to core.Offset, removed bool) TailPart {
	part := TailPart{Skipped: int64(to - t.next), Removed: removed}
	t.next = to
	return part
}

// show returns those events that match.
func (t *Tail) show(events []core.Event) TailPart {
	size, matching := 0, events[:0]
	for i := range events {
		if t.spec.Filter.Matches(&events[i]) {
			matching = append(matching, events[i])
			size += events[i].Size()
		}
	}
	t.pace.handed(size)
	t.tails.paces.node.handed(size)
	return TailPart{Events: matching}
}
