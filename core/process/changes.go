package process

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Change changes a processor. With a revision other than 0, a processor that has another
// one by now is a [core.CodePreconditionFailed]. What is under way is finished as it was
// begun. The secret of the answer is one that was made for a new destination.
func (s *Processors) Change(
	ctx context.Context, who core.Principal, stream, ref string, change core.ProcessorChange, expected int64,
) (core.CreatedProcessor, error) {
	var secret string
	p, err := s.revise(ctx, who, stream, ref, expected, func(p *core.Processor) error {
		if err := p.Apply(change.GroupChange); err != nil {
			return err
		}
		if change.Filter != nil {
			p.Filter = *change.Filter
		}
		if change.Transform != nil {
			p.Transform = *change.Transform
		}
		if err := s.checkPipeline(p); err != nil {
			return err
		}
		if len(change.Destination) == 0 || string(change.Destination) == "null" {
			return nil
		}
		former, err := s.to.opened(p.Destination, p.ID)
		if err != nil {
			former = core.Destination{} // whoever gives all secrets anew need not know the old ones
		}
		to, err := s.to.check(ctx, who, change.Destination, former)
		if err != nil {
			return err
		}
		secret = newSecret(change.Destination, former, to)
		p.Destination = s.to.sealed(to, p.ID)
		return refuseCircle(ctx, s.Store, p)
	})
	if err != nil {
		return core.CreatedProcessor{}, err
	}
	s.done(ctx, who, core.AuditProcessorChanged, &p)
	return core.CreatedProcessor{Processor: p, Secret: secret}, nil
}

// Pause stops a processor. What is under way is finished, and later events wait.
func (s *Processors) Pause(ctx context.Context, who core.Principal, stream, ref string) (core.Processor, error) {
	return s.setState(ctx, who, stream, ref, core.ProcessorPaused, core.AuditProcessorPaused)
}

// Resume lets a processor work again that was paused or disabled.
func (s *Processors) Resume(ctx context.Context, who core.Principal, stream, ref string) (core.Processor, error) {
	return s.setState(ctx, who, stream, ref, core.ProcessorRunning, core.AuditProcessorResumed)
}

func (s *Processors) setState(
	ctx context.Context, who core.Principal, stream, ref string, state core.ProcessorState, action core.AuditAction,
) (core.Processor, error) {
	p, err := s.revise(ctx, who, stream, ref, 0, func(p *core.Processor) error {
		p.State, p.Reason = state, ""
		return refuseCircle(ctx, s.Store, p)
	})
	if err != nil {
		return core.Processor{}, err
	}
	if state == core.ProcessorRunning { // failures before count for nothing
		if err := s.Store.NoteDelivery(ctx, core.DeliveryNote{Processor: p.ID, At: s.Now.Stamp(), Recovered: true}); err != nil {
			return core.Processor{}, core.StoreFailed(err)
		}
		p.FailingSince = nil
	}
	s.done(ctx, who, action, &p)
	return p, nil
}

// MaxGrace bounds how long a secret that was rotated stays good.
const MaxGrace = core.Seconds(7 * 24 * time.Hour)

// RotateSecret gives the destination of a processor a new secret and returns it. Until
// the grace is over everything is signed with both.
func (s *Processors) RotateSecret(
	ctx context.Context, who core.Principal, stream, ref string, grace core.Seconds,
) (core.CreatedProcessor, error) {
	if grace < 0 || grace > MaxGrace {
		return core.CreatedProcessor{}, core.Invalid("grace", "must be 0 to %v seconds", MaxGrace.Duration().Seconds())
	}
	var secret string
	p, err := s.revise(ctx, who, stream, ref, 0, func(p *core.Processor) error {
		rotator, ok := s.to.connectors[p.Destination.Type].(core.SecretRotator)
		if !ok {
			return core.Errorf(core.CodeConflict, "a destination of the type %q has no secret that the server makes; change the destination to give it another one", p.Destination.Type)
		}
		to, err := s.to.opened(p.Destination, p.ID)
		if err != nil {
			return core.Errorf(core.CodeConflict, "the secret cannot be rotated: %v", err)
		}
		if to, secret, err = rotator.Rotate(to, s.Now(), grace.Duration()); err != nil {
			return err
		}
		p.Destination = s.to.sealed(to, p.ID)
		return nil
	})
	if err != nil {
		return core.CreatedProcessor{}, err
	}
	s.done(ctx, who, core.AuditSecretRotated, &p)
	return core.CreatedProcessor{Processor: p, Secret: secret}, nil
}

// revise changes a processor under optimistic concurrency.
func (s *Processors) revise(
	ctx context.Context, who core.Principal, stream, ref string, expected int64, change func(*core.Processor) error,
) (core.Processor, error) {
	return core.Revision[core.Processor]{
		Noun:   "processor",
		Read:   func() (core.Processor, error) { return s.open(ctx, who, stream, ref, core.ActionWriteProcessors) },
		Number: func(p *core.Processor) *int64 { return &p.Revision },
		Change: func(p *core.Processor) error {
			p.UpdatedAt = s.Now.Stamp()
			return change(p)
		},
		Store: func(p core.Processor) error { return s.Store.UpdateProcessor(ctx, p) },
	}.Revise(ctx, expected)
}
