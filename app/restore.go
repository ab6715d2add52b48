package app

import (
	"context"
	"fmt"
	"iter"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// restore puts a backup into an installation.
type restore struct {
	from *backupReader
	to   *installation
	// streams and tables are what was put.
	streams []streamSum
	tables  tableSums
}

// run restores everything. The catalog is committed last, when the log is complete: an
// installation that was restored in part is none, and the restore can be run again.
func (r *restore) run(ctx context.Context, told func(events int)) error {
	if err := r.checkEmpty(ctx); err != nil {
		return err
	}
	return r.to.catalog.Replace(ctx, func(to *catalog.Replacement) error {
		fill := newFiller(to)
		places := newPlacement(r.from.head.Shards, r.to.storage)
		seat(r.to.storage, places) // the target's own catalog knows nothing yet
		err := r.from.rows(func(table string, row catalog.Row) error {
			if table == "processors" { // those of a backup of an earlier version run
				if err := pauseRow(row); err != nil {
					return err
				}
			}
			places.row(table, row)
			return fill.add(table, row)
		})
		if err != nil {
			return err
		}
		if err := fill.flush(); err != nil {
			return err
		}
		r.tables = fill.sums
		return r.from.streams(func(of core.StreamLog, entries iter.Seq2[core.Entry, error]) error {
			return r.stream(ctx, of, entries, told)
		})
	})
}

// checkEmpty refuses a place that holds anything but what an earlier run of the same
// restore has put there.
func (r *restore) checkEmpty(ctx context.Context) error {
	there, err := r.to.first(ctx)
	if err != nil {
		return err
	}
	if !there.ID.IsZero() {
		return core.Errorf(core.CodeConflict, "the store %s already holds an installation, that of the organization %q; name an empty one", r.to.name, there.Name)
	}
	return r.to.sameStreams(ctx, r.from.logs, "this backup")
}

func (r *restore) stream(ctx context.Context, of core.StreamLog, entries iter.Seq2[core.Entry, error], told func(events int)) error {
	var sum streamSum
	if err := eventlog.PutStream(ctx, r.to.log, of, of.First, summing(of, entries, &sum), told); err != nil {
		return err
	}
	r.streams = append(r.streams, sum)
	return nil
}

// verify reads everything again, and compares it with what was put.
func (r *restore) verify(ctx context.Context, told func(events int)) error {
	for _, want := range r.streams {
		got, err := sumOf(ctx, r.to.log, want.StreamLog)
		if err != nil {
			return err
		}
		if got.sum != want.sum {
			return fmt.Errorf("the stream %s in %s is not what the backup holds", want.Stream, r.to.name)
		}
		told(int(want.Next - want.First))
	}
	return r.tables.verify(ctx, r.to.catalog)
}
