package eventlog

import (
	"fmt"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// unsound says what of a stored event cannot have been stored so. before is when the
// event before it was received, and last when the newest one of its stream was.
func unsound(event *core.Event, before, last time.Time) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if event.ID[6]>>4 != 7 || event.ID[8]>>6 != 2 {
		fault("has the id %s, which is none that EventFlow gives", event.ID)
	} else if !event.ID.Time().Equal(event.ReceivedAt.Truncate(time.Millisecond)) {
		fault("has an id of %s and was received at %s: one of the two was changed",
			event.ID.Time().Format(time.RFC3339Nano), event.ReceivedAt.Format(time.RFC3339Nano))
	}
	if event.ReceivedAt.Before(before) {
		fault("was received before the event before it")
	}
	if event.ReceivedAt.After(last) {
		fault("was received after %s, when the stream's newest event was", last.Format(time.RFC3339Nano))
	}
	if err := eventjson.ValidJSON(event.Payload); err != nil {
		fault("has a payload that is no valid JSON: %v", err)
	}
	if len(event.Context) > 0 {
		if err := eventjson.ValidJSON(event.Context); err != nil {
			fault("has a context that is no valid JSON: %v", err)
		}
	}
	if event.Type == "" || event.Version < 1 {
		fault("has the type %q and version %d, and every event has both", event.Type, event.Version)
	}
	return faults
}

// forgets says how an event differs from the one that its idempotency key was
// remembered for. The fingerprint of the key covers all that makes an event what it is.
func forgets(event *core.Event, key core.Remembered) string {
	if key.ID != event.ID {
		return fmt.Sprintf("has the id %s, and its idempotency key remembers %s", event.ID, key.ID)
	}
	if event.IdempotencyKey == "" {
		return "has no idempotency key, and one is remembered for it"
	}
	if event.Source == auditSource && event.APIKeyID.IsZero() {
		return "" // a record of the audit trail, whose fingerprint is random
	}
	draft, err := eventjson.NewDraft(*event, "")
	if err != nil {
		return "" // which is told otherwise
	}
	without := *event
	without.OccurredAt = time.Time{} // its producer may not have said it
	decided := draft
	decided.KeyDecides = true
	possible := []core.Fingerprint{fingerprintOf(&draft, event), fingerprintOf(&draft, &without), fingerprintOf(&decided, event), draft.Fingerprint}
	if !slices.Contains(possible, key.Fingerprint) {
		return "is not what was stored: the fingerprint that its idempotency key remembers is another one"
	}
	return ""
}
