package process

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

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
