package otel_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/otel"
	"github.com/eventflow-go/eventflow/adapters/oteltest"
	"github.com/eventflow-go/eventflow/core"
)

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	sampled = "00-" + traceID + "-" + spanID + "-01"
	skipped = "00-" + traceID + "-" + spanID + "-00"
)

// at is when these tests' requests come.
var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is telemetry with a collector.
type fixture struct {
	*otel.Telemetry
	t         *testing.T
	collector *oteltest.Collector
	logged    *bytes.Buffer
}

// open returns telemetry that sends spans by HTTP, and by what else is said.
func open(t *testing.T, variables ...string) *fixture {
	t.Helper()
	collector, err := oteltest.Start()
	require.NoError(t, err)
	t.Cleanup(collector.Close)
	f := &fixture{t: t, collector: collector, logged: &bytes.Buffer{}}
	f.Telemetry = openWith(t, f.logged, append([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.HTTP}, variables...)...)
	return f
}

func openWith(t *testing.T, logged *bytes.Buffer, variables ...string) *otel.Telemetry {
	t.Helper()
	settings, err := otel.ReadSettings(variables)
	require.NoError(t, err)
	telemetry, err := otel.Open(t.Context(), settings, "v1.2.3", slog.New(otel.Handler(slog.NewTextHandler(logged, nil))))
	require.NoError(t, err)
	t.Cleanup(telemetry.Close) // a second time does nothing
	return telemetry
}

// post begins to follow a request that comes with a traceparent.
func (f *fixture) post(parent string) *otel.Request {
	return f.Request("POST", "/events", parent, "", at)
}

// spans returns all spans, by their names.
func (f *fixture) spans() map[string][]*traces.Span {
	f.t.Helper()
	f.Close()
	all := map[string][]*traces.Span{}
	for _, s := range f.collector.Spans() {
		all[s.GetName()] = append(all[s.GetName()], s)
	}
	return all
}

func attributes(s *traces.Span) map[string]string {
	all := map[string]string{}
	for _, a := range s.GetAttributes() {
		all[a.GetKey()] = a.GetValue().GetStringValue()
		if all[a.GetKey()] == "" {
			all[a.GetKey()] = fmt.Sprint(a.GetValue().GetIntValue())
		}
	}
	return all
}

// A request is a span that hangs below the client's, and says who the server is.
func TestARequestIsASpan(t *testing.T) {
	t.Parallel()
	f := open(t, "OTEL_SERVICE_NAME=shop", "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=test%20bed,service.name=other")
	r := f.Request("POST", "/events", sampled, "vendor=1", at)
	require.Regexp(t, "^00-"+traceID+"-[0-9a-f]{16}-01$", r.Header())
	r.End(202, core.ID{7}, "request-1")
	f.post("").End(503, core.ID{}, "request-2")
	spans := f.spans()["POST /events"]
	require.Len(t, spans, 2)
	one := spans[0]
	require.Equal(t, traceID, hex.EncodeToString(one.GetTraceId()))
	require.Equal(t, spanID, hex.EncodeToString(one.GetParentSpanId()))
	require.Equal(t, "vendor=1", one.GetTraceState())
	require.Equal(t, traces.Span_SPAN_KIND_SERVER, one.GetKind())
	require.EqualValues(t, at.UnixNano(), one.GetStartTimeUnixNano())
	require.Equal(t, map[string]string{
		"http.request.method": "POST", "http.route": "/events", "http.response.status_code": "202",
		"eventflow.request.id": "request-1", "eventflow.organization.id": core.ID{7}.String(),
	}, attributes(one))
	require.Empty(t, spans[1].GetParentSpanId())
	require.NotEqual(t, traceID, hex.EncodeToString(spans[1].GetTraceId()))
	require.Equal(t, traces.Status_STATUS_CODE_ERROR, spans[1].GetStatus().GetCode())
	resource := attributes(&traces.Span{Attributes: f.collector.Batches()[0].GetResource().GetAttributes()})
	require.Equal(t, "shop", resource["service.name"])
	require.Equal(t, "v1.2.3", resource["service.version"])
	require.Equal(t, "test bed", resource["deployment.environment.name"])
}

