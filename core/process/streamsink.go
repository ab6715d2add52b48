package process

import (
	"context"
	"encoding/json"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// streamSettings are what is said about another stream as a destination.
type streamSettings struct {
	// Stream is the id of the stream, and StreamName what it was called when it was
	// chosen.
	Stream     core.ID `json:"stream_id"`
	StreamName string  `json:"stream"`
}

// checkStream finds the stream that somebody names as a destination.
func (d *destinations) checkStream(ctx context.Context, who core.Principal, given json.RawMessage) (core.Destination, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(given, &fields); err != nil {
		return core.Destination{}, err
	}
	var ref string
	for field, value := range fields {
		switch {
		case field == "stream_id": // it comes back with what the API has answered
		case field != "stream":
			return core.Destination{}, core.Invalid("destination."+field, "is not a field of a stream as a destination; the fields are: stream")
		case json.Unmarshal(value, &ref) != nil:
			return core.Destination{}, core.Invalid("destination.stream", "must be a text: the name or id of a stream")
		}
	}
	if ref == "" {
		return core.Destination{}, core.Invalid("destination.stream", "is required: the name or id of a stream")
	}
	open, err := d.streams.Open(ctx, who, ref, core.ActionIngest)
	if core.IsNotFound(err) {
		return core.Destination{}, core.Invalid("destination.stream", "there is no such stream")
	}
	if err != nil {
		return core.Destination{}, err
	}
	settings, err := json.Marshal(streamSettings{open.ID, open.Name})
	return core.Destination{Type: typeStream, Settings: settings}, err
}

// openStream returns the sink that copies events into another stream.
func (d *destinations) openStream(p *core.Processor, to core.Destination) (core.Sink, error) {
	var settings streamSettings
	if err := json.Unmarshal(to.Settings, &settings); err != nil {
		return nil, err
	}
	return &streamSink{
		ingest: d.ingest, stream: settings.Stream.String(),
		who: core.Principal{Org: p.Org, Role: core.RoleProducer, Label: "processor " + p.Name},
	}, nil
}

// streamSink copies events into another stream of the same organization. The id of each
// event is the idempotency key of its copy, so that one copy results however often an
// event is sent.
type streamSink struct {
	ingest *eventlog.Ingest
	stream string
	who    core.Principal
}

// Traits implements [core.Sink].
func (*streamSink) Traits() core.SinkTraits {
	return core.SinkTraits{Batch: copyBatch, BatchBytes: core.MaxBatchBytes, Parallel: 2}
}

// Close implements [core.Sink].
func (*streamSink) Close() error { return nil }

// Send implements [core.Sink].
func (s *streamSink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	sent := make([]core.Sent, len(events))
	drafts := make([]eventjson.Draft, len(events))
	for i := range events {
		drafts[i] = s.copyOf(&events[i].Event)
	}
	items, err := s.ingest.Batch(core.ContextWithOrganization(ctx, s.who.Org), s.who, s.stream, drafts)
	for i := range sent {
		if err == nil {
			sent[i] = sentTo(items[i].Err)
		} else {
			sent[i] = sentTo(err)
		}
	}
	return sent
}

// copyOf makes the draft of an event's copy. It gets its key at the end: the key alone
// decides, so that no fingerprint of the payload is needed.
func (s *streamSink) copyOf(event *core.Event) eventjson.Draft {
	again := *event
	again.IdempotencyKey = ""
	draft, err := eventjson.NewDraft(again, "")
	draft.Event.IdempotencyKey, draft.KeyDecides, draft.Err = event.ID.String(), true, err
	return draft
}

// sentTo says what an answer of ingest means for the event.
func sentTo(err error) core.Sent {
	switch core.CodeOf(err) {
	case core.CodeValidation, core.CodeSchemaMismatch, core.CodePayloadTooLarge, core.CodeIdempotencyMismatch:
		return core.Sent{Err: err, Verdict: core.NeverAgain}
	case core.CodeNotFound:
		return core.Sent{Err: core.Errorf(core.CodeNotFound, "the stream that the processor copies to is gone"), Verdict: core.TurnedAway}
	}
	return core.Sent{Err: err}
}

// copyBatch is how many events are copied at once. Fewer cost more commits, and more are
// more to do again after a crash.
const copyBatch = 5000
