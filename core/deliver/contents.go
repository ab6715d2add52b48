package deliver

import (
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// contents reads the events of the first of spans: of the log, or the copy in a dead
// letter. In a group with an ordering key a lease is made of many small spans; near
// keeps what was read of those that follow.
func (c *Consumers) contents(ctx context.Context, g *core.Group, spans []span, room int, near *neighbours) ([]core.Event, error) {
	part := spans[0]
	switch {
	case !part.ofLog():
		letter, err := c.letters.DeadLetter(ctx, g.Org, part.Letter)
		if core.IsNotFound(err) { // nothing goes out for it, and it is settled with its lease
			return nil, nil
		}
		return []core.Event{letter.Event}, err
	case g.OrderingKey == "" || part.size() > 1:
		return c.recent.Read(ctx, g.Stream, part.From, part.To, int(part.size()), room)
	case part.From < near.from || part.From >= near.to:
		if err := c.readNear(ctx, g, spans, near); err != nil {
			return nil, err
		}
	}
	return near.at(part.From), nil
}

// neighbours are events that were read together.
type neighbours struct {
	// from and to bound the offsets that were read; to is not included.
	from, to core.Offset
	events   []core.Event
}

// at returns the event at an offset, or none where retention has removed it.
func (n *neighbours) at(offset core.Offset) []core.Event {
	i := slices.IndexFunc(n.events, func(e core.Event) bool { return e.Offset >= offset })
	if i < 0 || n.events[i].Offset != offset {
		return nil
	}
	n.events = n.events[i:] // what comes before is not asked for again
	return n.events[:1:1]
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
	events, err := c.recent.Read(ctx, g.Stream, from, to, core.MaxPageSize, core.PageBytes)
	if err != nil {
		return err
	}
	if core.Full(events, core.MaxPageSize, core.PageBytes) {
		to = events[len(events)-1].Offset + 1
	}
	*near = neighbours{from, to, events}
	return nil
}
