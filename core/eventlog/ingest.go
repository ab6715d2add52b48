package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Ingest takes events in. It checks them against the stream's schema, hands them to
// the group commit and answers when they are durable.
type Ingest struct {
	streams   *Streams
	committer *Committer
	now       core.Clock
}

// NewIngest returns the use case over streams and a committer.
func NewIngest(streams *Streams, committer *Committer, now func() time.Time) *Ingest {
	return &Ingest{streams: streams, committer: committer, now: now}
}

// Waiting returns how many events wait for their commit.
func (in *Ingest) Waiting() int { return in.committer.Queued() }

// Item is the answer to one event of a batch: a receipt, or why this event was
// refused. Another event's refusal does not touch it.
type Item struct {
	Receipt core.Receipt
	Err     error
}

// Event takes one event and returns when it is durable. An empty stream means
// the one that the event names itself, or else the principal's default.
//
// A [core.CodeUnavailable] error whose details have an `event_id` leaves open whether
// the event was stored.
func (in *Ingest) Event(ctx context.Context, who core.Principal, stream string, draft eventjson.Draft) (core.Receipt, error) {
	if stream == "" {
		var err error
		if stream, err = streamOf(who, &draft); err != nil {
			return core.Receipt{}, err
		}
	}
	open, err := in.streams.Open(ctx, who, stream, core.ActionIngest)
	if err != nil {
		return core.Receipt{}, err
	}
	if err := in.check(ctx, open, &draft); err != nil {
		misfit, err := in.streams.misfits.meet(who, open, &draft, err)
		if err != nil {
			return core.Receipt{}, err
		}
		if misfit != nil {
			item := in.streams.misfits.keep(ctx, open.Org, []*misfitEvent{misfit})[0]
			return item.Receipt, item.Err
		}
	}
	return in.commit(ctx, open, entry(who, &draft), draft.Fingerprint)
}

// commit appends one event and answers when it is durable. former is as in recheck.
func (in *Ingest) commit(ctx context.Context, open *OpenStream, entry core.Entry, former core.Fingerprint) (core.Receipt, error) {
	batch := in.batch(open, 1)
	batch.Entries = append(batch.Entries, entry)
	if err := in.committer.Commit(ctx, &batch); err != nil {
		return core.Receipt{}, named(err, batch.Entries[0].ID)
	}
	if err := in.recheck(ctx, batch, []core.Fingerprint{former}); err != nil {
		return core.Receipt{}, err
	}
	item := answer(&batch.Entries[0])
	return item.Receipt, item.Err
}

// mended stores an event that was in quarantine. It stays its producer's.
func (in *Ingest) mended(ctx context.Context, who core.Principal, open *OpenStream, draft eventjson.Draft) (core.Receipt, error) {
	if err := in.check(ctx, open, &draft); err != nil {
		if misfit, err := in.streams.misfits.meet(who, open, &draft, err); misfit != nil {
			return core.Receipt{}, misfit.why
		} else if err != nil {
			return core.Receipt{}, err
		}
	}
	made := entry(who, &draft)
	made.APIKeyID = draft.Event.APIKeyID
	return in.commit(ctx, open, made, draft.Fingerprint)
}

// check holds one event to its stream's schemas.
func (in *Ingest) check(ctx context.Context, stream *OpenStream, draft *eventjson.Draft) error {
	if !stream.holds() {
		return nil
	}
	evaluation := in.streams.Evaluations.Begin(ctx, stream.Org)
	defer evaluation.End()
	return stream.validate(draft, evaluation.Budget)
}

// streamOf returns the stream of an event for which the request names none.
func streamOf(who core.Principal, draft *eventjson.Draft) (string, error) {
	switch {
	case draft.Stream != "":
		return draft.Stream, nil
	case !who.DefaultStream.IsZero():
		return who.DefaultStream.String(), nil
	}
	return "", errNoStream
}

var errNoStream = core.Invalid("stream", "is required here: give the name or id of a stream")

