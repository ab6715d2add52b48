package core

import "context"

// GroupCensus is a group in numbers.
type GroupCensus struct {
	Stream ID
	Group  ID
	Name   string
	// Lag is how many events are not settled.
	Lag         int64
	DeadLetters int64
}

// censusPage is how many groups are looked at together.
const censusPage = 1000

// Census counts what every group of every organization has before it, for
// those who operate the installation.
func (c *Consumers) Census(ctx context.Context) (all []GroupCensus, err error) {
	for after := (ID{}); ; {
		records, err := c.store.AllGroups(ctx, GroupScan{After: after, Limit: censusPage})
		if err != nil {
			return nil, err
		}
		streams := make([]ID, len(records))
		for i := range records {
			streams[i] = records[i].Group.Stream
		}
		bounds, err := c.log.Bounds(ctx, streams)
		if err != nil {
			return nil, err
		}
		for i := range records {
			state, err := openState(records[i].Progress.State)
			if err != nil {
				return nil, err
			}
			state.trim(bounds[i].First)
			all = append(all, GroupCensus{
				Stream: streams[i], Group: records[i].Group.ID, Name: records[i].Group.Name,
				Lag: state.lag(bounds[i].Next), DeadLetters: records[i].DeadLetters,
			})
		}
		if len(records) < censusPage {
			return all, nil
		}
		after = records[len(records)-1].Group.ID
	}
}

// lag is how many events are not settled when the stream ends at end.
func (s *groupState) lag(end Offset) int64 {
	leased, waits := s.counts()
	return int64(max(end, s.Next)-s.Next) + leased + waits
}
