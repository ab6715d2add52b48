package process

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Failing counts the processors that a principal sees and that have failed since their last
// success, or were disabled by the server. To whoever may not read processors there are
// none.
func (s *Processors) Failing(ctx context.Context, who core.Principal) (n int64, err error) {
	if core.Authorize(s.Authorizer, who, core.ActionReadProcessors, core.ID{}) != nil {
		return 0, nil //nolint:nilerr // to them there are none
	}
	scan := core.ProcessorScan{Org: who.Org, Streams: who.Streams, Limit: core.MaxPageSize}
	for {
		page, err := s.Store.Processors(ctx, scan)
		if err != nil {
			return 0, core.StoreFailed(err)
		}
		for i := range page {
			if page[i].State == core.ProcessorDisabled || page[i].State == core.ProcessorRunning && page[i].FailingSince != nil {
				n++
			}
		}
		if len(page) < scan.Limit {
			return n, nil
		}
		scan.After = page[len(page)-1].ID
	}
}

// Census counts the processors of all organizations by their states. It is for whoever
// runs the installation, so nobody is asked who they are.
func (s *Processors) Census(ctx context.Context) (map[core.ProcessorState]int, error) {
	running, err := runningProcessors(ctx, s.Store)
	if err != nil {
		return nil, err
	}
	counts := map[core.ProcessorState]int{core.ProcessorRunning: len(running)}
	for _, state := range []core.ProcessorState{core.ProcessorPaused, core.ProcessorDisabled} {
		scan := core.ProcessorScan{State: state, Limit: core.MaxPageSize}
		for {
			page, err := s.Store.Processors(ctx, scan)
			if err != nil {
				return nil, core.StoreFailed(err)
			}
			counts[state] += len(page)
			if len(page) < scan.Limit {
				break
			}
			scan.After = page[len(page)-1].ID
		}
	}
	return counts, nil
}
