package sharded

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// ask runs a question about one stream at its home.
func ask[T any](ctx context.Context, s *Storage, stream core.ID, question func(core.Storage) (T, error)) (answer T, err error) {
	home, err := s.home(ctx, stream)
	if err != nil {
		return answer, err
	}
	err = home.call(ctx, func(storage core.Storage) (err error) {
		answer, err = question(storage)
		return err
	})
	return answer, err
}

// Read implements [core.Reader].
func (s *Storage) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	return ask(ctx, s, stream, func(home core.Storage) ([]core.Event, error) { return home.Read(ctx, stream, scan) })
}

// OffsetAt implements [core.Reader].
func (s *Storage) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	return ask(ctx, s, stream, func(home core.Storage) (core.Offset, error) { return home.OffsetAt(ctx, stream, at) })
}

// Trim implements [core.Trimmer].
func (s *Storage) Trim(ctx context.Context, stream core.ID, before time.Time) error {
	_, err := ask(ctx, s, stream, func(home core.Storage) (struct{}, error) { return struct{}{}, home.Trim(ctx, stream, before) })
	return err
}

// Remembered implements [core.Rememberer]; a shard that is none shows no keys.
func (s *Storage) Remembered(ctx context.Context, stream core.ID, from, to core.Offset) ([]core.Remembered, error) {
	return ask(ctx, s, stream, func(home core.Storage) ([]core.Remembered, error) {
		if shows, ok := home.(core.Rememberer); ok {
			return shows.Remembered(ctx, stream, from, to)
		}
		return nil, nil
	})
}

// Bounds implements [core.Reader]. It asks only the shards concerned, at once, and where
// there are several it gives up those that hang.
func (s *Storage) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	homes, err := s.homes.of(ctx, streams...)
	if err != nil {
		return nil, err
	}
	parts := make([][]core.ID, len(s.shards))
	at := make([][]int, len(s.shards))
	var concerned []*shard
	for i, home := range homes {
		if len(parts[home]) == 0 {
			concerned = append(concerned, s.shards[home])
		}
		parts[home], at[home] = append(parts[home], streams[i]), append(at[home], i)
	}
	found := &core.BoundsError{Bounds: make([]core.Bounds, len(streams)), Unknown: make([]bool, len(streams))}
	err = together(concerned, func(one *shard) error {
		asking := one.hurried
		if len(concerned) == 1 {
			asking = func(ctx context.Context, do func(context.Context, core.Storage) error) error {
				return one.call(ctx, func(storage core.Storage) error { return do(ctx, storage) })
			}
		}
		err := asking(ctx, func(ctx context.Context, storage core.Storage) error {
			part, err := storage.Bounds(ctx, parts[one.number])
			for i := range part {
				found.Bounds[at[one.number][i]] = part[i]
			}
			return err
		})
		for _, i := range at[one.number] {
			found.Unknown[i] = err != nil
		}
		return err
	})
	if err != nil {
		found.Err = err
		return nil, found
	}
	if len(streams) == 0 { // a closed store says so all the same
		_, err = s.shards[0].get(ctx)
	}
	return found.Bounds, err
}

// Confirm implements [core.Confirmer]; in a shard that is none, whatever can be read is safe.
func (s *Storage) Confirm(ctx context.Context, stream core.ID) error {
	_, err := ask(ctx, s, stream, func(home core.Storage) (struct{}, error) {
		if confirmer, ok := home.(core.Confirmer); ok {
			return struct{}{}, confirmer.Confirm(ctx, stream)
		}
		return struct{}{}, nil
	})
	return err
}
