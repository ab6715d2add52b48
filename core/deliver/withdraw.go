package deliver

import (
	"context"
	"errors"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// withdrawn is why a replay stops that nobody has stopped.
const withdrawn = "whoever started this replay may not do so any more: the key was revoked or has expired, or the person was disabled, removed or given another role"

// Withdraw stops the replays of those who may start none any more. Every node looks
// each second, also for replays that another node works on: that one hears of it when
// it saves how far it is. One that cannot be looked at does not keep the others.
func (r *Replayer) Withdraw(ctx context.Context) error {
	if r.bearer == nil {
		return nil
	}
	var failures []error
	may := map[starter]bool{} // one who has started many is looked for once
	for after := (core.ID{}); ; {
		replays, err := r.store.RunningReplays(ctx, after, core.MaxPageSize)
		if err != nil {
			return errors.Join(append(failures, err)...)
		}
		for _, replay := range replays {
			if err := r.look(ctx, replay, may); err != nil {
				failures = append(failures, err)
			}
			after = replay.ID
		}
		if len(replays) < core.MaxPageSize {
			return errors.Join(failures...)
		}
	}
}

// starter is somebody who has started a replay.
type starter struct{ org, id core.ID }

// look stops a replay unless whoever started it may go on.
func (r *Replayer) look(ctx context.Context, replay core.Replay, may map[starter]bool) (err error) {
	who := starter{replay.Org, replay.CreatedBy}
	good, known := may[who]
	if !known {
		if good, err = r.mayReplay(ctx, who); err != nil {
			return err
		}
		may[who] = good
	}
	if good {
		return nil
	}
	return r.withdraw(ctx, replay)
}

// mayReplay reports whether somebody may go on. Only a clear refusal ends a replay.
func (r *Replayer) mayReplay(ctx context.Context, by starter) (bool, error) {
	if by.id.IsZero() {
		return true, nil
	}
	who, err := r.bearer(ctx, by.org, by.id)
	if err == nil {
		err = core.Authorize(r.authorizer, who, core.ActionWriteLetters, core.ID{})
	}
	switch core.CodeOf(err) {
	case core.CodeUnauthorized, core.CodeForbidden, core.CodeNotFound:
		return false, nil
	}
	return err == nil, err
}

func (r *Replayer) withdraw(ctx context.Context, replay core.Replay) error {
	stopped, err := stopReplay(ctx, r.store, r.now, withdrawn, func() (core.Replay, error) { return r.store.Replay(ctx, replay.Org, replay.ID) })
	if errors.Is(err, errEnded) {
		return nil
	}
	if err == nil {
		r.logger.Info("a replay was stopped", "replay", stopped.ID, "reason", withdrawn)
		r.record.Record(ctx, core.Principal{Org: replay.Org, Label: "eventflow"}.Did(core.AuditReplayStopped, "replay", replay.ID))
	}
	return err
}

// stopReplay ends a replay as it is read, or answers errEnded where it has ended.
func stopReplay(ctx context.Context, store core.Replays, now core.Clock, reason string, read func() (core.Replay, error)) (core.Replay, error) {
	return core.Revision[core.Replay]{
		Noun:   "replay",
		Read:   read,
		Number: func(r *core.Replay) *int64 { return &r.Revision },
		Change: func(r *core.Replay) error {
			if r.State != core.ReplayRunning {
				return errEnded
			}
			r.State, r.Error, r.HeldUntil, r.UpdatedAt = core.ReplayStopped, reason, time.Time{}, now.Stamp()
			return nil
		},
		Store: func(r core.Replay) error { return store.UpdateReplay(ctx, r) },
	}.Revise(ctx, 0)
}
