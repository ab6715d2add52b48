package app

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// copying brings an installation from one store into another. What is in the target says
// how far it got: it can be ended at any moment and run again, also while servers write
// to the source.
type copying struct {
	from, to *installation
	// told makes what hears of the events that are done, of so many.
	told func(verb string, total int64) func(events int)
	now  func() time.Time

	places *placement
	// logs are the streams as they end in the copy, and sums what both sides hold.
	logs  []core.StreamLog
	sums  []streamSum
	moved int64
}

// run copies the log, which takes long, and then what it got meanwhile with a catalog of
// that moment. So no group is beyond the end of its stream, and nothing but the last
// part needs a source at rest.
func (c *copying) run(ctx context.Context) error {
	c.places = newPlacement(core.ShardsOf(c.from.storage), c.to.storage)
	seat(c.to.storage, c.places) // the target's own catalog knows nothing yet
	place := func(s *catalog.Snapshot) error { return c.places.fill(ctx, s) }
	if err := c.from.catalog.Snapshot(ctx, place); err != nil {
		return err
	}
	if err := c.checkTarget(ctx); err != nil {
		return err
	}
	// Until the end nothing is to be taken for an installation: a server that starts on an
	// earlier catalog would write to a log that is ahead of it.
	if err := c.to.catalog.Replace(ctx, func(*catalog.Replacement) error { return nil }); err != nil {
		return err
	}
	if err := c.copyLog(ctx); err != nil {
		return err
	}
	var tables tableSums
	err := c.from.catalog.Snapshot(ctx, func(s *catalog.Snapshot) error {
		if err := place(s); err != nil { // streams that were made meanwhile
			return err
		}
		if err := c.copyLog(ctx); err != nil {
			return err
		}
		return c.to.catalog.Replace(ctx, func(to *catalog.Replacement) (err error) {
			tables, err = c.copyTables(ctx, s, newFiller(to))
			return err
		})
	})
	if err != nil {
		return err
	}
	if err := tables.verify(ctx, c.to.catalog); err != nil {
		return err
	}
	return c.verify(ctx)
}

// checkTarget refuses a target that holds anything but an earlier state of the source.
func (c *copying) checkTarget(ctx context.Context) error {
	first, err := c.from.first(ctx)
	if err != nil {
		return err
	}
	if first.ID.IsZero() {
		return core.Errorf(core.CodeNotFound, "the store %s holds no installation: there is nothing to copy", c.from.name)
	}
	there, err := c.to.first(ctx)
	if err != nil {
		return err
	}
	if !there.ID.IsZero() && there.ID != first.ID {
		return core.Errorf(core.CodeConflict, "the store %s holds another installation, that of the organization %q; name an empty one", c.to.name, there.Name)
	}
	logs, err := c.from.log.Logs(ctx)
	if err != nil {
		return err
	}
	if err := c.to.sameStreams(ctx, logs, c.from.name); err != nil {
		return err
	}
	return c.sameEnds(ctx)
}

// sameEnds compares the last event of each stream in the target with the source's.
func (c *copying) sameEnds(ctx context.Context) error {
	there, err := c.to.log.Logs(ctx)
	if err != nil {
		return err
	}
	for _, of := range there {
		end := core.Scan{From: of.Next - 1, To: of.Next, Limit: 1}
		target, err := c.to.log.Entries(ctx, of.Stream, end)
		if err != nil {
			return err
		}
		source, err := c.from.log.Entries(ctx, of.Stream, end)
		if err != nil {
			return err
		}
		if len(target) == 1 && len(source) == 1 && target[0].ID != source[0].ID {
			return core.Errorf(core.CodeConflict, "the stream %s in the store %s has another event at offset %d than that in %s: it was written to; name an empty one",
				of.Stream, c.to.name, end.From, c.from.name)
		}
	}
	return nil
}

// copyLog brings the target's log to where the source's is now.
func (c *copying) copyLog(ctx context.Context) (err error) {
	if c.logs, err = c.from.log.Logs(ctx); err != nil {
		return err
	}
	there, err := c.to.log.Logs(ctx)
	if err != nil {
		return err
	}
	ends := make(map[core.ID]core.Bounds, len(there))
	for _, of := range there {
		ends[of.Stream] = of.Bounds
	}
	var left int64
	for _, of := range c.logs {
		left += max(0, int64(of.Next-max(of.First, ends[of.Stream].Next)))
	}
	told := c.told("copied", left)
	for _, of := range c.logs {
		end, known := ends[of.Stream]
		if known && end == of.Bounds {
			continue
		}
		err := eventlog.CopyStream(ctx, c.from.log, c.to.log, of, end.Next, func(events int) {
			c.moved += int64(events)
			told(events)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *copying) copyTables(ctx context.Context, from *catalog.Snapshot, fill *filler) (tableSums, error) {
	for _, table := range catalog.Tables() {
		if table.Bound {
			continue
		}
		err := from.Rows(ctx, table, func(row catalog.Row) error {
			if err := copiedRow(table.Name, row, c.now()); err != nil {
				return err
			}
			c.places.row(table.Name, row)
			return fill.add(table.Name, row)
		})
		if err != nil {
			return fill.sums, err
		}
	}
	return fill.sums, fill.flush()
}

// verify reads every stream on both sides and compares.
func (c *copying) verify(ctx context.Context) error {
	told := c.told("compared", eventsOf(c.logs))
	for _, of := range c.logs {
		sum, err := c.compare(ctx, of)
		if err != nil {
			return err
		}
		c.sums = append(c.sums, sum)
		told(int(of.Next - of.First))
	}
	return nil
}

// compareAttempts bounds how often a stream is compared that retention shortens at the
// source meanwhile.
const compareAttempts = 3

// compare compares a stream from where both sides have it.
func (c *copying) compare(ctx context.Context, of core.StreamLog) (sum streamSum, err error) {
	for range compareAttempts {
		for _, side := range []*installation{c.from, c.to} {
			bounds, err := side.storage.Bounds(ctx, []core.ID{of.Stream})
			if err != nil {
				return sum, err
			}
			of.First = min(max(of.First, bounds[0].First), of.Next)
		}
		var source streamSum
		if source, err = sumOf(ctx, c.from.log, of); err != nil {
			continue
		}
		if sum, err = sumOf(ctx, c.to.log, of); err != nil {
			continue
		}
		if source.sum == sum.sum {
			return sum, nil
		}
		err = fmt.Errorf("the stream %s differs between %s and %s", of.Stream, c.from.name, c.to.name)
	}
	return sum, err
}

// behind counts the events that the source has got since.
func (c *copying) behind(ctx context.Context) (events int64, err error) {
	logs, err := c.from.log.Logs(ctx)
	return max(0, nextsOf(logs)-nextsOf(c.logs)), err
}

func nextsOf(logs []core.StreamLog) (sum int64) {
	for _, of := range logs {
		sum += int64(of.Next)
	}
	return sum
}
