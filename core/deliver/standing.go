package deliver

import (
	"context"
	"iter"

	"github.com/eventflow-go/eventflow/core"
)

// standing is a group with how far it got in its stream.
type standing struct {
	core.GroupRecord
	state  *groupState
	bounds core.Bounds
}

func standingOf(record core.GroupRecord, bounds core.Bounds) (standing, error) {
	state, err := openState(record.Progress.State)
	if err != nil {
		return standing{}, err
	}
	state.trim(bounds.First)
	return standing{record, state, bounds}, nil
}

// lag is how many events the group has not settled.
func (s *standing) lag() int64 {
	leased, waits := s.state.counts()
	return int64(max(s.bounds.Next, s.state.Next)-s.state.Next) + leased + waits
}

// standingsPage is how many groups are read together.
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

// standings goes through all groups of a scan, each with its standing. bounds
// says how far the streams of some groups reach; a group whose stream is not
// among them is passed over. The sequence ends after an error.
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

// boundsOf asks the log for the bounds of streams, each once.
func boundsOf(ctx context.Context, log core.Reader, streams []core.ID) (map[core.ID]core.Bounds, error) {
	bounds, err := log.Bounds(ctx, streams)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	reach := make(map[core.ID]core.Bounds, len(streams))
	for i, stream := range streams {
		reach[stream] = bounds[i]
	}
	return reach, nil
}
