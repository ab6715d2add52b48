package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownReplay(replay core.Replay) core.Replay {
	replay.Streams = slices.Clone(replay.Streams)
	if offset := replay.Filter.Offset; offset != nil {
		replay.Filter.Offset = new(*offset)
	}
	replay.HeldUntil, replay.CreatedAt, replay.UpdatedAt = utc(replay.HeldUntil), utc(replay.CreatedAt), utc(replay.UpdatedAt)
	return replay
}

// CreateReplay implements [core.Replays].
func (c *Catalog) CreateReplay(ctx context.Context, replay core.Replay) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return add(c.replays, replay.ID, ownReplay(replay))
}

// Replay implements [core.Replays].
func (c *Catalog) Replay(ctx context.Context, org, id core.ID) (core.Replay, error) {
	if err := c.enter(ctx); err != nil {
		return core.Replay{}, err
	}
	defer c.mu.Unlock()
	replay, ok := c.replays[id]
	if !ok || replay.Org != org {
		return core.Replay{}, missing("replay")
	}
	return ownReplay(replay), nil
}

// UpdateReplay implements [core.Replays].
func (c *Catalog) UpdateReplay(ctx context.Context, replay core.Replay) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, ok := c.replays[replay.ID]
	if !ok || stored.Org != replay.Org || stored.Revision != replay.Revision-1 {
		return errMoved
	}
	c.replays[replay.ID] = ownReplay(replay)
	return nil
}

// Replays implements [core.Replays].
func (c *Catalog) Replays(ctx context.Context, org core.ID, scan core.ReplayScan) ([]core.Replay, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.replays, func(replay core.Replay) bool {
		return replay.Org == org && (scan.State == "" || replay.State == scan.State) && (scan.Before.IsZero() || byID(replay.ID, scan.Before) < 0)
	}, func(a, b core.Replay) int { return byID(b.ID, a.ID) })
	return page(all, scan.Limit, ownReplay), nil
}

// RunningReplays implements [core.Replays].
func (c *Catalog) RunningReplays(ctx context.Context, after core.ID, limit int) ([]core.Replay, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.replays, func(replay core.Replay) bool {
		return replay.State == core.ReplayRunning && byID(replay.ID, after) > 0
	}, func(a, b core.Replay) int { return byID(a.ID, b.ID) })
	return page(all, limit, ownReplay), nil
}

// DueReplays implements [core.Replays].
func (c *Catalog) DueReplays(ctx context.Context, at time.Time, limit int) ([]core.Replay, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.replays, func(replay core.Replay) bool {
		return replay.State == core.ReplayRunning && !replay.HeldUntil.After(at)
	}, func(a, b core.Replay) int { return cmp.Or(a.HeldUntil.Compare(b.HeldUntil), byID(a.ID, b.ID)) })
	seen := map[core.ID]bool{}
	all = slices.DeleteFunc(all, func(replay core.Replay) bool {
		before := seen[replay.Org]
		seen[replay.Org] = true
		return before
	})
	return page(all, limit, ownReplay), nil
}
