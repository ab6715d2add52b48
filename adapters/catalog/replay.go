package catalog

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/core"
)

type replayRow struct {
	ID        string `gorm:"primaryKey"`
	Org       string
	State     string
	HeldUntil int64
	Revision  int64
	Document  string
}

// TableName names the table for GORM.
func (replayRow) TableName() string { return "replays" }

// replayDocument is a replay with what its JSON leaves out.
type replayDocument struct {
	core.Replay
	Streams []core.ID `json:"streams,omitempty"`
	Cursor  core.ID   `json:"cursor,omitzero"`
	Until   core.ID   `json:"until,omitzero"`
}

func replayRowOf(r core.Replay) (replayRow, error) {
	document, err := json.Marshal(replayDocument{r, r.Streams, r.Cursor, r.Until})
	return replayRow{
		ID: r.ID.String(), Org: r.Org.String(), State: string(r.State), HeldUntil: heldUntil(r.HeldUntil),
		Revision: r.Revision, Document: string(document),
	}, err
}

func heldUntil(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func (r replayRow) replay() (core.Replay, error) {
	var document replayDocument
	if err := json.Unmarshal([]byte(r.Document), &document); err != nil {
		return core.Replay{}, fmt.Errorf("the replay %s is damaged: %w", r.ID, err)
	}
	replay := document.Replay
	replay.Streams, replay.Cursor, replay.Until = document.Streams, document.Cursor, document.Until
	replay.Revision = r.Revision
	if r.HeldUntil != 0 {
		replay.HeldUntil = fromMicros(r.HeldUntil)
	}
	return replay, parseIDs(into{r.ID, &replay.ID}, into{r.Org, &replay.Org})
}

// CreateReplay implements [core.Replays].
func (c *Catalog) CreateReplay(ctx context.Context, replay core.Replay) error {
	row, err := replayRowOf(replay)
	if err != nil {
		return err
	}
	return c.write(ctx, func(tx *gorm.DB) error { return tx.Create(&row).Error })
}

// Replay implements [core.Replays].
func (c *Catalog) Replay(ctx context.Context, org, id core.ID) (core.Replay, error) {
	return take(c.db.WithContext(ctx).Where("org = ? and id = ?", org.String(), id.String()), "replay", replayRow.replay)
}

// UpdateReplay implements [core.Replays].
func (c *Catalog) UpdateReplay(ctx context.Context, replay core.Replay) error {
	row, err := replayRowOf(replay)
	if err != nil {
		return err
	}
	return c.write(ctx, func(tx *gorm.DB) error {
		return changed(tx.Model(&replayRow{}).Where("id = ? and revision = ?", row.ID, row.Revision-1).
			Select("state", "held_until", "revision", "document").Updates(&row), errMoved)
	})
}

// Replays implements [core.Replays].
func (c *Catalog) Replays(ctx context.Context, org core.ID, scan core.ReplayScan) ([]core.Replay, error) {
	query := c.db.WithContext(ctx).Where("org = ?", org.String())
	if scan.State != "" {
		query = query.Where("state = ?", string(scan.State))
	}
	if !scan.Before.IsZero() {
		query = query.Where("id < ?", scan.Before.String())
	}
	return list(query.Order("id desc").Limit(scan.Limit), replayRow.replay)
}

// RunningReplays implements [core.Replays].
func (c *Catalog) RunningReplays(ctx context.Context, after core.ID, limit int) ([]core.Replay, error) {
	query := c.db.WithContext(ctx).Where("state = ?", string(core.ReplayRunning))
	if !after.IsZero() {
		query = query.Where("id > ?", after.String())
	}
	return list(query.Order("id").Limit(limit), replayRow.replay)
}

// DueReplays implements [core.Replays].
func (c *Catalog) DueReplays(ctx context.Context, at time.Time, limit int) ([]core.Replay, error) {
	running, due := string(core.ReplayRunning), micros(at)
	return list(c.db.WithContext(ctx).Where("state = ? and held_until <= ?", running, due).
		Where(`not exists (select 1 from replays earlier where earlier.org = replays.org and earlier.state = ? and earlier.held_until <= ?
			and (earlier.held_until, earlier.id) < (replays.held_until, replays.id))`, running, due).
		Order("held_until, id").Limit(limit), replayRow.replay)
}
