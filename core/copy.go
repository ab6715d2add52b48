package core

import (
	"context"
	"reflect"
	"time"
)

// Copyable is what a [Storage] is, too, if its log can be copied into another one:
// every event at its offset, with its id, its times and what is remembered of its
// idempotency key. A storage can do without; then its log can be neither copied nor
// backed up. The suite in core/storetest is this contract in executable form.
type Copyable interface {
	// Logs returns every stream that ever got an event, of all organizations and
	// whether or not a catalog knows it, by id. All bounds are of one moment: what was
	// stored before what one of them has is within the others.
	Logs(ctx context.Context) ([]StreamLog, error)
	// Entries is [Reader.Read] that also tells the fingerprints. An event whose key is
	// not remembered, because a later event has it now, has none.
	Entries(ctx context.Context, stream ID, scan Scan) ([]Entry, error)
	// Put stores a stretch as it is in another log, in one transaction, and returns once
	// it is on disk. It may be called again with the same stretch, or with one that
	// overlaps: that changes nothing. After it, the stream begins at the stretch's First
	// or later, whatever it held before.
	//
	// It is a [CodeConflict], and nothing is stored, if the stream belongs to another
	// organization, holds another event at one of the offsets, would have a gap, or
	// already holds a later event. After any other error the stretch may be stored or
	// not, and the call is to be made again.
	//
	// Nobody may append to the stream meanwhile.
	Put(ctx context.Context, stretch Stretch) error
}

// StreamLog is what a log holds of a stream.
type StreamLog struct {
	Org    ID
	Stream ID
	Bounds
}

// Stretch is a part of a stream on its way from one log into another.
type Stretch struct {
	Org    ID
	Stream ID
	// First is where the stream begins: what was before it was removed.
	First Offset
	// Last is when the newest event before First was received. It counts where nothing
	// is kept.
	Last time.Time
	// Entries are at successive offsets, at or behind First. Fingerprint is zero where
	// the key is not remembered.
	Entries []Entry
}

// Split is the rule of [Copyable] for what becomes of the entries in a log that holds
// these bounds, once it begins at the stretch's First. The log must hold the same
// events as known, as [Stretch.SameEvents] compares them, and gets fresh behind them. What the
// log has removed is in neither.
func (s *Stretch) Split(there Bounds) (known, fresh []Entry, err error) {
	there.First, there.Next = max(there.First, s.First), max(there.Next, s.First)
	last := there.Last
	for i := range s.Entries {
		e := &s.Entries[i]
		switch {
		case e.Offset != s.Entries[0].Offset+Offset(i) || e.Offset < s.First:
			return nil, nil, s.refuse("is damaged: offset %d is not where it belongs", e.Offset)
		case e.Offset < there.First:
		case e.Offset < there.Next:
			known = append(known, *e)
		case e.ReceivedAt.Before(last):
			return nil, nil, s.refuse("goes back in time at offset %d", e.Offset)
		default:
			fresh, last = append(fresh, *e), e.ReceivedAt
		}
	}
	if len(fresh) > 0 && fresh[0].Offset > there.Next {
		return nil, nil, s.refuse("begins at %d, behind the end of what is there, %d", fresh[0].Offset, there.Next)
	}
	return known, fresh, nil
}

// Of checks that the stream there is of the stretch's organization.
func (s *Stretch) Of(org ID) error {
	if org != s.Org {
		return s.refuse("is of another organization, %s", s.Org)
	}
	return nil
}

func (s *Stretch) refuse(format string, args ...any) error {
	return Errorf(CodeConflict, "what is to be put into the stream "+s.Stream.String()+" "+format, args...)
}

// SameEvents compares what [Stretch.Split] calls known with the events that are there.
func (s *Stretch) SameEvents(known []Entry, there []Event) error {
	if len(known) != len(there) {
		return s.refuse("overlaps with %d events, of which %d are there", len(known), len(there))
	}
	for i := range known {
		if !known[i].Event.same(there[i]) {
			return s.refuse("has another event at offset %d than the one that is there", known[i].Offset)
		}
	}
	return nil
}

// same compares all fields, also those that this type may get one day.
func (e Event) same(other Event) bool {
	if len(e.Context)+len(other.Context) == 0 {
		e.Context, other.Context = nil, nil
	}
	e.Stream = other.Stream // both are of one stretch, which says it once
	return reflect.DeepEqual(e, other)
}
