package eventlog

import (
	"context"
	"fmt"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// batchWork is one batch request on its way, its events sorted by stream. The
// request's goroutine alone uses it.
type batchWork struct {
	in  *Ingest
	who core.Principal
	// items are the answers, in the order of the request.
	items []Item
	// parts are in the order in which the request first names their streams.
	parts []*batchPart
	// byStream finds a part when the events name their streams themselves.
	byStream map[core.ID]*batchPart
	// misfits are to be kept in quarantine. They answer the items of misfitIndexes.
	misfits       []*misfitEvent
	misfitIndexes []int
}

// meet adds an event to its part, or to the quarantine, or refuses it.
func (w *batchWork) meet(index int, part *batchPart, draft *eventjson.Draft, err error) error {
	if err != nil {
		misfit, err := w.in.streams.misfits.meet(w.who, part.stream, draft, err)
		if err != nil {
			return err
		}
		if misfit != nil {
			w.misfits, w.misfitIndexes = append(w.misfits, misfit), append(w.misfitIndexes, index)
			return nil
		}
	}
	part.add(w, index, *draft)
	return nil
}

// keep puts into quarantine what belongs there, and fills in the answers.
func (w *batchWork) keep(ctx context.Context) {
	if len(w.misfits) == 0 {
		return
	}
	for i, item := range w.in.streams.misfits.keep(ctx, w.who.Org, w.misfits) {
		place := fmt.Sprintf("events[%d].", w.misfitIndexes[i])
		item.Err = core.Under(item.Err, place)
		w.items[w.misfitIndexes[i]] = item
	}
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

// commit queues all parts, waits for them and fills in their answers. All are queued
// before the first is waited for, so that one transaction may hold them.
func (w *batchWork) commit(ctx context.Context) {
	queued := make([]*pending, len(w.parts))
	failures := make([]error, len(w.parts))
	for i, part := range w.parts {
		if len(part.batch.Entries) > 0 {
			queued[i], failures[i] = w.in.committer.enqueue(ctx, part.batch)
		}
	}
	for i, part := range w.parts {
		if queued[i] != nil {
			failures[i] = queued[i].wait(ctx, &part.batch)
		}
		if failures[i] == nil {
			part.unsure = w.in.recheck(ctx, part.batch, part.former)
		}
		part.settle(w.items, failures[i])
	}
}

// batchPart is what a request appends to one stream.
type batchPart struct {
	stream *OpenStream
	batch  core.Batch
	// indexes says for each entry of the batch which item it answers.
	indexes []int
	// former holds for each entry the fingerprint that earlier versions would have
	// made: see recheck. unsure is why recheck failed.
	former []core.Fingerprint
	unsure error
	// first maps an idempotency key to the first entry that has it. Later events
	// with the key have no entry, because a key is unique within one Append: repeats
	// maps their items to that first entry.
	first   map[string]int
	repeats map[int]int
}

// add puts a draft into the part. An idempotency key that came earlier in the same
// request is answered like any repeated key: with the event of the first.
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
			p.first = make(map[string]int, cap(p.batch.Entries))
		}
		p.first[key] = len(p.batch.Entries)
	}
	p.batch.Entries = append(p.batch.Entries, entry(w.who, &draft))
	p.former = append(p.former, draft.Fingerprint)
	p.indexes = append(p.indexes, index)
}

// settle fills in the items of the part, after its commit or its failure.
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
