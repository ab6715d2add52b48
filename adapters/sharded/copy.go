package sharded

import (
	"bytes"
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

// Logs implements [core.Copyable]. A copy of a stream that is not at its home is no log.
func (s *Storage) Logs(ctx context.Context) ([]core.StreamLog, error) {
	parts := make([][]core.StreamLog, len(s.shards))
	err := s.each(func(one *shard) (err error) {
		parts[one.number], err = s.logsOf(ctx, one)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := slices.Concat(parts...)
	slices.SortFunc(all, func(a, b core.StreamLog) int { return bytes.Compare(a.Stream[:], b.Stream[:]) })
	return all, nil
}

func (s *Storage) logsOf(ctx context.Context, one *shard) ([]core.StreamLog, error) {
	storage, err := one.get(ctx)
	if err != nil {
		return nil, err
	}
	logs, err := storage.(core.Movable).Logs(ctx)
	if err != nil {
		return nil, one.named(err)
	}
	streams := make([]core.ID, len(logs))
	for i := range logs {
		streams[i] = logs[i].Stream
	}
	homes, err := s.homes.of(ctx, streams...)
	if err != nil {
		return nil, err
	}
	kept := logs[:0]
	for i, home := range homes {
		if home == one.number {
			kept = append(kept, logs[i])
		}
	}
	return kept, nil
}

// Entries implements [core.Copyable].
func (s *Storage) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	return ask(ctx, s, stream, func(home core.Storage) ([]core.Entry, error) { return home.(core.Movable).Entries(ctx, stream, scan) })
}

// Put implements [core.Copyable].
func (s *Storage) Put(ctx context.Context, stretch core.Stretch) error {
	_, err := ask(ctx, s, stretch.Stream, func(home core.Storage) (struct{}, error) { return struct{}{}, home.(core.Movable).Put(ctx, stretch) })
	return err
}