// named adds the event's id to an answer that leaves its fate open. Whoever gets it
// can look for the event later.
func named(err error, id core.ID) error {
	var known *core.Error
	if id.IsZero() || !errors.As(err, &known) || known.Code != core.CodeUnavailable {
		return err
	}
	withID := *known
	withID.Details = []core.Detail{{Field: "event_id", Reason: id.String()}}
	return &withID
}

// batch begins what a request appends to one stream.
func (in *Ingest) batch(stream *OpenStream, size int) core.Batch {
	batch := core.Batch{Org: stream.Org, Stream: stream.ID, Entries: make([]core.Entry, 0, size)}
	if window := stream.IdempotencyWindowSeconds; window > 0 {
		batch.KeysSince = in.now().UTC().Add(-time.Duration(window) * time.Second)
	}
	return batch
}

// entry completes a draft with what the server knows.
func entry(who core.Principal, draft *eventjson.Draft) core.Entry {
	event := draft.Event
	event.APIKeyID = who.Key
	if event.Source == "" {
		event.Source = who.Label
	}
	made := core.Entry{Event: event}
	if event.IdempotencyKey != "" {
		made.Fingerprint = fingerprintOf(draft, &event)
	}
	return made
}

// recheck appends again the entries whose keys are known with another fingerprint.
// Earlier versions stored the fingerprint of the payload alone, which former holds
// for each entry. When it is the stored one, the entry is a duplicate after all.
// Nothing is stored: the keys are taken.
func (in *Ingest) recheck(ctx context.Context, batch core.Batch, former []core.Fingerprint) error {
	again := batch
	again.Entries = nil
	var places []int
	for i, fingerprint := range former {
		if entry := batch.Entries[i]; entry.Outcome == core.Mismatch {
			entry.Fingerprint = fingerprint
			places, again.Entries = append(places, i), append(again.Entries, entry)
		}
	}
	if len(places) == 0 {
		return nil
	}
	if err := in.committer.Commit(ctx, &again); err != nil {
		return err
	}
	for i, place := range places {
		batch.Entries[place] = again.Entries[i]
	}
	return nil
}

// answer reads an entry's outcome.
func answer(entry *core.Entry) Item {
	if entry.Outcome == core.Mismatch {
		return Item{Err: &core.Error{
			Code:    core.CodeIdempotencyMismatch,
			Message: "this idempotency key was used before for another event; use a new key for a new event",
			Details: []core.Detail{{Field: "idempotency_key", Reason: "was used before for an event with another type, version, source, subject, occurred_at or payload"}},
		}}
	}
	return Item{Receipt: core.Receipt{
		Status: core.Accepted, ID: entry.ID, Offset: entry.Offset, ReceivedAt: entry.ReceivedAt, Duplicate: entry.Outcome == core.Duplicate,
	}}
}

// Batch takes many events and returns an item for each, in their order. It returns
// when all that were not refused are durable. An empty stream means the one that
// each event names itself, or else the principal's default. The error is about the
// request as a whole; then nothing was stored.
func (in *Ingest) Batch(ctx context.Context, who core.Principal, stream string, drafts []eventjson.Draft) ([]Item, error) {
	work := &batchWork{in: in, who: who, items: make([]Item, len(drafts)), byStream: map[core.ID]*batchPart{}}
	if stream != "" {
		open, err := in.streams.Open(ctx, who, stream, core.ActionIngest)
		if err != nil {
			return nil, err
		}
		work.parts = []*batchPart{{stream: open, batch: in.batch(open, len(drafts))}}
	}
	evaluation := in.streams.Evaluations.Begin(ctx, who.Org)
	defer evaluation.End()
	for i := range drafts {
		if drafts[i].Err != nil {
			work.items[i].Err = drafts[i].Err
			continue
		}
		part, err := work.part(ctx, stream, &drafts[i])
		if err == nil {
			evaluation.Next()
			err = work.meet(i, part, &drafts[i], part.stream.validate(&drafts[i], evaluation.Budget))
		}
		if err != nil {
			work.items[i].Err = core.Under(err, fmt.Sprintf("events[%d].", i))
		}
	}
	work.commit(ctx)
	work.keep(ctx)
	return work.items, nil
}
