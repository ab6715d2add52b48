package jetstream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// A server's word that it did not store something does not say that no server did. While
// a network that was cut comes together again two of them may believe to lead, and both
// get what is sent: the old one refuses it by what it knows, and the new one stores it,
// at any time later. So neither a refusal nor silence ends an append. Only the log does:
// what has a majority is there for good.

// errUndecided says that the log does not tell yet what became of what was sent.
var errUndecided = errors.New("it is not known yet whether it was stored")

// settle sends messages until it is certain what became of them, or ctx ends: they are
// stored, where err is nil, or the error wraps [core.ErrUnknownOutcome], or they never
// can be stored any more. The first message is a block that expects its stream's end.
//
// As long as it is open the same messages are sent again, and nothing else is. At most one
// of two is taken, because both expect the same end. What is refused for want of room, or
// for a setting, is sent as often as there are servers: the next one may have room. When
// that many have refused it, nobody knows, and clients must hear of the reason.
func (p *partition) settle(ctx context.Context, all []outgoing) (first uint64, err error) {
	var refused error // the last refusal that has a reason
	for tries, refusals := 1, 0; ; tries++ {
		first, err = p.send(ctx, all)
		if err == nil {
			return first, nil
		}
		wait := time.Duration(min(tries, 20)) * 10 * time.Millisecond
		silent := errors.Is(err, errNoAnswer) || ctx.Err() != nil
		switch {
		case silent:
			p.doubt()
		case p.replicas == 1 && tries == 1: // there is no other server that may have taken it
			return 0, told(err, "nothing was stored")
		case !errors.Is(err, errOvertaken):
			refusals, refused, wait = refusals+1, err, refusedWait
		}
		first, fate := p.fate(ctx, all, !silent)
		switch {
		case fate == nil:
			return first, nil
		case errors.Is(fate, errOvertaken):
			return 0, fate
		case !errors.Is(fate, errUndecided):
			return 0, unknown(fmt.Errorf("%w; %w", err, fate), refused)
		}
		if refusals == p.replicas || p.trust(ctx) != nil || pause(ctx, wait) != nil {
			return 0, unknown(err, refused)
		}
	}
}

// refusedWait is how long a server that has refused gets to have another one lead. One that
// has no room does so by itself.
const refusedWait = 250 * time.Millisecond

// told adds what became of the events to what clients may read of a refusal.
func told(err error, outcome string) error {
	refused, is := errors.AsType[*core.Error](err)
	if !is {
		return err
	}
	said := *refused
	said.Message += "; " + outcome
	return &said
}

// unknown keeps the text of an error alone: what it wraps says that nothing was stored. Of
// a refusal, if there was one, clients must hear.
func unknown(err, refused error) error {
	text := errors.New(err.Error())
	if refused == nil {
		return fmt.Errorf("%w: %w", core.ErrUnknownOutcome, text)
	}
	refused = told(refused, "it is not known whether the events were stored; try again with the same idempotency key")
	return fmt.Errorf("%w: %w (at last: %w)", core.ErrUnknownOutcome, refused, text)
}

// fate looks in the log what became of messages that were sent. They are stored, and the
// first of them at a sequence, or never will be, where it is errOvertaken, or that is
// errUndecided. All are asked for that expect something, if somebody refused them, else
// only the first.
func (p *partition) fate(ctx context.Context, all []outgoing, refused bool) (first uint64, err error) {
	first, err = p.fateOf(ctx, &all[0])
	if !refused || !errors.Is(err, errUndecided) {
		return first, err
	}
	var others []*outgoing
	for i := range all[1:] {
		// A key that is new comes with a block of its stream, whose end moves by that.
		if o := &all[i+1]; o.expect > 0 || o.expect == 0 && !p.ofKey(o.subject) {
			others = append(others, o)
		}
	}
	err = each(others, func(o *outgoing) error {
		_, err := p.fateOf(ctx, o)
		if errors.Is(err, errUndecided) {
			return nil // not by this one
		}
		return err
	})
	if err == nil {
		err = errUndecided // or stored, which the first one tells
	}
	return 0, err
}

// fateOf is fate by one message. A block's place in the log is the first one behind the
// stream's expected end. A key's is that of the message which it replaces, until retention
// removes that.
func (p *partition) fateOf(ctx context.Context, o *outgoing) (seq uint64, err error) {
	from, old := uint64(o.expect)+1, p.ofKey(o.subject)
	if old {
		from--
		p.saw(from) // one that has not come so far is not believed that it is gone
	}
	m, err := p.newest(ctx, get{Seq: from, NextFor: o.subject})
	switch {
	case err != nil:
		return 0, err
	case m == nil && old:
		return 0, errOvertaken
	case m == nil && o.expect > 0:
		return 0, p.readable(ctx, o)
	case m == nil || old && m.seq == from:
		return 0, errUndecided
	case !bytes.Equal(m.data, o.data):
		return 0, errOvertaken
	}
	return m.seq, nil
}

// readable is errUndecided if the leader can read the block behind which another one is
// to come. One that cannot would refuse that one forever.
func (p *partition) readable(ctx context.Context, o *outgoing) error {
	m, err := p.newest(ctx, get{Seq: uint64(o.expect), NextFor: o.subject})
	switch {
	case err != nil:
		return err
	case m == nil:
		p.stepDown(ctx)
		return p.unreadable(o.subject)
	}
	return errUndecided
}
