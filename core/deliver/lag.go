package deliver

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// lag returns how many events the group has not settled. These are new, or held by
// consumers, or waiting to go out again; letters that are replayed count, too. The
// bounds may be older than the state, so the group may seem to be ahead of its stream.
func (s *standing) lag() int64 {
	leased, waits := s.state.counts()
	return int64(max(s.bounds.Next, s.state.Next)-s.state.Next) + leased + waits
}

// statusOf says how far a group got, in numbers of events and in seconds.
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
	// The oldest event that is not settled gives the age, so that is one event to
	// read.
	if from := state.committed(); from < status.EndOffset {
		status.LagSeconds, err = age(ctx, log, record.Group.Stream, core.Scan{From: from, To: status.EndOffset, Limit: 1, Bytes: 1}, now)
	}
	return status, core.StoreFailed(err)
}

// age returns how old the first event of a scan is, in seconds. It is 0 where there is
// none, and where another node's clock is ahead of this one's.
func age(ctx context.Context, log core.Reader, stream core.ID, scan core.Scan, now time.Time) (float64, error) {
	events, err := log.Read(ctx, stream, scan)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	return max(now.Sub(events[0].ReceivedAt).Seconds(), 0), nil
}
