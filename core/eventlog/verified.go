package eventlog

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Verified is the result of checking a whole trail.
type Verified struct {
	// Records is how many records, from the first on, are intact.
	Records int64
	// Newest is the mark of the last intact record, if there is one.
	Newest AuditMark
	// Fault says what is wrong with the record at At. It is empty when the trail is
	// intact.
	Fault string
	At    core.Offset
}

// Verify reads an organization's trail from its beginning. It checks each record
// against the one before it and against the marks that are expected of the trail.
// The error says that the trail could not be read; faults are in the result. A
// trail that grows meanwhile is checked as far as it is read.
func (t *Trail) Verify(ctx context.Context, org core.ID, expected ...AuditMark) (Verified, error) {
	stream := AuditStream(org)
	bounds, err := t.Log.Bounds(ctx, []core.ID{stream}) // first: a record that comes later is not a missing one
	if err != nil {
		return Verified{}, err
	}
	verified := Verified{}
	for {
		events, err := t.Log.Read(ctx, stream, core.Scan{From: core.Offset(verified.Records), Limit: core.MaxPageSize})
		if err != nil {
			return Verified{}, err
		}
		for i := range events {
			if !verified.follow(&events[i], expected) {
				return verified, nil
			}
		}
		if len(events) < core.MaxPageSize {
			verified.complete(bounds[0].Next, expected)
			return verified, nil
		}
	}
}

// follow checks the next record. It reports false when it has noted a fault.
func (v *Verified) follow(event *core.Event, expected []AuditMark) bool {
	at, previous := core.Offset(v.Records), auditRoot
	if at > 0 {
		previous = v.Newest.Hash
	}
	if v.Fault = checkRecord(event, at, previous); v.Fault != "" {
		v.At = at
		return false
	}
	newest := AuditMark{at, auditHash(event)}
	for _, mark := range expected {
		if mark.Record == at && mark != newest {
			v.At, v.Fault = at, "its hash is not the expected one: the trail up to here was rewritten, or is another one"
			return false
		}
	}
	v.Newest, v.Records = newest, v.Records+1
	return true
}

// complete checks that the trail ends where the store says, and not before a mark
// that is expected.
func (v *Verified) complete(next core.Offset, expected []AuditMark) {
	end := core.Offset(v.Records)
	if next > end {
		v.Fault, v.At = "the records from here to the end are missing", end
	}
	for _, mark := range expected {
		if v.Fault == "" && mark.Record >= end {
			v.Fault, v.At = "it is expected and missing: the trail was cut off, or is another one", mark.Record
		}
	}
}
