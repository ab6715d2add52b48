package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// A server that dies while it moves a stream leaves a note in the stream's definition, and
// perhaps a fence. Any server finds that and ends the move: forwards if the definition was
// switched, back otherwise. Whoever does it takes over by a note of its own, so a server that
// was only slow is overtaken, and changes nothing any more.

// tendEvery is how often a server looks for moves that were left.
const tendEvery = 30 * time.Second

// leftAfter is how long a stream may be held before its move counts as left: a move holds
// it for less, and has as long again to release it after an error.
const leftAfter = 3 * holdAtMost

// Run looks for moves that were left, at once and again and again, until ctx ends. It tells
// ran of `moves`. Where the store has one shard it returns.
func (m *Moves) Run(ctx context.Context, ran core.Ran) {
	if m.Store == nil || m.Store.Shards() < 2 {
		return
	}
	tick := time.NewTicker(tendEvery)
	defer tick.Stop()
	for {
		err := m.Tend(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			m.Logger.Error("a move of a stream that was left could not be ended; it will be tried again", "error", err)
		}
		ran.Tell("moves", err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Tend looks once. One Tend runs at a time.
func (m *Moves) Tend(ctx context.Context) error {
	moving, err := m.Streams.Places.MovingStreams(ctx)
	if err != nil {
		return err
	}
	now, seen := m.Now.Stamp(), map[core.ID]time.Time{}
	var failures []error
	for i := range moving {
		stream := &moving[i]
		since, before := m.seen[stream.Moving.ID]
		if !before {
			since = now
		}
		seen[stream.Moving.ID] = since
		left, err := m.left(ctx, stream, now, since)
		if err == nil && left {
			err = m.takeOver(ctx, *stream)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("the stream %s: %w", stream.ID, err))
		}
	}
	m.seen = seen
	return errors.Join(failures...)
}

// left reports whether nobody can be at a move any more that holds its stream, or was about
// to release it. since is when the move was seen first. One that is copying holds nobody up:
// it may take hours, and whoever wants the stream moved begins again.
func (m *Moves) left(ctx context.Context, stream *core.Stream, now, since time.Time) (bool, error) {
	if stream.Moving.To == stream.Shard {
		return now.Sub(stream.UpdatedAt) > holdAtMost, nil
	}
	if now.Sub(since) <= leftAfter {
		return false, nil
	}
	home, err := (&move{Moves: m}).at(ctx, stream.Shard)
	if err != nil {
		return false, err
	}
	fenced, err := home.Fenced(ctx)
	return slices.Contains(fenced, stream.ID), err
}

// takeOver ends a move where its stream is.
func (m *Moves) takeOver(ctx context.Context, left core.Stream) error {
	who := core.Principal{Org: left.Org, Label: "server", Role: core.RoleAdmin}
	now := m.Now.Stamp()
	stream, err := m.change(ctx, who, left.ID.String(), func(stream *core.Stream) error {
		if stream.Moving == nil || stream.Moving.ID != left.Moving.ID || stream.Shard != left.Shard {
			return errOvertaken
		}
		stream.Moving = &core.ShardMove{ID: core.RandomID(now), To: stream.Shard, StartedAt: now}
		return nil
	})
	if err == nil {
		m.Logger.WarnContext(ctx, "a move of a stream was left; it is ended where the stream is", "stream_id", left.ID, "shard", left.Shard, "to", left.Moving.To)
		err = m.Finish(ctx, who, stream, func(int) {})
	}
	if errors.Is(err, errOvertaken) {
		return nil // another server was faster, or the one that was slow
	}
	return err
}
