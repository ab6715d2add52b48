package process

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Runner has this node take part in all processors that run. Every node does: leases
// keep them from doing the same work, as they keep consumers from it.
type Runner struct {
	Ports
	to   *destinations
	lane *slowLane
	// news holds at most one signal: processors have changed on this node.
	news chan struct{}
	// works are what this node works on. Only the goroutine of Run touches it.
	works map[core.ID]*work
}

// lookInterval is how often a node looks which processors are to work, and tells what it
// did. So a change on another node shows after it.
const lookInterval = time.Second

// wake has Run look at once.
func (r *Runner) wake() {
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, and then lets go of everything: what is on its way to a
// destination may arrive within [grace], and the rest goes back to the groups.
func (r *Runner) Run(ctx context.Context, ran core.Ran) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	forgotten := r.Now()
	for ctx.Err() == nil {
		err := r.look(ctx)
		if ctx.Err() == nil {
			ran.Tell("processors", err)
		}
		if err != nil && ctx.Err() == nil {
			r.Logger.Warn("looking for processors failed; it will be tried again", "error", err)
		}
		r.tell(ctx)
		if now := r.Now(); now.Sub(forgotten) > time.Hour {
			forgotten = now
			ran.Tell("deliveries", r.Store.ForgetDeliveries(ctx, now.AddDate(0, 0, -core.DeliveryAttemptDays)))
		}
		select {
		case <-ticker.C:
		case <-r.news:
		case <-ctx.Done():
		}
	}
	r.stop()
}

// stop ends all work, and tells what was done last.
func (r *Runner) stop() {
	for _, w := range r.works {
		w.end()
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastWord)
	defer cancel()
	for _, w := range r.works {
		<-w.ended
	}
	r.tell(ctx)
}

// lastWord bounds what a node that stops has to say to the store.
const lastWord = 5 * time.Second

// look starts what is to work, and ends what is not or has changed.
func (r *Runner) look(ctx context.Context) error {
	marks, err := runningProcessors(ctx, r.Store)
	if err != nil {
		return err
	}
	for id, w := range r.works {
		if mark, runs := marks[id]; !runs || mark.Revision != w.processor.Revision {
			w.end()
		}
		select {
		case <-w.ended:
			r.note(ctx, w)
			delete(r.works, id)
		default: // the next look finds it ended
		}
	}
	for id, mark := range marks {
		if err := r.begin(ctx, id, mark); err != nil {
			return err
		}
	}
	return nil
}

// runningProcessors returns the marks of all processors that run, on any node.
func runningProcessors(ctx context.Context, store core.Processors) (map[core.ID]core.ProcessorMark, error) {
	all := map[core.ID]core.ProcessorMark{}
	for after := (core.ID{}); ; {
		marks, err := store.RunningProcessors(ctx, after, core.MaxPageSize)
		if err != nil {
			return nil, err
		}
		for _, mark := range marks {
			all[mark.ID], after = mark, mark.ID
		}
		if len(marks) < core.MaxPageSize {
			return all, nil
		}
	}
}

// begin has this node work on a processor, unless it does.
func (r *Runner) begin(ctx context.Context, id core.ID, mark core.ProcessorMark) error {
	if w := r.works[id]; w != nil {
		return r.judge(ctx, w, mark)
	}
	p, err := r.Store.Processor(core.ContextWithOrganization(ctx, mark.Org), mark.Org, id)
	if core.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if p, err = r.resealed(ctx, p); err != nil {
		return err
	}
	pipeline, err := r.Compiler.Compile(p.Filter, p.Transform)
	if err != nil {
		return r.disable(ctx, p, "the filter or the transform does not compile any more: "+said(err))
	}
	switch err := refuseCircle(ctx, r.Store, &p); core.CodeOf(err) {
	case "":
	case core.CodeValidation:
		return r.disable(ctx, p, said(err))
	default: // the store could not say
		return err
	}
	sink, err := r.to.open(ctx, &p)
	if core.CodeOf(err) == core.CodeUnavailable {
		return err
	}
	if err != nil {
		return r.disable(ctx, p, "the destination cannot be opened: "+said(err))
	}
	if p.Filter == "" && p.Transform == "" {
		r.works[id] = r.start(&p, nil, sink) // nothing is to be decided
		return nil
	}
	r.works[id] = r.start(&p, &paced{Pipeline: pipeline, lane: r.lane, org: p.Org, slow: slowRuns}, sink)
	return nil
}

// resealed seals the secrets of a processor anew if the server's secret has changed.
func (r *Runner) resealed(ctx context.Context, p core.Processor) (core.Processor, error) {
	if len(p.Destination.Secrets) == 0 || !r.Sealer.Stale(p.Destination.Secrets) {
		return p, nil
	}
	to, err := r.to.opened(p.Destination, p.ID)
	if err != nil {
		return p, nil //nolint:nilerr // opening the destination says it
	}
	again := p
	again.Destination = r.to.sealed(to, p.ID)
	again.Revision++
	switch err := r.Store.UpdateProcessor(ctx, again); core.CodeOf(err) {
	case "":
		return again, nil
	case core.CodePreconditionFailed, core.CodeNotFound: // another node was faster
		return p, nil
	default:
		return p, err
	}
}

// tell notes what was done since the last time.
func (r *Runner) tell(ctx context.Context) {
	for _, w := range r.works {
		r.note(ctx, w)
	}
}

// note tells of one processor. What cannot be told is kept, within bounds.
func (r *Runner) note(ctx context.Context, w *work) {
	note, some := w.tally.take(r.Now.Stamp())
	if !some {
		return
	}
	if err := r.Store.NoteDelivery(core.ContextWithOrganization(ctx, w.processor.Org), note); err != nil {
		w.tally.giveBack(note)
		r.Logger.Warn("what a processor did could not be noted; it will be tried again", "processor_id", w.processor.ID, "error", err)
		return
	}
	w.failing = note.FailedAt != nil
}

// start begins the work on a processor.
func (r *Runner) start(p *core.Processor, pipeline core.Pipeline, sink core.Sink) *work {
	ctx, end := context.WithCancel(core.ContextWithOrganization(context.Background(), p.Org))
	traits := sink.Traits()
	traits.Batch, traits.Parallel = max(traits.Batch, 1), max(traits.Parallel, 1)
	if p.Mode == core.Ordered {
		traits.Parallel = 1
	}
	w := &work{
		runner: r, processor: *p, pipeline: pipeline, sink: sink, traits: traits, end: end, ended: make(chan struct{}),
		slots: make(chan struct{}, traits.Parallel), tally: newTally(p, r.Observe),
	}
	go w.run(ctx)
	return w
}
