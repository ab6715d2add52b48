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

// statusOf says how far a group got, in numbers of events and in seconds. archive is nil where
// there is none.
func statusOf(ctx context.Context, log core.Reader, archive core.Tiered, record core.GroupRecord, now time.Time) (core.GroupStatus, error) {
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
		status.LagSeconds, err = ageAt(ctx, log, archive, record.Group.Stream, from, status.EndOffset, now)
	}
	return status, core.StoreFailed(err)
}

// ageAt returns how old the first event of a range is, in seconds. Of one that is in the
// archive it knows the day, without a look there: how far groups are behind must not depend
// on an archive that may be away.
func ageAt(ctx context.Context, log core.Reader, archive core.Tiered, stream core.ID, from, to core.Offset, now time.Time) (float64, error) {
	if archive != nil {
		at, err := archive.ArchivedAt(ctx, stream, from)
		if err != nil || !at.IsZero() {
			return max(now.Sub(at).Seconds(), 0), err
		}
	}
	return age(ctx, log, stream, core.Scan{From: from, To: to, Limit: 1, Bytes: 1}, now)
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
