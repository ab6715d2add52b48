package deliver

import (
	"context"
	"sync"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// lookahead knows the keys of the events that come next in a group with an ordering
// key, on this node. Polls read them before they queue for their turn: a slow read would
// otherwise hold up everybody's acks. A turn goes by what is known, and a poll that got
// nothing for want of keys reads on and comes again.
type lookahead struct {
	// reading holds one value while a poll reads. It is a channel, so that a poll that
	// waits for another one's read waits no longer than its request.
	reading chan struct{}

	// mu guards what follows. It is never held while the log is read.
	mu sync.Mutex
	// known are the keys of events. Turns share its memory: it is cut in front and
	// grows behind, and what lies between never changes.
	known keys
	// next is where the group's last turn on this node was, and -1 before the first.
	next core.Offset
}

func newLookahead() *lookahead { return &lookahead{reading: make(chan struct{}, 1), next: -1} }

// at notes where the group is and returns what is known from there on.
func (l *lookahead) at(next core.Offset) keys {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = next
	if next < l.known.from || next > l.known.end() {
		l.known = keys{from: next} // after a reset, or another node's steps
	}
	l.known.hashes = l.known.hashes[next-l.known.from:]
	l.known.from = next
	return l.known
}

// gap returns the first offset whose key is not known, and reports whether fewer than
// wanted keys before head are.
func (l *lookahead) gap(head core.Offset, wanted int) (from core.Offset, short bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from = l.known.end()
	return from, l.next >= 0 && from < min(head, l.next+core.Offset(wanted))
}

// learn adds the keys from an offset on, unless the group has moved elsewhere meanwhile.
func (l *lookahead) learn(from core.Offset, hashes []uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known.end() == from {
		l.known.hashes = append(l.known.hashes, hashes...)
	}
}

// leastAhead is how many keys are read at a time, or more where a poll wants more.
const leastAhead = 200

// look reads the keys that a poll for so many events needs, as far as they are not
// known. Of the polls that want them, one reads.
func (l *lookahead) look(ctx context.Context, c *Consumers, g *core.Group, head core.Offset, wanted int) error {
	if _, short := l.gap(head, wanted); !short {
		return nil
	}
	select {
	case l.reading <- struct{}{}:
		defer func() { <-l.reading }()
	case <-ctx.Done():
		return errTooLong(ctx)
	}
	from, short := l.gap(head, wanted)
	if !short { // another poll was faster
		return nil
	}
	limit := min(max(2*wanted, leastAhead), core.MaxPageSize)
	to := min(head, from+core.Offset(limit))
	events, err := c.read(ctx, g, from, to, limit, core.PageBytes)
	if err != nil {
		return core.StoreFailed(err)
	}
	if core.Full(events, limit, core.PageBytes) {
		to = events[len(events)-1].Offset + 1
	}
	l.learn(from, hashesOf(g.OrderingKey, events, from, to))
	return nil
}

// hashesOf returns the hashes of the keys of events, from an offset up to, not including,
// to. Events that are missing were removed by retention. They count as without a key, and
// are given up as in every group.
func hashesOf(ordering string, events []core.Event, from, to core.Offset) []uint64 {
	hashes := make([]uint64, to-from)
	for i := range events {
		hashes[events[i].Offset-from] = hashOf(eventjson.KeyOf(ordering, &events[i]))
	}
	return hashes
}
