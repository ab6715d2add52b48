package deliver

import (
	"context"
	"iter"

	"github.com/eventflow-go/eventflow/core"
)

// standing is a group with how far it got in its stream. Everything that counts groups
// goes by it: the status of one, lists, summaries and the census.
type standing struct {
	core.GroupRecord
	// state is the group's own, without the events that retention has removed since:
	// nobody has told the group yet.
	state *groupState
	// bounds are how far the stream reaches.
	bounds core.Bounds
}

// standingOf puts a group beside the bounds of its stream.
func standingOf(record core.GroupRecord, bounds core.Bounds) (standing, error) {
	state, err := openState(record.Progress.State)
	if err != nil {
		return standing{}, err
	}
	state.trim(bounds.First) // on this copy alone: it is not stored
	return standing{record, state, bounds}, nil
}

// standingsPage is how many groups are read at a time.
const standingsPage = 1000

// groupRecords goes through all groups of a scan, a page at a time.
func groupRecords(ctx context.Context, store core.Groups, scan core.GroupScan) iter.Seq2[[]core.GroupRecord, error] {
	scan.Limit = standingsPage
	return func(yield func([]core.GroupRecord, error) bool) {
		for {
			records, err := store.AllGroups(ctx, scan)
			if !yield(records, core.StoreFailed(err)) || err != nil || len(records) < scan.Limit {
				return
			}
			scan.After = records[len(records)-1].Group.ID
		}
	}
}

// standings goes through all groups of a scan, each with its standing. bounds tells
// how far the streams of a page of groups reach. A group whose stream it does not know
// is passed over: the stream is deleted, or the principal may not see it. The sequence
// ends after an error.
func standings(
	ctx context.Context, store core.Groups, scan core.GroupScan, bounds func([]core.GroupRecord) (map[core.ID]core.Bounds, error),
) iter.Seq2[standing, error] {
	return func(yield func(standing, error) bool) {
		for records, err := range groupRecords(ctx, store, scan) {
			var reach map[core.ID]core.Bounds
			if err == nil {
				reach, err = bounds(records)
			}
			if err != nil {
				yield(standing{}, err)
				return
			}
			for i := range records {
				stream, there := reach[records[i].Group.Stream]
				if !there {
					continue
				}
				one, err := standingOf(records[i], stream)
				if !yield(one, err) || err != nil {
					return
				}
			}
		}
	}
}

// boundsOf asks the log for the bounds of streams, all at once. Streams whose shard is away
// are missing.
func boundsOf(ctx context.Context, log core.Reader, streams []core.ID) (map[core.ID]core.Bounds, error) {
	reach, _, err := askBounds(ctx, log, streams)
	return reach, err
}

// askBounds is boundsOf, and says why streams are missing.
func askBounds(ctx context.Context, log core.Reader, streams []core.ID) (reach map[core.ID]core.Bounds, part, err error) {
	bounds, err := log.Bounds(ctx, streams)
	known, unknown := core.KnownBounds(bounds, err)
	if known == nil && err != nil {
		return nil, nil, core.StoreFailed(err)
	}
	reach = make(map[core.ID]core.Bounds, len(streams))
	for i, stream := range streams {
		if !unknown(i) {
			reach[stream] = known[i]
		}
	}
	return reach, core.StoreFailed(err), nil
}