// Spans go out by both protocols, with the settings' headers and packed.
func TestBothProtocols(t *testing.T) {
	t.Parallel()
	collector, err := oteltest.Start()
	require.NoError(t, err)
	t.Cleanup(collector.Close)
	for protocol, endpoint := range map[string]string{
		"grpc": collector.GRPC, "http/protobuf": collector.HTTP, // each by the variables for all signals and for traces
	} {
		for _, signal := range []string{"", "TRACES_"} {
			address := endpoint
			if signal != "" && protocol != "grpc" {
				address += "/v1/traces"
			}
			telemetry := openWith(t, &bytes.Buffer{}, "OTEL_EXPORTER_OTLP_"+signal+"ENDPOINT="+address, "OTEL_EXPORTER_OTLP_"+signal+"PROTOCOL="+protocol,
				"OTEL_EXPORTER_OTLP_"+signal+"HEADERS=x-team=a%2Cb", "OTEL_EXPORTER_OTLP_"+signal+"COMPRESSION=gzip", "OTEL_EXPORTER_OTLP_TIMEOUT=20000")
			telemetry.Request("GET", "/"+protocol, "", "", at).End(200, core.ID{}, "")
			telemetry.Close()
		}
	}
	require.Len(t, collector.Spans(), 4)
	for _, headers := range collector.Headers() {
		require.Equal(t, []string{"a,b"}, append(headers["X-Team"], headers["x-team"]...))
	}
}

// Whether a client's trace is kept is the client's decision, and a traceparent that is
// not valid is none.
func TestTheParentDecides(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.post(sampled).End(202, core.ID{}, "")
	require.Empty(t, f.post(skipped).Header())
	f.post(skipped).End(202, core.ID{}, "")
	for _, wrong := range []string{"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01", sampled + "-x", sampled[:54], "x"} {
		f.post(wrong).End(202, core.ID{}, "")
	}
	spans := f.spans()["POST /events"]
	require.Len(t, spans, 5)
	for _, s := range spans[1:] {
		require.NotEqual(t, traceID, hex.EncodeToString(s.GetTraceId()))
	}
}

// However many requests come, so many traces of each kind begin in a second, and one
// kind takes nothing from another.
func TestTracesThatBeginAreBounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	follow := func(route, parent string, at time.Time) {
		if r := f.Request("POST", route, parent, "", at); r != nil {
			r.End(202, core.ID{}, "")
		}
	}
	for i := range 1000 {
		follow("/events", map[bool]string{true: sampled}[i%2 == 0], at)
	}
	follow("/ack", "", at)
	for range 1000 {
		follow("/events", "", at.Add(500*time.Millisecond))
	}
	spans := f.spans()
	require.Len(t, spans["POST /events"], 150, "a second's worth at once, and half of that half a second later")
	require.Len(t, spans["POST /ack"], 1)
}

// A sampler that the settings name decides alone.
func TestSamplers(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{
		"always_on": 300, "always_off": 0, "traceidratio": 0, "parentbased_always_on": 200, "parentbased_always_off": 100, "parentbased_traceidratio": 100,
	} {
		f := open(t, "OTEL_TRACES_SAMPLER="+name, "OTEL_TRACES_SAMPLER_ARG=0")
		for range 100 {
			for _, parent := range []string{"", sampled, skipped} {
				if r := f.post(parent); r != nil {
					r.End(202, core.ID{}, "")
				}
			}
		}
		require.Len(t, f.spans()["POST /events"], want, name)
	}
}

// Without settings there is nothing: no decorator, and no work for a request. Beyond
// the bound, a request that is not followed costs no memory either.
func TestOffCostsNothing(t *testing.T) { // by itself: it counts what is allocated
	off := openWith(t, &bytes.Buffer{})
	storage, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	require.Same(t, storage, off.Log(storage))
	require.Equal(t, refusing{}, off.Sink("log", core.Origin{}, refusing{}))
	require.Equal(t, t.Context(), off.Databases(t.Context()))
	full := open(t)
	for range 200 {
		full.post("")
	}
	for name, telemetry := range map[string]*otel.Telemetry{"off": off, "full": full.Telemetry} {
		require.Zero(t, testing.AllocsPerRun(1000, func() {
			if telemetry.Request("POST", "/events", "", "", at) != nil {
				t.Error("is followed")
			}
		}), name)
	}
}

// The lines of the log have the trace of the request that they are about, also where
// no span is made, and those about a group have the first's.
func TestLinesHaveTheirTrace(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	off := openWith(t, &logged)
	lines := slog.New(otel.Handler(slog.NewTextHandler(&logged, nil))).With("a", 1)
	ctx := off.Request("GET", "/", sampled, "", at).Context(context.Background())
	lines.InfoContext(ctx, "one")
	lines.InfoContext(core.ContextWithRequests(context.Background(), []context.Context{nil, context.Background(), ctx}), "many")
	lines.Info("none")
	require.Regexp(t, `msg=one a=1 trace_id=`+traceID+`\n.* msg=many a=1 trace_id=`+traceID+`\n.* msg=none a=1\n$`, logged.String())
}

