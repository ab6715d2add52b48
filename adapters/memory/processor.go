package memory

import (
	"bytes"
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

func ownProcessor(p core.Processor) core.Processor {
	p.Group = ownGroup(p.Group)
	p.Destination.Settings, p.Destination.Secrets = bytes.Clone(p.Destination.Settings), bytes.Clone(p.Destination.Secrets)
	p.FailingSince = utcOrNone(p.FailingSince)
	return p
}

// processor returns a processor with its group, for the caller to keep.
func (c *Catalog) processor(id core.ID) (core.Processor, bool) {
	processor, ok := c.processors[id]
	processor.Group = c.groups[id]
	return ownProcessor(processor), ok
}

// CreateProcessor implements [core.Processors].
func (c *Catalog) CreateProcessor(ctx context.Context, processor core.Processor, first core.Progress) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	processor.Group.Processor = true
	if err := c.createGroup(processor.Group, first); err != nil {
		return err
	}
	c.processors[processor.ID] = ownProcessor(processor)
	return nil
}

// Processor implements [core.Processors].
func (c *Catalog) Processor(ctx context.Context, org, id core.ID) (core.Processor, error) {
	if err := c.enter(ctx); err != nil {
		return core.Processor{}, err
	}
	defer c.mu.Unlock()
	processor, ok := c.processor(id)
	if !ok || processor.Org != org {
		return core.Processor{}, missing("processor")
	}
	return processor, nil
}

// Processors implements [core.Processors].
func (c *Catalog) Processors(ctx context.Context, scan core.ProcessorScan) ([]core.Processor, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.processors, func(p core.Processor) bool {
		return byID(p.ID, scan.After) > 0 && (scan.Org.IsZero() || p.Org == scan.Org) && (scan.State == "" || p.State == scan.State) &&
			(len(scan.Streams) == 0 || slices.Contains(scan.Streams, p.Stream)) && c.streams[p.Stream].DeletedAt == nil
	}, func(a, b core.Processor) int { return byID(a.ID, b.ID) })
	return page(all, scan.Limit, func(p core.Processor) core.Processor {
		whole, _ := c.processor(p.ID)
		return whole
	}), nil
}

// UpdateProcessor implements [core.Processors].
func (c *Catalog) UpdateProcessor(ctx context.Context, processor core.Processor) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, ok := c.processors[processor.ID]
	if !ok || stored.Org != processor.Org || stored.Stream != processor.Stream {
		return missing("processor")
	}
	if err := c.updateGroup(processor.Group); err != nil {
		return err
	}
	processor.FailingSince, processor.CreatedBy = stored.FailingSince, stored.CreatedBy
	c.processors[processor.ID] = ownProcessor(processor)
	return nil
}

// RunningProcessors implements [core.Processors].
func (c *Catalog) RunningProcessors(ctx context.Context, after core.ID, limit int) ([]core.ProcessorMark, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	running := sorted(c.processors, func(p core.Processor) bool {
		return p.State == core.ProcessorRunning && byID(p.ID, after) > 0 && c.streams[p.Stream].DeletedAt == nil
	}, func(a, b core.Processor) int { return byID(a.ID, b.ID) })
	marks := make([]core.ProcessorMark, min(len(running), limit))
	for i := range marks {
		p, _ := c.processor(running[i].ID)
		marks[i] = core.ProcessorMark{ID: p.ID, Org: p.Org, Stream: p.Stream, Revision: p.Revision, FailingSince: p.FailingSince}
	}
	return marks, nil
}
