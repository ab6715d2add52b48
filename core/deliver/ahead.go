package deliver

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// ahead reads the events that come next in an ordered group, while its worker is busy with
// those before. The group's one lease says which they are. Reading is no promise: another
// node may get them, and then they were read for nothing. The zero value has read nothing.
type ahead struct {
	// near is what was read. It belongs to the goroutine that reads until done is closed.
	near neighbours
	// done is nil where nothing is being read, nor was.
	done   chan struct{}
	cancel context.CancelFunc
}

// begin reads a whole lease from an offset on, once it is the organization's turn. The
// worker is behind: otherwise it waits for events more than for a read, and what is new is
// in memory.
func (a *ahead) begin(ctx context.Context, c *Consumers, g *core.Group, from core.Offset, limit int) {
	to := from + core.Offset(limit)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	*a = ahead{done: done, cancel: cancel}
	go func() {
		defer close(done)
		c.backfills.Backfill(ctx, g.Org, c.closing, func() {
			events, err := c.read(ctx, g, from, to, limit, core.PageBytes)
			if err == nil { // otherwise the next lease reads them, and says what is wrong
				a.near = neighboursOf(events, from, to, limit)
			}
		})
	}()
}

// end waits for the reading, and returns what was read. limit becomes less where that is
// less: events that are too large to be read at once are too large for one lease.
func (a *ahead) end(limit *int) neighbours {
	if a.done == nil {
		return neighbours{}
	}
	<-a.done
	a.cancel()
	near := a.near
	*a = ahead{}
	if near.to > near.from {
		*limit = min(*limit, int(near.to-near.from))
	}
	return near
}

// stop gives up the reading.
func (a *ahead) stop() {
	if a.done != nil {
		a.cancel()
		<-a.done
	}
}