// A group commit is one span. It belongs to the trace of its first request and is
// linked to all that are followed, each once, and those of the others to it.
func TestAGroupCommitIsOneSpan(t *testing.T) {
	t.Parallel()
	f := open(t)
	storage, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	log := f.Log(storage)
	first, second := f.post(sampled), f.post("")
	one, two := first.Context(context.Background()), second.Context(context.Background())
	requests := []context.Context{context.Background(), one, two, two, nil, f.post(skipped).Context(context.Background())}
	var batches []core.Batch
	for i := range requests {
		batches = append(batches, core.Batch{Stream: core.ID{byte(i / 2)}, Entries: []core.Entry{{Event: core.Event{ID: core.ID{byte(i)}, Type: "paid", Payload: []byte("1")}}}})
	}
	require.NoError(t, log.Append(core.ContextWithRequests(context.Background(), requests), at, batches))
	require.NoError(t, log.Append(core.ContextWithRequests(context.Background(), requests[:1]), at, nil), "nobody is followed")
	_, err = log.Read(one, core.ID{}, core.Scan{Limit: 10})
	require.NoError(t, err)
	_, err = log.Read(context.Background(), core.ID{}, core.Scan{Limit: 10})
	require.NoError(t, err)
	second.End(202, core.ID{}, "")
	first.End(202, core.ID{}, "")
	spans := f.spans()
	require.Len(t, spans["commit group"], 1)
	require.Len(t, spans["read events"], 1)
	commit, posts := spans["commit group"][0], spans["POST /events"]
	require.Len(t, posts, 2)
	require.Equal(t, posts[1].GetSpanId(), commit.GetParentSpanId())
	require.Equal(t, map[string]string{"eventflow.batches": "6", "eventflow.events": "6", "eventflow.streams": "3"}, attributes(commit))
	require.Len(t, commit.GetLinks(), 2)
	require.Equal(t, posts[1].GetSpanId(), commit.GetLinks()[0].GetSpanId())
	require.Equal(t, posts[0].GetSpanId(), commit.GetLinks()[1].GetSpanId())
	require.Len(t, posts[0].GetLinks(), 1)
	require.Equal(t, commit.GetSpanId(), posts[0].GetLinks()[0].GetSpanId())
	require.Empty(t, posts[1].GetLinks(), "its trace holds the commit")
}

// delivery returns events of so many producers, two of each.
func delivery(lease core.ID, producers int) *core.Delivery {
	d := &core.Delivery{Lease: lease}
	for i := range producers {
		kept := fmt.Appendf(nil, `{"traceparent":"00-%s-%016x-01","trace_id":%q}`, traceID, i+1, traceID)
		d.Events = append(d.Events, core.Event{Context: kept}, core.Event{Context: kept})
	}
	d.Events = append(d.Events, core.Event{}, core.Event{Context: []byte(`{"traceparent":"x"}`)})
	return d
}

// links are the ids of the spans that one is linked to.
func links(s *traces.Span) (all []string) {
	for _, link := range s.GetLinks() {
		all = append(all, hex.EncodeToString(link.GetSpanId()))
	}
	return all
}

// A poll is linked to the producers of its events, and what settles them to the poll,
// too. The links are bounded, and so is what is remembered of them.
func TestAPollIsLinkedToItsProducers(t *testing.T) {
	t.Parallel()
	f := open(t)
	follow := func(route string) *otel.Request { return f.Request("GET", route, "", "", at) }
	poll, ack := follow("/events"), follow("/ack")
	poll.Delivered(delivery(core.ID{1}, 2))
	poll.End(200, core.ID{}, "")
	ack.Settles(core.ID{1})
	ack.End(204, core.ID{}, "")
	many, early, late := follow("/many"), follow("/early"), follow("/late")
	for i := range 300 {
		many.Delivered(delivery(core.ID{2, byte(i), byte(i >> 8)}, 200)) // of these 256 are remembered
	}
	many.End(200, core.ID{}, "")
	early.Settles(core.ID{2, 43})
	early.End(204, core.ID{}, "")
	late.Settles(core.ID{2, 44})
	late.End(204, core.ID{}, "")
	spans := f.spans()
	require.Equal(t, []string{"0000000000000001", "0000000000000002"}, links(spans["GET /events"][0]))
	require.Equal(t, append([]string{hex.EncodeToString(spans["GET /events"][0].GetSpanId())}, links(spans["GET /events"][0])...), links(spans["GET /ack"][0]))
	require.Len(t, links(spans["GET /many"][0]), 128)
	require.Empty(t, links(spans["GET /early"][0]))
	require.Len(t, links(spans["GET /late"][0]), 128)
}

