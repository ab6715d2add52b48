package process

import (
	"context"
	"encoding/json"

	"github.com/eventflow-go/eventflow/core"
)

// refuseCircle refuses a processor that would close a circle of streams: each event
// would come back to where it began as a new one, for ever. All processors of the
// organization count, paused ones too.
func refuseCircle(ctx context.Context, store core.Processors, p *core.Processor) error {
	to, isStream := targetOf(p)
	if !isStream {
		return nil
	}
	next := map[core.ID][]core.ID{p.Stream: {to}}
	scan := core.ProcessorScan{Org: p.Org, Limit: core.MaxPageSize}
	for {
		all, err := store.Processors(ctx, scan)
		if err != nil {
			return core.StoreFailed(err)
		}
		for i := range all {
			if target, ok := targetOf(&all[i]); ok && all[i].ID != p.ID {
				next[all[i].Stream] = append(next[all[i].Stream], target)
			}
		}
		if len(all) < scan.Limit {
			break
		}
		scan.After = all[len(all)-1].ID
	}
	if reaches(next, to, p.Stream, map[core.ID]bool{}) {
		return core.Invalid("destination.stream", "leads back to the stream that the processor reads, so its events would go round for ever")
	}
	return nil
}

// reaches reports whether there is a way from one stream to another.
func reaches(next map[core.ID][]core.ID, from, to core.ID, seen map[core.ID]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	for _, stream := range next[from] {
		if reaches(next, stream, to, seen) {
			return true
		}
	}
	return false
}

// targetOf returns the stream that a processor copies to, if it does.
func targetOf(p *core.Processor) (core.ID, bool) {
	var settings streamSettings
	if p.Destination.Type != typeStream || json.Unmarshal(p.Destination.Settings, &settings) != nil {
		return core.ID{}, false
	}
	return settings.Stream, true
}
