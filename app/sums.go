package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"iter"
	"maps"
	"slices"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// streamSum is what a log holds of a stream, in one hash over offset, id, payload and
// all else of every event.
type streamSum struct {
	core.StreamLog
	sum [sha256.Size]byte
}

// logSum is one hash of all streams, to be compared by eye: a backup, its restoration
// and any copy print the same one.
func logSum(streams []streamSum) string {
	all := sha256.New()
	for _, one := range streams {
		fmt.Fprintf(all, "%s %s %d %d %x\n", one.Org, one.Stream, one.First, one.Next, one.sum)
	}
	return hex.EncodeToString(all.Sum(nil))
}

// summing hands entries on and sums up those that are to be there in the end: what comes
// before a gap is removed again.
func summing(of core.StreamLog, entries iter.Seq2[core.Entry, error], into *streamSum) iter.Seq2[core.Entry, error] {
	return func(yield func(core.Entry, error) bool) {
		*into = streamSum{StreamLog: of}
		all, next := sha256.New(), of.First
		for entry, err := range entries {
			if err == nil {
				if entry.Offset != next {
					all.Reset()
					into.First = entry.Offset
				}
				next = entry.Offset + 1
				var line []byte
				line, err = eventlog.EncodeEntry(&entry)
				all.Write(append(line, '\n'))
			}
			if !yield(entry, err) || err != nil {
				return
			}
		}
		if next < of.Next {
			all.Reset()
			into.First = of.Next
		}
		into.sum = [sha256.Size]byte(all.Sum(nil))
	}
}

// sumOf reads what a log holds of a stream, up to the end that of says.
func sumOf(ctx context.Context, log core.Copyable, of core.StreamLog) (streamSum, error) {
	sum, events, err := eventlog.Sum(eventlog.Entries(ctx, log, of, of.First))
	if err == nil && events != int(of.Next-of.First) {
		err = core.Errorf(core.CodeConflict, "the stream %s holds %d events from offset %d to %d", of.Stream, events, of.First, of.Next)
	}
	return streamSum{of, sum}, err
}

// filler fills a catalog with rows, in portions, and sums them up by table.
type filler struct {
	to      *catalog.Replacement
	table   string
	waiting []catalog.Row
	sums    tableSums
}

// tableSums are hashes of tables. columns are those that each of them is about: an
// older version's rows lack some that the table has.
type tableSums struct {
	columns map[string][]string
	rows    map[string]hash.Hash
}

func newFiller(to *catalog.Replacement) *filler {
	return &filler{to: to, sums: tableSums{columns: map[string][]string{}, rows: map[string]hash.Hash{}}}
}

// portion is how many rows are added at once.
const portion = 500

// add adds a row, whose tables come one after the other.
func (f *filler) add(table string, row catalog.Row) error {
	if table != f.table || len(f.waiting) == portion {
		if err := f.flush(); err != nil {
			return err
		}
	}
	f.table, f.waiting = table, append(f.waiting, row)
	if f.sums.columns[table] == nil {
		f.sums.columns[table] = slices.Collect(maps.Keys(row))
	}
	return f.sums.add(table, row)
}

func (f *filler) flush() error {
	err := f.to.Add(f.table, f.waiting...)
	f.waiting = f.waiting[:0]
	return err
}

// add sums a row up.
func (t tableSums) add(table string, row catalog.Row) error {
	kept := make(catalog.Row, len(row))
	for _, column := range t.columns[table] {
		if value, there := row[column]; there {
			kept[column] = value
		}
	}
	line, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if t.rows[table] == nil {
		t.rows[table] = sha256.New()
	}
	_, err = t.rows[table].Write(append(line, '\n'))
	return err
}

// verify reads a catalog and compares it with what it was filled with.
func (t tableSums) verify(ctx context.Context, there *catalog.Catalog) error {
	is := tableSums{columns: t.columns, rows: map[string]hash.Hash{}}
	return there.Snapshot(ctx, func(s *catalog.Snapshot) error {
		for _, table := range catalog.Tables() {
			if err := s.Rows(ctx, table, func(row catalog.Row) error { return is.add(table.Name, row) }); err != nil {
				return err
			}
			if hexOf(is.rows[table.Name]) != hexOf(t.rows[table.Name]) {
				return fmt.Errorf("the table %s is not what was put there", table.Name)
			}
		}
		return nil
	})
}

func hexOf(sum hash.Hash) string {
	if sum == nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil))
}
