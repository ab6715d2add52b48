package jetstream

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// initTimeout bounds the making of partitions. Servers that have just started choose
// leaders first.
const initTimeout = 2 * time.Minute

// Init makes the partitions that a store's URL names, where they are not there yet, and
// tells what it did. Calling it again changes nothing. It is the only thing that makes
// partitions: a server that finds one missing must not take it for a new one.
func Init(ctx context.Context, u *url.URL, tell func(text string)) error {
	set, err := parse(u)
	if err != nil {
		return fmt.Errorf("the store's URL: %w", err)
	}
	l, err := dial(set)
	if err != nil {
		return err
	}
	defer l.close()
	ctx, cancel := context.WithTimeout(ctx, initTimeout)
	defer cancel()
	if err := l.await(ctx); err != nil {
		return err
	}
	for number := range set.partitions {
		p := newPartition(l, set, number)
		made, err := p.make(ctx)
		if err != nil {
			return fmt.Errorf("making the JetStream stream %s: %w", p.stream, err)
		}
		if made {
			tell("made " + p.stream)
		} else {
			tell("found " + p.stream)
		}
	}
	return nil
}

// make makes a partition, if there is none, and writes its marker. That there is a
// JetStream stream of this name with other settings is an error.
func (p *partition) make(ctx context.Context) (made bool, err error) {
	var state info
	err = p.again(ctx, func() error { return p.api(ctx, "STREAM.INFO", nil, &state) })
	switch {
	case code(err) == codeStreamNotFound:
		made = true
		err = p.create(ctx, &state)
	case err == nil:
		err = p.examine(ctx)
	}
	if err != nil || state.State.LastSeq > 0 {
		return made, err
	}
	return made, p.again(ctx, func() error {
		_, err := p.send(ctx, []outgoing{{p.marker(), nil, anything}})
		return err
	})
}

// peersTimeout is how long servers that have just started may take to hear of each other.
const peersTimeout = 15 * time.Second

func (p *partition) create(ctx context.Context, state *info) error {
	late := time.Now().Add(peersTimeout)
	return p.again(ctx, func() error {
		err := p.api(ctx, "STREAM.CREATE", p.config(), state)
		if code(err) == codeNoPeers && time.Now().Before(late) {
			return fmt.Errorf("%w: %w", errNoAnswer, err)
		}
		return err
	})
}
