package eventlog_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// tamper changes one byte or one unit of a field of a record.
var tamper = []func(e *core.Event, at uint8, flip byte){
	func(e *core.Event, at uint8, flip byte) { e.ID[int(at)%len(e.ID)] ^= flip },
	func(e *core.Event, at uint8, flip byte) { e.Type, _ = coretest.Flipped(e.Type, at, flip) },
	func(e *core.Event, at uint8, flip byte) { e.Source, _ = coretest.Flipped(e.Source, at, flip) },
	func(e *core.Event, at uint8, flip byte) { e.Subject, _ = coretest.Flipped(e.Subject, at, flip) },
	func(e *core.Event, at uint8, flip byte) { e.Payload[int(at)%len(e.Payload)] ^= flip },
	func(e *core.Event, _ uint8, flip byte) {
		e.OccurredAt = e.OccurredAt.Add(time.Duration(flip) * time.Microsecond)
	},
	func(e *core.Event, _ uint8, flip byte) {
		e.ReceivedAt = e.ReceivedAt.Add(-time.Duration(flip) * time.Microsecond)
	},
	func(e *core.Event, _ uint8, flip byte) { e.Version ^= int32(flip) },
	func(e *core.Event, _ uint8, flip byte) { e.Offset += core.Offset(flip) },
	func(e *core.Event, at uint8, flip byte) { e.Context = slices.Repeat([]byte{at}, int(flip)) },
	func(e *core.Event, at uint8, flip byte) { e.APIKeyID[int(at)%len(e.APIKeyID)] ^= flip },
}

// trailOf writes n records and returns the log.
func trailOf(t coretest.Tester, org core.ID, n int) core.Storage {
	log, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	committer := eventlog.NewCommitter(log, eventlog.CommitOptions{})
	defer committer.Close()
	trail := eventlog.NewTrail(eventlog.TrailPorts{Committer: committer, Log: log, Logger: slog.New(slog.DiscardHandler), Now: time.Now})
	for range n {
		trail.Record(t.Context(), core.AuditRecord{
			Who: core.Principal{Org: org, User: core.ID{7}, Label: "ann@example.com", Role: core.RoleAdmin}.At(core.Visitor{Address: "192.0.2.1", UserAgent: "curl"}), Action: core.AuditUserChanged,
			Kind: "user", Target: core.ID{9}.String(), Details: map[string]string{"role": "viewer"},
		})
	}
	return log
}

// No record makes the verifier panic. Whatever byte of whatever record that
// another follows is changed, by hand or to any text, it is found there or at
// the next.
func FuzzTrail(f *testing.F) {
	const records = 6
	org := core.ID{1}
	log := trailOf(f, org, records)
	for field := range tamper {
		f.Add(uint8(field), uint8(field), uint8(3*field), byte(1), []byte(nil))
	}
	for _, text := range []string{`{}`, `null`, `[]`, `{"sequence":2}`, `{"sequence":2,"previous":"00"}`, `{"sequence":1e400}`, "\xff", `{"Sequence":2,"sequence":2}`, `{"actor":{"user_id":"x"}}`} {
		f.Add(uint8(2), uint8(0), uint8(0), byte(0), []byte(text))
	}
	f.Fuzz(func(t *testing.T, record, field, at uint8, flip byte, payload []byte) {
		whole := verify(t, log, org)
		require.Equal(t, eventlog.Verified{Records: records, Newest: eventlog.AuditMark{Record: records - 1, Hash: whole.Newest.Hash}}, whole)
		i := int(record) % (records - 1)
		found := verify(t, tampered{log, func(events []core.Event) []core.Event {
			if flip == 0 {
				events[i].Payload = payload
			} else {
				tamper[int(field)%len(tamper)](&events[i], at, flip)
			}
			return events
		}}, org)
		require.NotEmpty(t, found.Fault, "record %d, field %d", i, int(field)%len(tamper))
		require.Contains(t, []core.Offset{core.Offset(i), core.Offset(i + 1)}, found.At)
	})
}
