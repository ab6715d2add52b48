package sharded

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Append implements [core.Appender]. All streams must have one home. If that turns out to
// be out of date, because the stream is fenced there, it is looked up anew and tried once
// where it is now. Several streams part there: one of them being moved must not hold up
// the others, and the caller knows how to go on.
func (s *Storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	streams := streamsOf(batches)
	if len(streams) == 0 {
		return nil
	}
	home, err := s.one(ctx, streams)
	if err != nil {
		return err
	}
	restore := keep(batches)
	err = s.appendTo(ctx, home, at, batches)
	var fenced *core.FencedError
	if !errors.As(err, &fenced) {
		return err
	}
	s.homes.drop(fenced.Stream)
	if len(streams) > 1 {
		return err
	}
	now, lost := s.one(ctx, streams)
	if lost != nil {
		return lost
	}
	if now != home {
		restore()
		err = s.appendTo(ctx, now, at, batches)
	}
	if errors.As(err, &fenced) {
		return core.Unavailable(err, time.Second, "the stream is being moved to another shard of the store, which takes seconds, and nothing was stored; try again")
	}
	return err
}

func (s *Storage) appendTo(ctx context.Context, home *shard, at time.Time, batches []core.Batch) error {
	return home.call(ctx, func(storage core.Storage) error { return storage.Append(ctx, at, batches) })
}

// one returns the home of streams that must have one.
func (s *Storage) one(ctx context.Context, streams []core.ID) (*shard, error) {
	homes, err := s.homes.of(ctx, streams...)
	if err != nil {
		return nil, err
	}
	for _, home := range homes {
		if home != homes[0] {
			return nil, core.ErrManyShards
		}
	}
	return s.shards[homes[0]], nil
}

// streamsOf returns the streams of batches, each once.
func streamsOf(batches []core.Batch) (streams []core.ID) {
	for i := range batches {
		if !slices.Contains(streams, batches[i].Stream) {
			streams = append(streams, batches[i].Stream)
		}
	}
	return streams
}

// keep notes the ids of entries with keys, and returns what sets them again: an append
// that is refused may have set those of earlier events.
func keep(batches []core.Batch) (restore func()) {
	var ids []core.ID
	each := func(do func(*core.Entry)) {
		for i := range batches {
			for j := range batches[i].Entries {
				if entry := &batches[i].Entries[j]; entry.IdempotencyKey != "" {
					do(entry)
				}
			}
		}
	}
	each(func(e *core.Entry) { ids = append(ids, e.ID) })
	return func() {
		each(func(e *core.Entry) { e.ID, ids = ids[0], ids[1:] })
	}
}
