package sharded

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Pool implements [core.Pooled]: all pools together.
func (s *Storage) Pool() (load core.PoolLoad) {
	limited := true
	for _, one := range s.shards {
		pooled, ok := one.opened().(core.Pooled)
		if !ok {
			continue
		}
		its := pooled.Pool()
		limited = limited && its.Limit > 0
		load.Limit, load.InUse, load.Idle = load.Limit+its.Limit, load.InUse+its.InUse, load.Idle+its.Idle
		load.Waits, load.Waited = load.Waits+its.Waits, load.Waited+its.Waited
	}
	if !limited {
		load.Limit = 0
	}
	return load
}

// Disk implements [core.Housed]: the fullest one.
func (s *Storage) Disk() (least core.DiskLoad, err error) {
	for _, one := range s.shards {
		housed, ok := one.opened().(core.Housed)
		if !ok {
			continue
		}
		load, failed := housed.Disk()
		if failed == nil && load.Size > 0 && (least.Size == 0 || load.Free < least.Free) {
			least = load
		}
		err = errors.Join(err, failed)
	}
	if least.Size > 0 {
		return least, nil
	}
	return least, err
}

// Prepare implements [core.Preparer]. One shard that is away keeps none from its room.
func (s *Storage) Prepare(ctx context.Context, now, until time.Time) error {
	errs := make([]error, len(s.shards))
	_ = s.each(func(one *shard) error {
		storage, err := one.get(ctx)
		if room, ok := storage.(core.Preparer); ok {
			err = one.named(room.Prepare(ctx, now, until))
		}
		errs[one.number] = err
		return nil
	})
	return errors.Join(errs...)
}

// Examine implements [core.Examiner], shard after shard, each finding with the shard's
// name.
func (s *Storage) Examine(ctx context.Context, tell func(core.Finding)) error {
	for _, one := range s.shards {
		storage, err := one.get(ctx)
		if err != nil {
			tell(core.Finding{About: "shards", State: core.FindingProblem, Text: fmt.Sprintf("%s (%s) cannot be reached: %v", one, one.Name, errors.Unwrap(err))})
			continue
		}
		tell(core.Finding{About: "shards", State: core.FindingGood, Text: fmt.Sprintf("%s is %s, by its label", one, one.Name)})
		examiner, ok := storage.(core.Examiner)
		if !ok {
			continue
		}
		err = examiner.Examine(ctx, func(found core.Finding) {
			found.Text = one.String() + ": " + found.Text
			tell(found)
		})
		if err != nil {
			return one.named(err)
		}
	}
	return nil
}

// Schema implements [core.Migrated]: the versions of the first shard whose tables are at
// another version than this program knows, or else of any.
func (s *Storage) Schema(ctx context.Context) (at, known int64, err error) {
	for _, one := range s.shards {
		tables, ok := one.opened().(core.Migrated)
		if !ok {
			continue
		}
		is, knows, failed := tables.Schema(ctx)
		if failed != nil {
			err = failed
			continue
		}
		if at, known = is, knows; is != knows {
			return at, known, nil
		}
	}
	if known > 0 { // a shard that is away is told of by Check
		err = nil
	}
	return at, known, err
}
