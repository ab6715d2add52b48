package otel

import (
	"bytes"
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/eventflow-go/eventflow/core"
)

// Attributes of what a processor sends.
const (
	keyProcessor   = attribute.Key("eventflow.processor.id")
	keyDestination = attribute.Key("eventflow.destination.type")
	keyFailed      = attribute.Key("eventflow.failed")
)

// Sink returns a sink with a span for each of its Sends that has events whose producers
// are traced. destination is its type.
func (t *Telemetry) Sink(destination string, from core.Origin, sink core.Sink) core.Sink {
	if t.provider == nil {
		return sink
	}
	return &tracedSink{Sink: sink, telemetry: t, from: from, destination: destination}
}

type tracedSink struct {
	core.Sink
	telemetry   *Telemetry
	from        core.Origin
	destination string
}

// Send implements [core.Sink].
func (s *tracedSink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	producers := producersOf(events)
	if len(producers) == 0 || s.telemetry.gate != nil && !s.telemetry.gate.open(kind{"send", s.destination}, time.Now()) {
		return s.Sink.Send(ctx, events)
	}
	// The span hangs below its first producer, as a group commit's hangs below the first
	// of its requests: a trace shows the whole way of an event.
	ctx, span := s.telemetry.tracer.Start(trace.ContextWithRemoteSpanContext(ctx, producers[0].SpanContext), "send to "+s.destination,
		trace.WithSpanKind(trace.SpanKindProducer), trace.WithLinks(producers...),
		trace.WithAttributes(keyOrganization.String(s.from.Org.String()), keyProcessor.String(s.from.Processor.String()),
			keyDestination.String(s.destination), keyEvents.Int(len(events))))
	sent := s.Sink.Send(ctx, events)
	endSend(span, sent)
	return sent
}

// producersOf returns links to the requests by which events were produced, each once, up
// to [maxLinks] of them. Requests whose clients keep no trace are left out.
func producersOf(events []core.Outgoing) (links []trace.Link) {
	var seen map[string]bool
	for i := range events {
		event := &events[i].Event
		if !bytes.Contains(event.Context, []byte("traceparent")) { // most have none, and are not parsed
			continue
		}
		parent, state := traceOf(event)
		if parent == "" || seen[parent] {
			continue
		}
		if seen == nil {
			seen = map[string]bool{}
		}
		seen[parent] = true
		if producer := parse(parent, state); producer.IsValid() && producer.IsSampled() {
			links = append(links, trace.Link{SpanContext: producer})
		}
		if len(links) == maxLinks {
			break
		}
	}
	return links
}

// endSend ends the span of a Send. Of what failed it tells how much, and the first status
// code: the text of an error may quote anything.
func endSend(span trace.Span, sent []core.Sent) {
	failed := 0
	for i := range sent {
		if sent[i].Err == nil {
			continue
		}
		if failed++; failed > 1 {
			continue
		}
		span.SetStatus(codes.Error, "")
		if sent[i].Status != 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(sent[i].Status))
		}
	}
	span.SetAttributes(keyFailed.Int(failed))
	span.End()
}
