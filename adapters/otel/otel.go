// Package otel follows requests through the server and sends what it sees to a
// collector, as OpenTelemetry has it. It decorates the ports and hooks into the
// adapters: neither side of a port knows that it is watched, and core knows nothing of
// OpenTelemetry.
//
// Only requests begin a trace. What is done for none of them, or for one that is not
// followed, leaves no span, so background work fills no collector. What a processor sends
// belongs to the requests by which its events were produced.
//
// Attributes hold ids, counts and names of a fixed set. They never hold a credential,
// a payload, a person's address or a client's, a path, or the text of an error, which
// may quote any of these.
//
//   - settings.go: the standard's variables;
//   - otel.go: telemetry from its start to its end;
//   - exporter.go: the way to the collector, and what is said when there is none;
//   - gate.go: how many traces begin;
//   - request.go: a request's span;
//   - links.go: from the events of a poll to who produced them;
//   - together.go: what is done for several requests at once;
//   - log.go, groups.go, sinks.go: the log, the groups' progress and the processors'
//     destinations, decorated;
//   - sql.go, redis.go: statements of PostgreSQL and SQLite, commands of Redis;
//   - record.go: the trace in the lines of the log.
package otel

import (
	"context"
	"log/slog"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope names this package as the one that makes the spans.
const scope = "github.com/eventflow-go/eventflow"

// Telemetry makes the spans of one server. It is made by [Open]. One that is off
// decorates nothing and costs nothing.
type Telemetry struct {
	provider *sdk.TracerProvider // nil when it is off
	exporter *exporter
	tracer   trace.Tracer
	// gate bounds the traces that begin. It is nil where the settings name a sampler.
	gate   *gate
	leases leases
	logger *slog.Logger
}

// The library prints what goes wrong in a form of its own, which would break a log of
// JSON. What matters of it comes back as errors, which the exporter logs.
var _ = func() (done bool) {
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	return true
}()

// Open returns telemetry by these settings. It does not wait for the collector, which
// may come and go. version is the server's.
func Open(ctx context.Context, s Settings, version string, logger *slog.Logger) (*Telemetry, error) {
	t := &Telemetry{logger: logger}
	for _, name := range s.unused {
		logger.WarnContext(ctx, "a variable of OpenTelemetry is set that has no meaning here", "name", name)
	}
	if !s.On() {
		return t, nil
	}
	sender, err := newSender(ctx, s)
	if err != nil {
		return nil, err
	}
	t.exporter = newExporter(sender, s.place(), logger)
	described, err := describe(ctx, s, version)
	if err != nil {
		return nil, err
	}
	t.provider = sdk.NewTracerProvider(sdk.WithResource(described), sdk.WithSampler(s.newSampler()), sdk.WithBatcher(t.exporter,
		sdk.WithBatchTimeout(s.batch.delay), sdk.WithExportTimeout(s.batch.timeout),
		sdk.WithMaxQueueSize(s.batch.queue), sdk.WithMaxExportBatchSize(s.batch.most)))
	t.tracer = t.provider.Tracer(scope, trace.WithInstrumentationVersion(version))
	if s.sampler == "" {
		t.gate = newGate()
	}
	logger.InfoContext(ctx, "telemetry is on", "endpoint", s.place(), "protocol", s.Protocol, "sampled", s.sampled())
	return t, nil
}

// describe says who sends the spans. What the settings say of it wins.
func describe(ctx context.Context, s Settings, version string) (*resource.Resource, error) {
	var said []attribute.KeyValue
	for key, value := range s.resource {
		said = append(said, attribute.String(key, value))
	}
	return resource.New(ctx,
		resource.WithSchemaURL(semconv.SchemaURL), resource.WithTelemetrySDK(), resource.WithHost(), resource.WithService(),
		resource.WithAttributes(semconv.ServiceName("eventflow"), semconv.ServiceVersion(version)),
		resource.WithAttributes(said...))
}

// newSampler returns the sampler that the settings name. Where the gate decides what
// begins, all that began is kept.
func (s Settings) newSampler() sdk.Sampler {
	switch s.sampler {
	case "always_on":
		return sdk.AlwaysSample()
	case "always_off":
		return sdk.NeverSample()
	case "traceidratio":
		return sdk.TraceIDRatioBased(s.ratio)
	case "parentbased_always_off":
		return sdk.ParentBased(sdk.NeverSample())
	case "parentbased_traceidratio":
		return sdk.ParentBased(sdk.TraceIDRatioBased(s.ratio))
	}
	return sdk.ParentBased(sdk.AlwaysSample())
}

// closeTimeout bounds the last sending.
const closeTimeout = 3 * time.Second

// Close sends the spans that are left, for a few seconds at most: a server must be able
// to stop without its collector.
func (t *Telemetry) Close() {
	if t.provider == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, t.exporter.giveUp)
	defer stop()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.logger.Warn("the last spans could not be sent to the collector", "error", err)
	}
}
