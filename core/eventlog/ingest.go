package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Ingest takes events in: it holds them to the stream's schema, gives them to
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

// Item is the answer to one event of a batch: a receipt, or the reason why
// this event, alone, was refused.
type Item struct {
	Receipt core.Receipt
	Err     error
}

// Event takes one event and returns when it is durable. An empty stream means
// the one that the event names itself, or else the principal's default.
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
	if err := open.validate(draft); err != nil {
		return core.Receipt{}, err
	}
	batch := in.batch(open, 1)
	batch.Entries = append(batch.Entries, entry(who, &draft))
	if err := in.committer.Commit(batch); err != nil {
		return core.Receipt{}, named(err, batch.Entries[0].ID)
	}
	if err := in.recheck(batch, []core.Fingerprint{draft.Fingerprint}); err != nil {
		return core.Receipt{}, err
	}
	item := answer(&batch.Entries[0])
	return item.Receipt, item.Err
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

var errNoStream = core.Invalid("stream", "is required here: the name or id of the stream")

// named adds the event's id to an answer that leaves its fate open.
func named(err error, id core.ID) error {
	var known *core.Error
	if id.IsZero() || !errors.As(err, &known) || known.Code != core.CodeUnavailable {
		return err
	}
	withID := *known
	withID.Details = []core.Detail{{Field: "event_id", Reason: id.String()}}
	return &withID
}

func (in *Ingest) batch(stream *openStream, size int) core.Batch {
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

// recheck asks again for the entries whose keys are known with another
// fingerprint: earlier versions stored that of the payload alone, which former
// holds for each entry. It changes the outcome of what was stored by one of them.
func (in *Ingest) recheck(batch core.Batch, former []core.Fingerprint) error {
	again := batch
	again.Entries = nil
	var places []int
	for i := range batch.Entries {
		if batch.Entries[i].Outcome == core.Mismatch {
			places = append(places, i)
			again.Entries = append(again.Entries, batch.Entries[i])
			again.Entries[len(places)-1].Fingerprint = former[i]
		}
	}
	if len(places) == 0 {
		return nil
	}
	if err := in.committer.Commit(again); err != nil {
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

// Batch takes many events and returns one item for each, in order, when all
// that are good are durable. An empty stream means the one that each event
// names itself, or else the principal's default. The error is about the request
// as a whole.
func (in *Ingest) Batch(ctx context.Context, who core.Principal, stream string, drafts []eventjson.Draft) ([]Item, error) {
	work := &batchWork{in: in, who: who, items: make([]Item, len(drafts)), byStream: map[core.ID]*batchPart{}}
	if stream != "" {
		open, err := in.streams.Open(ctx, who, stream, core.ActionIngest)
		if err != nil {
			return nil, err
		}
		work.parts = []*batchPart{{stream: open, batch: in.batch(open, len(drafts))}}
	}
	for i := range drafts {
		if drafts[i].Err != nil {
			work.items[i].Err = drafts[i].Err
			continue
		}
		part, err := work.part(ctx, stream, &drafts[i])
		if err == nil {
			err = part.stream.validate(drafts[i])
		}
		if err != nil {
			work.items[i].Err = core.Under(err, fmt.Sprintf("events[%d].", i))
			continue
		}
		part.add(work, i, drafts[i])
	}
	work.commit()
	return work.items, nil
}

// batchWork is one batch request on its way: its events sorted by stream.
type batchWork struct {
	in    *Ingest
	who   core.Principal
	items []Item
	parts []*batchPart
	// byStream finds a part where the events name their streams themselves.
	byStream map[core.ID]*batchPart
}

// batchPart is what a request appends to one stream; indexes says which item
// each entry answers.
type batchPart struct {
	stream  *openStream
	batch   core.Batch
	indexes []int
	// former are the entries' fingerprints as earlier versions made them; unsure
	// is why it could not be found out whether one of them is in the log.
	former []core.Fingerprint
	unsure error
	// first maps an idempotency key to its first entry, repeats an item to the
	// entry whose key it repeats.
	first   map[string]int
	repeats map[int]int
}

// part returns the part that a draft belongs to.
func (w *batchWork) part(ctx context.Context, stream string, draft *eventjson.Draft) (*batchPart, error) {
	if stream != "" {
		return w.parts[0], nil
	}
	ref, err := streamOf(w.who, draft)
	if err != nil {
		return nil, err
	}
	open, err := w.in.streams.Open(ctx, w.who, ref, core.ActionIngest)
	if err != nil {
		return nil, err
	}
	part := w.byStream[open.ID]
	if part == nil {
		part = &batchPart{stream: open, batch: w.in.batch(open, 1)}
		w.byStream[open.ID] = part
		w.parts = append(w.parts, part)
	}
	return part, nil
}

// add puts a draft into the part. A key that came earlier in the same request
// is answered like any repeated key: with the first one's event.
func (p *batchPart) add(w *batchWork, index int, draft eventjson.Draft) {
	if key := draft.Event.IdempotencyKey; key != "" {
		if first, taken := p.first[key]; taken {
			if p.repeats == nil {
				p.repeats = map[int]int{}
			}
			p.repeats[index] = first
			if p.batch.Entries[first].Fingerprint != entry(w.who, &draft).Fingerprint {
				w.items[index] = answer(&core.Entry{Outcome: core.Mismatch})
			}
			return
		}
		if p.first == nil {
			p.first = map[string]int{}
		}
		p.first[key] = len(p.batch.Entries)
	}
	p.batch.Entries = append(p.batch.Entries, entry(w.who, &draft))
	p.former = append(p.former, draft.Fingerprint)
	p.indexes = append(p.indexes, index)
}

// commit queues all parts, waits for them and fills in their answers.
func (w *batchWork) commit() {
	queued := make([]*pending, len(w.parts))
	failures := make([]error, len(w.parts))
	for i, part := range w.parts {
		if len(part.batch.Entries) > 0 {
			queued[i], failures[i] = w.in.committer.enqueue(part.batch)
		}
	}
	for i, part := range w.parts {
		if queued[i] != nil {
			failures[i] = queued[i].wait()
		}
		if failures[i] == nil {
			part.unsure = w.in.recheck(part.batch, part.former)
		}
		part.settle(w.items, failures[i])
	}
}

func (p *batchPart) settle(items []Item, err error) {
	for i, index := range p.indexes {
		entry := &p.batch.Entries[i]
		switch {
		case err != nil:
			items[index].Err = named(err, entry.ID)
		case p.unsure != nil && entry.Outcome == core.Mismatch:
			items[index].Err = p.unsure
		default:
			items[index] = answer(entry)
		}
	}
	for index, first := range p.repeats {
		if items[index].Err != nil {
			continue
		}
		items[index] = items[p.indexes[first]]
		items[index].Receipt.Duplicate = items[index].Err == nil
	}
}
