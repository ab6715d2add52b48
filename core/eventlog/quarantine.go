package eventlog

import (
	"context"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Quarantine lets people decide about events that did not fit their schema.
type Quarantine struct{ QuarantinePorts }

// QuarantinePorts is what Quarantine works with.
type QuarantinePorts struct {
	Streams *Streams
	Events  *Ingest
	Store   core.Quarantine
	Record  core.Recorder
}

// NewQuarantine returns the use case over its ports.
func NewQuarantine(ports QuarantinePorts) *Quarantine { return &Quarantine{ports} }

// List returns the quarantine of a stream in pages, the newest first.
func (q *Quarantine) List(ctx context.Context, who core.Principal, ref string, query core.QuarantineQuery) (page core.Page[core.Quarantined], err error) {
	stream, err := q.Streams.Open(ctx, who, ref, core.ActionReadEvents)
	if err != nil {
		return page, err
	}
	limit, err := core.PageLimit(query.Limit)
	if err != nil {
		return page, err
	}
	scan := core.QuarantineScan{EventType: query.EventType}
	scope := fmt.Appendf(nil, "quarantine %s %q", stream.ID, query.EventType)
	if scan.Before, err = core.ParseIDCursor(scope, query.Cursor); err != nil {
		return page, err
	}
	size := func(one *core.Quarantined) int { return one.Event.Size() }
	cursor := func(last *core.Quarantined) string { return core.IDCursor(scope, last.ID) }
	return core.Fill(limit, size, cursor, func(last *core.Quarantined, limit int) ([]core.Quarantined, error) {
		if scan.Limit = limit; last != nil {
			scan.Before = last.ID
		}
		items, err := q.Store.Quarantined(ctx, who.Org, stream.ID, scan)
		return items, core.StoreFailed(err)
	})
}

// open finds an event of a quarantine.
func (q *Quarantine) open(ctx context.Context, who core.Principal, ref, id string, action core.Action) (*OpenStream, core.Quarantined, error) {
	stream, err := q.Streams.Open(ctx, who, ref, action)
	if err != nil {
		return nil, core.Quarantined{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return nil, core.Quarantined{}, core.Invalid("id", "%v", err)
	}
	found, err := q.Store.QuarantinedEvent(ctx, who.Org, stream.ID, wanted)
	return stream, found, core.StoreFailed(err)
}

// Get returns an event of a quarantine.
func (q *Quarantine) Get(ctx context.Context, who core.Principal, ref, id string) (core.Quarantined, error) {
	_, found, err := q.open(ctx, who, ref, id, core.ActionReadEvents)
	return found, err
}

// Ingest puts an event into its stream, mended. It must fit now, unless the stream takes
// what does not. A call that is repeated, because its answer was lost, stores nothing
// again: an event without an idempotency key gets one from its id here.
func (q *Quarantine) Ingest(ctx context.Context, who core.Principal, ref, id string, mend core.Mend) (core.Receipt, error) {
	stream, found, err := q.open(ctx, who, ref, id, core.ActionWriteSchemas)
	if err != nil {
		return core.Receipt{}, err
	}
	draft, err := mended(found, mend)
	if err != nil {
		return core.Receipt{}, err
	}
	receipt, err := q.Events.mended(ctx, who, stream, draft)
	if err != nil {
		return core.Receipt{}, err
	}
	// It is in the stream. If it stays here, too, it can be ingested again without harm.
	if err := q.Store.Release(ctx, who.Org, stream.ID, found.ID); err != nil && !core.IsNotFound(err) {
		return core.Receipt{}, core.StoreFailed(err)
	}
	did := who.Did(core.AuditQuarantineIngested, "quarantine", found.ID)
	did.Details = map[string]string{"stream_id": stream.ID.String(), "event_id": receipt.ID.String()}
	q.Record.Record(ctx, did)
	return receipt, nil
}

// mended returns the event as it is to be ingested.
func mended(found core.Quarantined, mend core.Mend) (eventjson.Draft, error) {
	event := found.Event
	if mend.EventType != nil {
		event.Type = *mend.EventType
	}
	if mend.Version != nil {
		if event.Version = *mend.Version; event.Version < 1 {
			return eventjson.Draft{}, core.Invalid("event_version", "must be at least 1")
		}
	}
	if mend.Payload != nil {
		event.Payload = mend.Payload
	}
	if event.IdempotencyKey == "" {
		event.IdempotencyKey = "quarantine-" + found.ID.String()
	}
	return eventjson.NewDraft(event, "")
}

// Discard throws an event away.
func (q *Quarantine) Discard(ctx context.Context, who core.Principal, ref, id string) error {
	stream, found, err := q.open(ctx, who, ref, id, core.ActionWriteSchemas)
	if err != nil {
		return err
	}
	if err := q.Store.Release(ctx, who.Org, stream.ID, found.ID); err != nil {
		return core.StoreFailed(err)
	}
	did := who.Did(core.AuditQuarantineDiscarded, "quarantine", found.ID)
	did.Details = map[string]string{"stream_id": stream.ID.String()}
	q.Record.Record(ctx, did)
	return nil
}
