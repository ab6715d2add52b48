package process

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// disable stops a processor and says why, unless somebody has changed it meanwhile: then
// that change decides. Its events wait until somebody resumes it.
func (r *Runner) disable(ctx context.Context, p core.Processor, reason string) error {
	p.State, p.Reason, p.UpdatedAt = core.ProcessorDisabled, plain(reason), r.Now.Stamp()
	p.Revision++
	err := r.Store.UpdateProcessor(ctx, p)
	switch core.CodeOf(err) {
	case "":
	case core.CodePreconditionFailed, core.CodeNotFound:
		return nil
	default:
		return err
	}
	r.Groups.Forget(p.Stream)
	r.Logger.Warn("a processor was disabled", "org_id", p.Org, "stream_id", p.Stream, "processor_id", p.ID, "reason", p.Reason)
	who := core.Principal{Org: p.Org, Label: "eventflow"}
	record := who.Did(core.AuditProcessorDisabled, "processor", p.ID)
	record.Details = map[string]string{"reason": p.Reason}
	r.Record.Record(ctx, record)
	if r.Disabled != nil {
		r.Disabled(ctx, p)
	}
	return nil
}

// judge disables a processor whose destination wants no more, or has failed for too long.
// That it has is asked after a failure alone: where no events come, one that failed long ago
// says nothing about today.
func (r *Runner) judge(ctx context.Context, w *work, mark core.ProcessorMark) error {
	reason := w.turnedAway()
	if w.failing {
		w.failing = false
		reason = cmp.Or(reason, r.hopeless(mark, r.Now()))
	}
	if reason == "" {
		return nil
	}
	return r.disable(ctx, w.processor, reason)
}

// hopeless says why a processor has failed for too long, or is "".
func (r *Runner) hopeless(mark core.ProcessorMark, now time.Time) string {
	if r.DisableAfter == 0 || mark.FailingSince == nil || now.Sub(*mark.FailingSince) < r.DisableAfter {
		return ""
	}
	return fmt.Sprintf("nothing has arrived at the destination since %s; mend it, then resume the processor", mark.FailingSince.Format(time.RFC3339))
}