// A collector that refuses or does not answer is complained of once, and again when it
// is back. Requests go on meanwhile, and so does the stop.
func TestACollectorThatIsAway(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	asked := make(chan bool, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusForbidden)
		}
		asked <- true
	}))
	t.Cleanup(server.Close)
	var logged bytes.Buffer
	telemetry := openWith(t, &logged, "OTEL_EXPORTER_OTLP_ENDPOINT="+strings.Replace(server.URL, "://", "://user:hush@", 1), "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1")
	for _, down := range []bool{true, true, false, true} {
		away.Store(down)
		telemetry.Request("GET", "/", "", "", at).End(200, core.ID{}, "")
		<-asked
	}
	telemetry.Close()
	require.Equal(t, 2, strings.Count(logged.String(), "the collector cannot be reached"), logged.String())
	require.Equal(t, 1, strings.Count(logged.String(), "the collector is back"), logged.String())
	require.Contains(t, logged.String(), "dropped_spans=2")
	require.NotContains(t, logged.String(), "hush")
}

// A collector that takes connections and says nothing holds nobody up.
func TestACollectorThatIsSilent(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	for _, protocol := range []string{"grpc", "http/protobuf"} {
		var logged bytes.Buffer
		telemetry := openWith(t, &logged, "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+listener.Addr().String(), "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
			"OTEL_TRACES_SAMPLER=always_on", "OTEL_BSP_MAX_QUEUE_SIZE=10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=10")
		for range 10_000 { // would wait for the collector a thousand times
			telemetry.Request("GET", "/", "", "", at).End(200, core.ID{}, "")
		}
		started := time.Now()
		telemetry.Close()
		require.Less(t, time.Since(started), 10*time.Second)
	}
}

// refusing is a sink that refuses every event but the first.
type refusing struct{ core.Sink }

func (refusing) Send(_ context.Context, events []core.Outgoing) []core.Sent {
	sent := make([]core.Sent, len(events))
	for i := range sent[1:] {
		sent[i+1] = core.Sent{Err: errors.New("hush"), Status: 503 - i, Response: "hush"}
	}
	return sent
}

// What a processor sends is a span below the first producer of its events, linked to each
// that keeps its trace. It says how many events failed, and not why.
func TestASendIsLinkedToItsProducers(t *testing.T) {
	t.Parallel()
	f := open(t)
	secretly := core.Outgoing{Event: core.Event{Context: []byte(`{"traceparent":"` + skipped + `"}`)}}
	outgoing := func(d *core.Delivery) (all []core.Outgoing) {
		all = append(all, secretly)
		for _, event := range d.Events {
			all = append(all, core.Outgoing{Event: event})
		}
		return all
	}
	sink := f.Sink("webhook", core.Origin{Org: core.ID{1}, Processor: core.ID{2}}, refusing{})
	require.Len(t, sink.Send(t.Context(), outgoing(delivery(core.ID{1}, 2))), 7)
	sink.Send(t.Context(), []core.Outgoing{{}, secretly})
	f.Sink("log", core.Origin{}, refusing{}).Send(t.Context(), outgoing(delivery(core.ID{1}, 200)))
	spans := f.spans()
	require.Len(t, spans, 2)
	require.Len(t, spans["send to webhook"], 1, "the other one's producer keeps no trace")
	span := spans["send to webhook"][0]
	require.Equal(t, traceID, hex.EncodeToString(span.GetTraceId()))
	require.Equal(t, "0000000000000001", hex.EncodeToString(span.GetParentSpanId()))
	require.Equal(t, []string{"0000000000000001", "0000000000000002"}, links(span))
	require.Equal(t, traces.Status_STATUS_CODE_ERROR, span.GetStatus().GetCode())
	require.Equal(t, map[string]string{
		"eventflow.organization.id": core.ID{1}.String(), "eventflow.processor.id": core.ID{2}.String(), "eventflow.destination.type": "webhook",
		"eventflow.events": "7", "eventflow.failed": "6", "http.response.status_code": "503",
	}, attributes(span))
	require.Len(t, links(spans["send to log"][0]), 128)
}

// Sends are bounded as requests are: a processor that sends thousands in a second fills no
// collector.
func TestSendsThatAreFollowedAreBounded(t *testing.T) {
	t.Parallel()
	f := open(t)
	sink, began := f.Sink("log", core.Origin{}, refusing{}), time.Now()
	for range 1000 {
		sink.Send(t.Context(), []core.Outgoing{{Event: core.Event{Context: []byte(`{"traceparent":"` + sampled + `"}`)}}})
	}
	most := 102 + int(100*time.Since(began).Seconds())
	require.LessOrEqual(t, len(f.spans()["send to log"]), most, "a second's worth at once, and what the time that passed allows")
}
