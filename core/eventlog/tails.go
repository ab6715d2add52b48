package eventlog

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Tails follows streams live, for people who watch.
type Tails struct {
	streams *Streams
	recent  *Recent
	log     core.Reader
	// closing is closed by Close. Tails wait for events without an end, and a
	// server that stops would otherwise wait for them.
	closing chan struct{}
	close   sync.Once
}

// NewTails returns the use case over the hub of recent events. Close ends all
// tails.
func NewTails(streams *Streams, recent *Recent, log core.Reader) *Tails {
	return &Tails{streams: streams, recent: recent, log: log, closing: make(chan struct{})}
}

// Close ends all tails.
func (t *Tails) Close() { t.close.Do(func() { close(t.closing) }) }

// Tail is one view of a stream's newest events. It is for one goroutine, and
// must be closed.
type Tail struct {
	tails    *Tails
	who      core.Principal
	follower *Follower
	filter   core.Filter
	// next is the offset after everything that the tail has looked at.
	next core.Offset
}

// tailBehind is how far a tail may fall behind before it skips. A reader that is
// slower than the stream is then told how much it missed.
const tailBehind = 10_000

// The size of one answer of Next.
const (
	tailEvents = 500
	tailBytes  = 1 << 20
)

// Follow begins a tail at the end of a stream or, when after is not nil, behind
// that offset; -1 stands before the first event.
func (t *Tails) Follow(ctx context.Context, who core.Principal, stream string, filter core.Filter, after *core.Offset) (*Tail, error) {
	open, err := t.streams.Open(ctx, who, stream, core.ActionReadEvents)
	if err != nil {
		return nil, err
	}
	bounds, err := t.log.Bounds(ctx, []core.ID{open.ID})
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	next := bounds[0].Next
	if after != nil {
		if *after < -1 || *after >= next {
			return nil, core.Invalid("Last-Event-ID", "is not the offset of an event of this stream, whose next offset is %d", next)
		}
		next = max(*after+1, bounds[0].First)
	}
	follower, err := t.recent.Follow(ctx, open.ID)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	return &Tail{tails: t, who: who, follower: follower, filter: filter, next: next}, nil
}

// Close ends the tail.
func (t *Tail) Close() { t.follower.Close() }

// TailPart is a piece of a tail: events, or the number of events that were skipped
// before the next piece, or neither when nothing happened.
type TailPart struct {
	Events  []core.Event
	Skipped int64
}

// Next waits for the next piece, for at most longest. It reports false when the
// tails are closed or ctx ends. The error is why the tail ends.
func (t *Tail) Next(ctx context.Context, longest time.Duration) (part TailPart, more bool, err error) {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	check := time.NewTicker(RecheckInterval)
	defer check.Stop()
	for {
		if err := t.permitted(ctx); err != nil {
			return TailPart{}, true, err
		}
		// changed is taken before the reading: growth during it ends the wait below.
		head, changed := t.follower.Head()
		if behind := head - t.next; behind > tailBehind {
			t.next = head - tailEvents
			return TailPart{Skipped: int64(behind - tailEvents)}, true, nil
		}
		for t.next < head {
			events, err := t.read(ctx, head)
			if err != nil || len(events) > 0 {
				return TailPart{Events: events}, true, err
			}
		}
		select {
		case <-changed:
		case <-check.C:
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
// stream deleted.
func (t *Tail) permitted(ctx context.Context) error {
	who, err := t.who.Now(ctx)
	if err != nil {
		return err
	}
	_, err = t.tails.streams.Open(ctx, who, t.follower.stream.String(), core.ActionReadEvents)
	return err
}

// read returns the next events without the ones that do not match.
func (t *Tail) read(ctx context.Context, head core.Offset) ([]core.Event, error) {
	events, err := t.tails.recent.Read(ctx, t.follower.stream, t.next, head, tailEvents, tailBytes)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	t.next = head // an answer that is not full is complete: retention removed the rest
	if core.Full(events, tailEvents, tailBytes) {
		t.next = events[len(events)-1].Offset + 1
	}
	matching := events[:0]
	for i := range events {
		if t.filter.Matches(&events[i]) {
			matching = append(matching, events[i])
		}
	}
	return matching, nil
}
