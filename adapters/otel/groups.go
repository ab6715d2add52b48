package otel

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Groups returns store with spans for the steps that requests have their groups make.
func (t *Telemetry) Groups(store core.GroupStore) core.GroupStore {
	if t.provider == nil {
		return store
	}
	return &tracedGroups{GroupStore: store, telemetry: t}
}

type tracedGroups struct {
	core.GroupStore
	telemetry *Telemetry
}

// Advance implements [core.Progresses].
func (g *tracedGroups) Advance(ctx context.Context, group core.ID, step core.Step) error {
	ctx, span := g.telemetry.begin(ctx, "advance group")
	err := g.GroupStore.Advance(ctx, group, step)
	if span != nil {
		span.SetAttributes(keyRequests.Int(len(core.RequestsOf(ctx))), keyGroup.String(group.String()))
		end(span, err)
	}
	return err
}
