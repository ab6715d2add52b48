package eventlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Examination reads the whole log and says what of it is damaged. It changes nothing,
// and runs beside servers.
type Examination struct {
	Log           core.Reader
	Streams       core.StreamCatalog
	Organizations core.OrganizationReader
	// Progress, if there is one, is told after each page how many events were read.
	Progress func(events int64)
}

// Examined counts what an examination has read.
type Examined struct {
	Streams int
	Events  int64
	// Damaged is how many streams have findings.
	Damaged int
}

// maxDamage is how many findings of one stream are told.
const maxDamage = 20

// Run tells of all damage, by stream and offset. The error says that the log or the
// catalog could not be read on. Events that arrive meanwhile are not looked at.
func (x *Examination) Run(ctx context.Context, tell func(core.Finding)) (Examined, error) {
	var sum Examined
	for after := (core.ID{}); ; {
		streams, err := x.Streams.AllStreams(ctx, after, core.MaxPageSize)
		if err != nil {
			return sum, err
		}
		for _, stream := range streams {
			if err := x.stream(ctx, stream.ID, stream.Name, &sum, tell); err != nil {
				return sum, err
			}
		}
		if len(streams) < core.MaxPageSize {
			err := x.trails(ctx, &sum, tell)
			return sum, err
		}
		after = streams[len(streams)-1].ID
	}
}

// trails examines the audit trail of each organization, whose records are held
// together by hashes as well.
func (x *Examination) trails(ctx context.Context, sum *Examined, tell func(core.Finding)) error {
	trail := NewTrail(TrailPorts{Log: x.Log})
	for after := (core.ID{}); ; {
		organizations, err := x.Organizations.Organizations(ctx, after, core.MaxPageSize)
		if err != nil {
			return err
		}
		for _, org := range organizations {
			name, damaged := "audit trail of "+org.Name, sum.Damaged
			if err := x.stream(ctx, AuditStream(org.ID), name, sum, tell); err != nil {
				return err
			}
			if sum.Damaged > damaged {
				continue // its hashes tell nothing more
			}
			verified, err := trail.Verify(ctx, org.ID)
			if err != nil {
				return err
			}
			if verified.Fault != "" {
				sum.Damaged++
				tell(damage(name, verified.At, verified.Fault))
			}
		}
		if len(organizations) < core.MaxPageSize {
			return nil
		}
		after = organizations[len(organizations)-1].ID
	}
}

// damage is a finding about one event.
func damage(stream string, at core.Offset, text string) core.Finding {
	return core.Finding{About: "events", State: core.FindingProblem, Stream: stream, Offset: &at, Text: text}
}

// streamLook is the look at one stream.
type streamLook struct {
	*Examination
	id     core.ID
	name   string
	bounds core.Bounds
	// next is the offset that must come next, last when the one before it was received.
	next core.Offset
	last time.Time
	told int
	tell func(core.Finding)
}

func (l *streamLook) say(at core.Offset, format string, args ...any) {
	if l.told++; l.told == maxDamage {
		format, args = "and there is more damage from here on; the first %d findings of a stream are told", []any{maxDamage - 1}
	}
	if l.told <= maxDamage {
		l.tell(damage(l.name, at, fmt.Sprintf(format, args...)))
	}
}

// stream reads a stream from its first event to the one that was its last at the
// beginning.
func (x *Examination) stream(ctx context.Context, id core.ID, name string, sum *Examined, tell func(core.Finding)) error {
	bounds, err := x.Log.Bounds(ctx, []core.ID{id})
	if err != nil {
		return err
	}
	look := &streamLook{Examination: x, id: id, name: name, bounds: bounds[0], next: bounds[0].First, tell: tell}
	for look.next < look.bounds.Next {
		if err := look.page(ctx, core.MaxPageSize, sum); err != nil {
			return err
		}
	}
	sum.Streams++
	if look.told > 0 {
		sum.Damaged++
	}
	return nil
}

// pageBytes bounds what is held in memory of a stream.
const pageBytes = 16 << 20

// page looks at the next events. A page that cannot be read is read event by event, so
// that the damaged one is named.
func (l *streamLook) page(ctx context.Context, limit int, sum *Examined) error {
	to := min(l.next+core.Offset(limit), l.bounds.Next)
	events, err := l.Log.Read(ctx, l.id, core.Scan{From: l.next, To: to, Limit: limit, Bytes: pageBytes})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case transient(err):
		return err
	case err != nil && limit > 1:
		for l.next < to {
			if err := l.page(ctx, 1, sum); err != nil {
				return err
			}
		}
		return nil
	case err != nil:
		l.say(l.next, "cannot be read: %v", err)
		l.next++
		return nil
	}
	if full := core.Full(events, limit, pageBytes); full && len(events) > 0 {
		to = events[len(events)-1].Offset + 1
	}
	keys, err := l.remembered(ctx, to)
	if err != nil {
		return err
	}
	for i := range events {
		l.look(ctx, &events[i], keys)
	}
	l.skipTo(ctx, to)
	sum.Events += int64(len(events))
	if l.Progress != nil {
		l.Progress(sum.Events)
	}
	return nil
}

// transient reports whether a store does not answer, which says nothing about what it
// keeps.
func transient(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || core.CodeOf(err) == core.CodeUnavailable
}

// remembered returns the keys of the events before an offset that were not looked at.
func (l *streamLook) remembered(ctx context.Context, to core.Offset) (map[core.Offset]core.Remembered, error) {
	store, ok := l.Log.(core.Rememberer)
	if !ok {
		return nil, nil
	}
	all, err := store.Remembered(ctx, l.id, l.next, to)
	byOffset := make(map[core.Offset]core.Remembered, len(all))
	for _, one := range all {
		byOffset[one.Offset] = one
	}
	return byOffset, err
}

// look looks at one event.
func (l *streamLook) look(ctx context.Context, event *core.Event, keys map[core.Offset]core.Remembered) {
	if event.Offset < l.next {
		l.say(event.Offset, "is there twice")
		return
	}
	l.skipTo(ctx, event.Offset)
	for _, text := range unsound(event, l.last, l.bounds.Last) {
		l.say(event.Offset, "%s", text)
	}
	if key, ok := keys[event.Offset]; ok {
		if text := forgets(event, key); text != "" {
			l.say(event.Offset, "%s", text)
		}
	}
	l.next, l.last = event.Offset+1, event.ReceivedAt
}

// skipTo goes on at an offset. What lies before it is missing, unless retention has
// removed it meanwhile.
func (l *streamLook) skipTo(ctx context.Context, to core.Offset) {
	if l.next >= to {
		return
	}
	if now, err := l.Log.Bounds(ctx, []core.ID{l.id}); err == nil && now[0].First > l.next {
		l.next = min(now[0].First, to)
	}
	switch missing := to - l.next; {
	case missing == 1:
		l.say(l.next, "is missing: the stream's counter says that it was stored")
	case missing > 1:
		l.say(l.next, "is missing, and so is all up to offset %d: the stream's counter says that they were stored", to-1)
	}
	l.next = to
}
