package eventlog_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

func (r *registry) record(_ context.Context, record core.AuditRecord) {
	r.audited = append(r.audited, record)
}

func (r *registry) sendRaw(event string) (core.Receipt, error) {
	draft, err := eventjson.DecodeEvent([]byte(event), eventjson.StreamInPath)
	require.NoError(r.T, err)
	return r.ingest.Event(r.T.Context(), r.Who, "a", draft)
}

// noted has the reports stored, as a node that stops does.
func (r *registry) noted() {
	ctx, stop := context.WithCancel(r.T.Context())
	stop()
	r.Streams.Run(ctx, nil)
}

func (r *registry) apart() []core.Quarantined {
	page, err := r.quarantine.List(r.T.Context(), r.Who, "a", core.QuarantineQuery{})
	require.NoError(r.T, err)
	return page.Items
}

func newQuarantine(t *testing.T) *registry {
	t.Helper()
	apart := core.EnforceQuarantine
	return newRegistry(t, core.StreamSpec{Name: "a", Schema: []byte(numbersOnly), Enforcement: &apart})
}

func TestAnEventThatDoesNotFitIsKeptApart(t *testing.T) {
	t.Parallel()
	r := newQuarantine(t)
	receipt, err := r.sendRaw(`{"event_type":"paid","payload":{"n":"1"},"subject":"o-1"}`)
	require.NoError(t, err)
	require.Equal(t, core.InQuarantine, receipt.Status)
	require.Equal(t, core.NoOffset, receipt.Offset)
	require.Equal(t, "payload.n", receipt.Reasons[0].Field)
	require.Empty(t, r.stored("a"))
	kept := r.apart()
	require.Len(t, kept, 1)
	require.Equal(t, receipt.Quarantine, kept[0].ID)
	require.Equal(t, []string{"till 4", "o-1", `{"n":"1"}`}, []string{kept[0].Event.Source, kept[0].Event.Subject, string(kept[0].Event.Payload)})

	items := r.batch("a", `[{"event_type":"x","payload":{"n":0}}, {"event_type":"x","payload":{"n":"2"}}, {"payload":{}}, {"event_type":"x","payload":7}]`)
	require.Equal(t, core.Accepted, items[0].Receipt.Status)
	require.Equal(t, core.InQuarantine, items[1].Receipt.Status)
	coretest.RequireRefusal(t, items[2].Err, core.CodeValidation, "events[2].event_type")
	require.Equal(t, core.InQuarantine, items[3].Receipt.Status)
	require.Len(t, r.apart(), 3)
}

func TestAMendedEventIsIngestedOnce(t *testing.T) {
	t.Parallel()
	r := newQuarantine(t)
	receipt, err := r.sendRaw(`{"event_type":"paid","payload":{"n":"1"}}`)
	require.NoError(t, err)
	id := receipt.Quarantine.String()
	_, err = r.quarantine.Ingest(t.Context(), r.Who, "a", id, core.Mend{})
	coretest.RequireRefusal(t, err, core.CodeSchemaMismatch, "payload.n")
	_, err = r.quarantine.Ingest(t.Context(), r.Who, "a", id, core.Mend{Version: new(int32)})
	coretest.RequireRefusal(t, err, core.CodeValidation, "event_version")
	require.Len(t, r.apart(), 1, "a mend that is refused changes nothing")

	kept := r.apart()[0]
	mend := core.Mend{Payload: json.RawMessage(`{"n":1}`)}
	done, err := r.quarantine.Ingest(t.Context(), r.Who, "a", id, mend)
	require.NoError(t, err)
	require.Equal(t, core.Accepted, done.Status)
	require.Empty(t, r.apart())
	stored := r.stored("a")
	require.Len(t, stored, 1)
	require.Equal(t, `{"n":1}`, string(stored[0].Payload))
	require.Equal(t, r.Who.Key, stored[0].APIKeyID)

	// The answer got lost, and the event is there again, as after a crash between the two.
	require.NoError(t, r.Catalog.Quarantine(t.Context(), []core.Quarantined{kept}))
	again, err := r.quarantine.Ingest(t.Context(), r.Who, "a", id, mend)
	require.NoError(t, err)
	require.True(t, again.Duplicate)
	require.Equal(t, done.ID, again.ID)
	require.Len(t, r.stored("a"), 1)

	_, err = r.quarantine.Ingest(t.Context(), r.Who, "a", id, mend)
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
	require.Equal(t, core.AuditQuarantineIngested, r.audited[0].Action)
}

func TestAnEventIsDiscarded(t *testing.T) {
	t.Parallel()
	r := newQuarantine(t)
	receipt, err := r.sendRaw(`{"event_type":"paid","payload":1}`)
	require.NoError(t, err)
	require.NoError(t, r.quarantine.Discard(t.Context(), r.Who, "a", receipt.Quarantine.String()))
	coretest.RequireRefusal(t, r.quarantine.Discard(t.Context(), r.Who, "a", receipt.Quarantine.String()), core.CodeNotFound, "")
	coretest.RequireRefusal(t, r.quarantine.Discard(t.Context(), r.Who, "a", "x"), core.CodeValidation, "id")
	require.Equal(t, core.AuditQuarantineDiscarded, r.audited[0].Action)
	require.Empty(t, r.stored("a"))
}

// A producer that sends again what is kept learns that it is.
func TestARepeatedEventIsKeptOnce(t *testing.T) {
	t.Parallel()
	r := newQuarantine(t)
	const event = `{"event_type":"paid","payload":1,"idempotency_key":"k"}`
	first, err := r.sendRaw(event)
	require.NoError(t, err)
	second, err := r.sendRaw(event)
	require.NoError(t, err)
	require.Equal(t, first.Quarantine, second.Quarantine)
	require.True(t, second.Duplicate)
	require.Len(t, r.apart(), 1)
	_, err = r.quarantine.Ingest(t.Context(), r.Who, "a", first.Quarantine.String(), core.Mend{Payload: json.RawMessage(`{"n":1}`)})
	require.NoError(t, err)
	require.Equal(t, "k", r.stored("a")[0].IdempotencyKey)
}

// A quarantine that is full refuses, as the stream would without one.
func TestAQuarantineIsBounded(t *testing.T) {
	t.Parallel()
	r := newQuarantine(t)
	shares := eventlog.NewShares(eventlog.SharePorts{
		Organizations: r.Catalog, Holdings: r.Catalog, Authorizer: coretest.Everything{}, General: core.Shares{Quarantine: 2}, Now: r.Clock.Now,
	})
	ports := r.Streams.StreamPorts
	ports.Shares = shares
	committer := eventlog.NewCommitter(r.Log, eventlog.CommitOptions{Now: r.Clock.Now})
	t.Cleanup(committer.Close)
	r.ingest = eventlog.NewIngest(eventlog.NewStreams(ports), committer, r.Clock.Now)
	items := r.batch("a", `[{"event_type":"x","payload":1}, {"event_type":"x","payload":2}, {"event_type":"x","payload":3}]`)
	require.Equal(t, core.InQuarantine, items[1].Receipt.Status)
	refused := coretest.RequireRefusal(t, items[2].Err, core.CodeSchemaMismatch, "events[2].payload")
	require.Contains(t, refused.Message, "the quarantine is full")
	_, err := r.sendRaw(`{"event_type":"paid","payload":1}`)
	coretest.RequireRefusal(t, err, core.CodeSchemaMismatch, "payload")
	require.Len(t, r.apart(), 2)
}
