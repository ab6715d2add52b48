package archive

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// An object holds events of one day, at most so many of them, and ends with the event whose
// line brings it to so many bytes before they are compressed.
const (
	maxObjectEvents = 50_000
	maxObjectBytes  = 16 << 20
)

const day = 24 * time.Hour

// handOverPage is what is read from the store at once.
var handOverPage = core.Scan{Limit: 1000, Bytes: 4 << 20}

// HandOver implements [core.Tiered]. Where an object ends follows from where it begins, and
// from nothing else: so two nodes at it at once make the same ones.
func (t *Tier) HandOver(ctx context.Context, org, stream core.ID, before time.Time) (done core.HandedOver, err error) {
	select {
	case t.moving <- struct{}{}:
		defer func() { <-t.moving }()
	case <-ctx.Done():
		return done, ctx.Err()
	}
	before = before.UTC().Truncate(day)
	next, err := t.sealed(ctx, stream)
	if err != nil {
		return done, err
	}
	store, err := t.stored(ctx, stream)
	if done.Kept = store.First; err != nil || store.First == store.Next {
		return done, err
	}
	if next > store.Next {
		return done, core.Errorf(core.CodeConflict, "the archive holds the events of the stream %s up to offset %d, and the store up to %d: "+
			"the store was brought back to an earlier state; nothing leaves it", stream, next-1, store.Next-1)
	}
	end, err := t.Storage.OffsetAt(ctx, stream, before)
	if err != nil || end == store.First {
		return done, err
	}
	if err := t.sealAll(ctx, org, stream, max(next, store.First), end, &done); err != nil {
		return done, err
	}
	// An event that is stored from now on is not received before the newest one of the
	// first look. So it stays, however old that is, if nothing is removed that is as new.
	if store.Last.Before(before) {
		before = store.Last
	}
	if err := t.Storage.Trim(ctx, stream, before); err != nil {
		return done, err
	}
	store, err = t.stored(ctx, stream)
	done.Kept = store.First
	return done, err
}

// sealed returns the offset behind the last one of a stream that is in the archive.
func (t *Tier) sealed(ctx context.Context, stream core.ID) (core.Offset, error) {
	there, err := t.segments.Archived(ctx, []core.ID{stream})
	if err != nil {
		return 0, err
	}
	return there[0].Next, nil
}

// stored returns the bounds that a stream has in the store.
func (t *Tier) stored(ctx context.Context, stream core.ID) (core.Bounds, error) {
	bounds, err := t.Storage.Bounds(ctx, []core.ID{stream})
	if err != nil {
		return core.Bounds{}, err
	}
	return bounds[0], nil
}

// sealAll makes objects of a range, and counts what it has done. Where another node is at
// the same, and has ended an object elsewhere or has taken the events out of the store
// already, it goes on behind what that one has noted.
func (t *Tier) sealAll(ctx context.Context, org, stream core.ID, from, end core.Offset, done *core.HandedOver) error {
	for from < end {
		segment, err := t.seal(ctx, org, stream, from, end)
		if core.CodeOf(err) == core.CodeConflict {
			next, failed := t.sealed(ctx, stream)
			if failed != nil || next <= from {
				return err
			}
			from = next
			continue
		}
		if err != nil {
			return err
		}
		done.Events, done.Objects, done.Bytes = done.Events+int64(segment.Next-from), done.Objects+1, done.Bytes+segment.ObjectBytes
		from = segment.Next
	}
	return nil
}

// seal makes the object that begins at an offset, and adds its segment when it is known to
// be there.
func (t *Tier) seal(ctx context.Context, org, stream core.ID, from, end core.Offset) (core.Segment, error) {
	draft, err := t.draft(ctx, stream, from, end)
	if err != nil {
		return core.Segment{}, err
	}
	content, err := pack(draft.lines.Bytes())
	if err != nil {
		return core.Segment{}, err
	}
	segment := draft.segment(org, content)
	err = t.state.ask(ctx, putTimeout, func(ctx context.Context) error { return t.bucket.Put(ctx, segment.Object, content) })
	if err != nil {
		return segment, fmt.Errorf("writing into the archive: %w", err)
	}
	if err := t.verify(ctx, segment, draft.events); err != nil {
		return segment, err
	}
	err = t.segments.AddSegment(ctx, segment)
	if core.CodeOf(err) == core.CodeConflict {
		t.discard(ctx, &segment)
	}
	if err != nil {
		return segment, fmt.Errorf("noting what is in the archive: %w", err)
	}
	return segment, nil
}

