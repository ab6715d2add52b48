package deliver

import (
	"context"
	"iter"
	"time"

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

// statusOf says how far a group got.
func statusOf(ctx context.Context, log core.Reader, record core.GroupRecord, now time.Time) (core.GroupStatus, error) {
	bounds, err := log.Bounds(ctx, []core.ID{record.Group.Stream})
	if err != nil {
		return core.GroupStatus{}, core.StoreFailed(err)
	}
	group, err := standingOf(record, bounds[0])
	if err != nil {
		return core.GroupStatus{}, err
	}
	state := group.state
	status := core.GroupStatus{
		CommittedOffset: state.committed() - 1, NextOffset: state.Next, EndOffset: max(bounds[0].Next, state.Next), Missed: state.Missed,
		DeadLetters: record.DeadLetters, Lag: group.lag(),
	}
	if !state.CommittedAt.IsZero() {
		status.CommittedAt = &state.CommittedAt
	}
	status.Leased, status.Waiting = state.counts()
	if from := state.committed(); from < status.EndOffset {
		status.LagSeconds, err = age(ctx, log, record.Group.Stream, core.Scan{From: from, To: status.EndOffset, Limit: 1, Bytes: 1}, now)
	}
	return status, core.StoreFailed(err)
}

// age returns how old the first event of a scan is, in seconds.
func age(ctx context.Context, log core.Reader, stream core.ID, scan core.Scan, now time.Time) (float64, error) {
	events, err := log.Read(ctx, stream, scan)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return max(now.Sub(events[0].ReceivedAt).Seconds(), 0), nil
}
