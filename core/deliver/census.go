package deliver

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Census counts the lag and the dead letters of every group of every organization. It
// is for the operators of an installation and checks no principal: metrics ask for it. Groups
// of a shard that is away are left out, as nobody knows how far they are behind.
func (n *Numbers) Census(ctx context.Context) (all []core.GroupCensus, err error) {
	// Streams are asked for as the groups come, a page at a time: an installation has
	// too many to keep all bounds.
	bounds := func(records []core.GroupRecord) (map[core.ID]core.Bounds, error) {
		return boundsOf(ctx, n.log, streamsOf(records))
	}
	for group, err := range standings(ctx, n.groups, core.GroupScan{}, bounds) {
		if err != nil {
			return nil, err
		}
		all = append(all, core.GroupCensus{
			Stream: group.Group.Stream, Group: group.Group.ID, Name: group.Group.Name, Lag: group.lag(), DeadLetters: group.DeadLetters,
		})
	}
	return all, nil
}
