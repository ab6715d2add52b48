package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
)

// Examine implements [core.Examiner]: the storage looks at itself, and then every object is
// read and compared with what was written.
func (t *Tier) Examine(ctx context.Context, tell func(core.Finding)) error {
	if examiner, able := t.Storage.(core.Examiner); able {
		if err := examiner.Examine(ctx, tell); err != nil {
			return err
		}
	}
	var objects, events int64
	damage := false
	// By organization and stream would take a list of them. The times do, a page at a time.
	scan := core.SegmentScan{Limit: 1000}
	seen := map[string]bool{}
	for {
		page, err := t.segments.Segments(ctx, scan)
		if err != nil {
			return err
		}
		fresh := false
		for _, segment := range page {
			if seen[segment.Object] {
				continue
			}
			seen[segment.Object], fresh = true, true
			if err := t.examine(ctx, segment); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if !errors.Is(err, ErrMissing) && !errors.Is(err, errDamaged) {
					tell(core.Finding{About: "archive", State: core.FindingProblem, Text: fmt.Sprintf("its objects cannot be looked at: %v", err)})
					return nil
				}
				damage = true
				tell(core.Finding{About: "archive", State: core.FindingProblem, Stream: segment.Stream.String(), Offset: &segment.First, Text: fmt.Sprintf(
					"the object %s, of the events up to offset %d, cannot be read: %v", segment.Object, segment.Next-1, err)})
			}
			objects, events = objects+1, events+int64(segment.Next-segment.First)
		}
		if len(page) < scan.Limit {
			break
		}
		if !fresh {
			scan.Limit *= 2
			continue
		}
		scan.After = page[len(page)-1].FirstAt
	}
	if !damage {
		tell(core.Finding{About: "archive", State: core.FindingGood, Text: fmt.Sprintf("%d objects with %d events are as they were written", objects, events)})
	}
	return nil
}

func (t *Tier) examine(ctx context.Context, segment core.Segment) error {
	var content []byte
	err := t.state.ask(ctx, getTimeout, func(ctx context.Context) (err error) {
		content, err = t.bucket.Get(ctx, segment.Object)
		return err
	})
	if err != nil {
		return err
	}
	object, err := open(segment, content)
	if err != nil {
		return err
	}
	for offset := segment.First; offset < segment.Next; offset++ {
		if _, err := object.event(offset); err != nil {
			return err
		}
	}
	return nil
}