// discard removes the object of a segment in whose place another one is noted: nobody would
// ever read it. One of the same name stays, and so does one that cannot be removed.
func (t *Tier) discard(ctx context.Context, segment *core.Segment) {
	noted, err := t.segments.Segments(ctx, core.SegmentScan{Stream: segment.Stream, From: segment.First, To: segment.First + 1, Limit: 1})
	if err != nil || len(noted) == 0 || noted[0].Object == segment.Object {
		return
	}
	_ = t.state.call(ctx, getTimeout, func(ctx context.Context) error { return t.bucket.Remove(ctx, segment.Object) })
}

// gone says that an event is not in the store which was there a moment ago. It is a
// conflict: most likely another node has handed it over.
func gone(stream core.ID, offset core.Offset) error {
	return core.Errorf(core.CodeConflict, "the event at offset %d of the stream %s is in the store no more, and was not handed over to the archive", offset, stream)
}

// draft is an object that is being written.
type draft struct {
	events []core.Event
	lines  bytes.Buffer
}

// draft reads from the store what goes into the object that begins at an offset.
func (t *Tier) draft(ctx context.Context, stream core.ID, from, end core.Offset) (*draft, error) {
	d := &draft{}
	for next := from; next < end; {
		page := handOverPage
		page.From, page.To = next, end
		events, err := t.Storage.Read(ctx, stream, page)
		if err != nil {
			return nil, err
		}
		for i := range events {
			if events[i].Offset != next {
				return nil, gone(stream, next)
			}
			if full, err := d.add(&events[i]); err != nil || full {
				return d, err
			}
			next++
		}
		if len(events) == 0 {
			return nil, gone(stream, next)
		}
	}
	return d, nil
}

// add adds an event, or reports that it belongs into the next object.
func (d *draft) add(event *core.Event) (full bool, err error) {
	if n := len(d.events); n > 0 {
		if n == maxObjectEvents || d.lines.Len() >= maxObjectBytes || !event.ReceivedAt.Truncate(day).Equal(d.events[0].ReceivedAt.Truncate(day)) {
			return true, nil
		}
	}
	d.events = append(d.events, *event)
	return false, appendLine(&d.lines, event)
}

// segment is what is noted of the object. Its name has the hash of all that is in it: two
// versions of the program may compress the same lines in two ways, and neither may put its
// object in the place of the one that the other has noted.
func (d *draft) segment(org core.ID, content []byte) core.Segment {
	first, last := &d.events[0], &d.events[len(d.events)-1]
	segment := core.Segment{
		Org: org, Stream: first.Stream, First: first.Offset, Next: last.Offset + 1, FirstAt: first.ReceivedAt, LastAt: last.ReceivedAt,
		ObjectBytes: int64(len(content)), SHA256: sumOf(content),
	}
	for i := range d.events {
		segment.Bytes += int64(d.events[i].Size())
	}
	segment.Object = fmt.Sprintf("org=%s/stream=%s/date=%s/%020d-%020d-%.16s.ndjson.gz",
		org, first.Stream, first.ReceivedAt.UTC().Format(time.DateOnly), first.Offset, last.Offset, segment.SHA256)
	return segment
}

// verify reads an object back and compares every event with the one in the store.
func (t *Tier) verify(ctx context.Context, segment core.Segment, events []core.Event) error {
	var content []byte
	err := t.state.ask(ctx, putTimeout, func(ctx context.Context) (err error) {
		content, err = t.bucket.Get(ctx, segment.Object)
		return err
	})
	if err != nil {
		return fmt.Errorf("reading back what was written into the archive: %w", err)
	}
	object, err := open(segment, content)
	if err != nil {
		return fmt.Errorf("the object %s is not what was written: %w", segment.Object, err)
	}
	for i := range events {
		read, err := object.event(segment.First + core.Offset(i))
		if err != nil {
			return err
		}
		if len(events[i].Context) == 0 {
			events[i].Context = nil
		}
		if !reflect.DeepEqual(read, events[i]) {
			return fmt.Errorf("the event at offset %d of the stream %s is not read from the archive as it is in the store", read.Offset, segment.Stream)
		}
	}
	return nil
}
