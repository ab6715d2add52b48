package eventlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Retention removes what is older than its stream keeps events for.
type Retention struct {
	catalog core.StreamCatalog
	log     core.Trimmer
	groups  core.Progresses
	people  core.Sessions
	logger  *slog.Logger
	now     core.Clock
}

// NewRetention returns the use case over its ports.
func NewRetention(catalog core.StreamCatalog, log core.Trimmer, groups core.Progresses, people core.Sessions, logger *slog.Logger, now core.Clock) *Retention {
	return &Retention{catalog: catalog, log: log, groups: groups, people: people, logger: logger, now: now}
}

// attemptDays is how long failed attempts are remembered. A dead letter has a copy of
// its own attempts, which it keeps.
const attemptDays = 7

// sweepInterval is how often old events are looked for.
const sweepInterval = time.Hour

// sweepPage is how many streams are listed at once.
const sweepPage = 1000

// Run sweeps at once and then every hour, until ctx ends. Several servers may run
// it on one store: trimming what is trimmed does nothing. It tells ran of `retention`.
func (r *Retention) Run(ctx context.Context, ran core.Ran) {
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		err := r.Sweep(ctx, r.now())
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			r.logger.Error("retention failed; it will be tried again in an hour", "error", err)
		}
		ran.Tell("retention", err)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep trims every stream once, deleted ones too, and forgets failed attempts
// and expired sessions. A stream that fails does not keep the others from being
// trimmed; the error joins all failures.
func (r *Retention) Sweep(ctx context.Context, now time.Time) error {
	var failures []error
	if err := r.groups.ForgetAttempts(ctx, now.UTC().AddDate(0, 0, -attemptDays)); err != nil {
		failures = append(failures, fmt.Errorf("failed attempts: %w", err))
	}
	if err := r.people.ForgetSessions(ctx, now.UTC()); err != nil {
		failures = append(failures, fmt.Errorf("expired sessions: %w", err))
	}
	// By id and not by name: a stream that is renamed meanwhile is not passed over.
	for after := (core.ID{}); ; {
		streams, err := r.catalog.AllStreams(ctx, after, sweepPage)
		if err != nil {
			return errors.Join(append(failures, err)...)
		}
		for _, stream := range streams {
			if err := r.log.Trim(ctx, stream.ID, now.UTC().AddDate(0, 0, -stream.RetentionDays)); err != nil {
				failures = append(failures, fmt.Errorf("stream %s: %w", stream.ID, err))
			}
		}
		if len(streams) < sweepPage {
			return errors.Join(failures...)
		}
		after = streams[len(streams)-1].ID
	}
}
