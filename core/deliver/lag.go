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

// statusOf says how far a group got in a stream of these bounds, in numbers of events and in
// seconds. archive is nil where there is none.
func statusOf(
	ctx context.Context, log core.Reader, archive core.Tiered, record core.GroupRecord, bounds core.Bounds, now time.Time,
) (core.GroupStatus, error) {
	group, err := standingOf(record, bounds)
	if err != nil {
		return core.GroupStatus{}, err
	}
	state := group.state
	status := core.GroupStatus{
		CommittedOffset: state.committed() - 1, NextOffset: state.Next, EndOffset: max(bounds.Next, state.Next), Missed: state.Missed,
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

// statusesOf says how far groups got, with one question to the log for all of their streams.
// It returns true for those of shards that are away: only their dead letters are known.
func statusesOf(
	ctx context.Context, log core.Reader, archive core.Tiered, records []core.GroupRecord, now time.Time,
) (statuses []core.GroupStatus, unavailable []bool, err error) {
	statuses, unavailable = make([]core.GroupStatus, len(records)), make([]bool, len(records))
	if len(records) == 0 {
		return statuses, unavailable, nil
	}
	reach, err := boundsOf(ctx, log, streamsOf(records))
	if err != nil {
		return nil, nil, err
	}
	for i := range records {
		stream := records[i].Group.Stream
		bounds, known := reach[stream]
		if known {
			statuses[i], err = statusOf(ctx, log, archive, records[i], bounds, now)
		}
		switch {
		case !known, core.CodeOf(err) == core.CodeUnavailable && ctx.Err() == nil:
			delete(reach, stream) // and it is not asked again
			statuses[i], unavailable[i] = core.GroupStatus{DeadLetters: records[i].DeadLetters}, true
		case err != nil:
			return nil, nil, err
		}
	}
	return statuses, unavailable, nil
}

// streamsOf returns the streams of groups, each once.
func streamsOf(records []core.GroupRecord) (streams []core.ID) {
	seen := make(map[core.ID]bool, len(records))
	for i := range records {
		if stream := records[i].Group.Stream; !seen[stream] {
			seen[stream] = true
			streams = append(streams, stream)
		}
	}
	return streams
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
