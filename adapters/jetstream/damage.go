package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// A server whose disk is damaged says of a message that it cannot read that there is none,
// and compares with that what an append expects. So a stream whose last block it cannot
// read would look like a new one, and get its first offsets a second time. How many
// messages a subject has is not read from them, and tells.

// certainlyNone returns nil where a subject, for which the leader has found nothing,
// has nothing.
func (p *partition) certainlyNone(ctx context.Context, subject string) error {
	state, err := p.whole(ctx, map[string]string{"subjects_filter": subject})
	if err == nil && state.State.Subjects[subject] > 0 {
		err = p.unreadable(subject)
	}
	return err
}

// find is newest for a subject that is asked for as a whole: that there is none is certain.
func (p *partition) find(ctx context.Context, g get) (*message, error) {
	m, err := p.newest(ctx, g)
	if err != nil || m != nil {
		return m, err
	}
	damaged := p.certainlyNone(ctx, g.LastFor+g.NextFor) // of which one is ""
	if damaged == nil {
		return nil, nil
	}
	if m, err = p.newest(ctx, g); err == nil && m == nil { // else it came meanwhile
		p.stepDown(ctx)
		err = damaged
	}
	return m, err
}

// stepDownEvery bounds how often a leader is asked to step down. Where no server can read a
// message, the next one is no better, and the partition stands still while they choose it.
const stepDownEvery = time.Minute

// stepDown has another server lead: one that cannot read what it has would stay the leader,
// because the servers do not know of it. Nothing is lost by that. Nobody hears of a failure,
// after which all is as before.
func (p *partition) stepDown(ctx context.Context) {
	p.mu.Lock()
	due := p.replicas > 1 && time.Since(p.steppedDown) > stepDownEvery
	if due {
		p.steppedDown = time.Now()
	}
	p.mu.Unlock()
	if due {
		_ = p.api(ctx, "STREAM.LEADER.STEPDOWN", nil, &struct{}{})
		p.doubt()
	}
}

// unreadable is what is said of a subject some of whose messages the leader cannot read.
func (p *partition) unreadable(subject string) error {
	return core.Unavailable(core.ErrLost, time.Minute, fmt.Sprintf(
		"the server that leads partition %d of the event store cannot read what it has of %s: its disk is damaged. "+
			"Nothing is stored there until another server leads; see adapters/jetstream/README.md", p.number, subject))
}
