package deliver

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// contents reads the events of the first of spans: of the log, or the copy in a dead
// letter. near is what was read before it was asked for. In a group with an ordering key,
// where a lease is made of many small spans, near keeps what was read of those that
// follow.
func (c *Consumers) contents(ctx context.Context, g *core.Group, spans []span, room int, near *neighbours) ([]core.Event, error) {
	part := spans[0]
	switch {
	case !part.ofLog():
		letter, err := c.letters.DeadLetter(ctx, g.Org, part.Letter)
		if core.IsNotFound(err) { // nothing goes out for it, and it is settled with its lease
			return nil, nil
		}
		return []core.Event{letter.Event}, err
	case near.has(part):
	case g.OrderingKey == "" || part.size() > 1:
		return c.read(ctx, g, part.From, part.To, int(part.size()), room)
	default:
		if err := c.readNear(ctx, g, spans, near); err != nil {
			return nil, err
		}
	}
	return near.of(part), nil
}

// read returns events of a group's stream, from memory where they are kept. Reading the
// log is counted.
func (c *Consumers) read(ctx context.Context, g *core.Group, from, to core.Offset, limit, bytes int) ([]core.Event, error) {
	if events, kept := c.recent.Recall(g.Stream, from, to, limit); kept {
		return events, nil
	}
	begun := time.Now()
	events, err := c.log.Read(ctx, g.Stream, core.Scan{From: from, To: to, Limit: limit, Bytes: bytes})
	c.reads.Took(g.Org, time.Since(begun))
	return events, err
}

// neighbours are events that were read together.
type neighbours struct {
	// from and to bound the offsets that were read; to is not included.
	from, to core.Offset
	events   []core.Event
}

// has reports whether all of a span was read.
func (n *neighbours) has(part span) bool { return n.from <= part.From && part.To <= n.to }

// of returns the events of a span, without those that retention has removed. Spans are
// asked for in their order.
func (n *neighbours) of(part span) []core.Event {
	at := func(offset core.Offset) int {
		i, _ := slices.BinarySearchFunc(n.events, offset, func(e core.Event, offset core.Offset) int { return cmp.Compare(e.Offset, offset) })
		return i
	}
	from, to := at(part.From), at(part.To)
	return n.events[from:to:to]
}

// maxApart is how many events that are not needed are read rather than asking the log
// once more.
const maxApart = 64

// readNear reads the first of spans and those that follow closely, in one go.
func (c *Consumers) readNear(ctx context.Context, g *core.Group, spans []span, near *neighbours) error {
	from, to := spans[0].From, spans[0].To
	for _, part := range spans[1:] {
		if !part.ofLog() || part.From > to+maxApart || part.To > from+core.MaxPageSize {
			break
		}
		to = part.To
	}
	events, err := c.read(ctx, g, from, to, core.MaxPageSize, core.PageBytes)
	if err != nil {
		return err
	}
	*near = neighboursOf(events, from, to, core.MaxPageSize)
	return nil
}

// neighboursOf returns what was read from an offset up to another one, which a limit of
// events or bytes may have cut short.
func neighboursOf(events []core.Event, from, to core.Offset, limit int) neighbours {
	if core.Full(events, limit, core.PageBytes) {
		to = events[len(events)-1].Offset + 1
	}
	return neighbours{from, to, events}
}
