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

// Census counts what every group of every organization has before it, for
// those who operate the installation.
func (c *Consumers) Census(ctx context.Context) (all []GroupCensus, err error) {
	bounds := func(records []GroupRecord) (map[ID]Bounds, error) {
		streams := make([]ID, len(records))
		for i := range records {
			streams[i] = records[i].Group.Stream
		}
		return boundsOf(ctx, c.log, streams)
	}
	for group, err := range standings(ctx, c.store, GroupScan{}, bounds) {
		if err != nil {
			return nil, err
		}
		all = append(all, GroupCensus{
			Stream: group.Group.Stream, Group: group.Group.ID, Name: group.Group.Name, Lag: group.lag(), DeadLetters: group.DeadLetters,
		})
	}
	return all, nil
}
