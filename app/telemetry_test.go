package app_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/eventflow-go/eventflow/adapters/oteltest"
	"github.com/eventflow-go/eventflow/adapters/redistest"
	"github.com/eventflow-go/eventflow/core"
)

func collect(t *testing.T) *oteltest.Collector {
	t.Helper()
	c, err := oteltest.Start()
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// traced sends a request as a part of a client's trace.
func (p *process) traced(method, path, key, parent, body string) answer {
	p.t.Helper()
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.url+path, strings.NewReader(body))
	require.NoError(p.t, err)
	request.Header.Set("X-API-Key", key)
	request.Header.Set("Content-Type", "application/json")
	if parent != "" {
		request.Header.Set("traceparent", parent)
	}
	return do(p.t, request)
}

// tree draws the spans below a parent in the order of their beginning, each with what
// it is linked to. Spans that are not chosen are left out with all below them.
func tree(spans []*traces.Span, parent string, chosen func(*traces.Span) bool) string {
	var b strings.Builder
	var draw func(parent, indent string)
	draw = func(parent, indent string) {
		for _, s := range spans {
			if hex.EncodeToString(s.GetParentSpanId()) != parent || !chosen(s) {
				continue
			}
			b.WriteString(indent + s.GetName())
			for _, link := range s.GetLinks() {
				b.WriteString(" → " + named(spans, link.GetSpanId()))
			}
			b.WriteByte('\n')
			draw(hex.EncodeToString(s.GetSpanId()), indent+"  ")
		}
	}
	slices.SortStableFunc(spans, func(a, b *traces.Span) int { return int(a.GetStartTimeUnixNano()) - int(b.GetStartTimeUnixNano()) })
	draw(parent, "")
	return b.String()
}

// named returns the name of a span, or its id where it is the client's.
func named(spans []*traces.Span, id []byte) string {
	for _, s := range spans {
		if bytes.Equal(s.GetSpanId(), id) {
			return s.GetName()
		}
	}
	return hex.EncodeToString(id)
}

// steps leaves out the look-ups, which depend on what the server remembers.
func steps(s *traces.Span) bool {
	return !slices.Contains([]string{"SELECT", "BEGIN", "batch start", "prepare", "evalsha", "eval"}, s.GetName())
}

// TestTheWayOfAnEventIsTraced holds that a client finds in its trace, on each store
// and by each protocol, what became of its requests, and nothing that is secret.
func TestTheWayOfAnEventIsTraced(t *testing.T) {
	t.Parallel()
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			collector, h, store := collect(t), newHome(t), store(t)
			endpoint, protocol, statements, step := collector.HTTP, "http/protobuf", "    INSERT\n    COMMIT\n", "EXECUTE"
			if name == "postgres" {
				endpoint, protocol, statements, step = collector.GRPC, "grpc", "    copy_from \"events\"\n", "UPDATE"
			}
			server := h.serve(store, "OTEL_EXPORTER_OTLP_ENDPOINT="+endpoint, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol, "EVENTFLOW_LOG_LEVEL=debug",
				"EVENTFLOW_REDIS="+os.Getenv(redistest.EnvURL))
			key := h.key(store)
			event := server.settle(key)
			require.Zero(t, server.stop(), server.stderr)

			spans := collector.Spans()
			const post, poll, ack = "POST /api/v1/streams/:stream/events", "GET /api/v1/streams/:stream/consumer-groups/:group/events",
				"POST /api/v1/streams/:stream/consumer-groups/:group/ack"
			require.Equal(t, post+"\n  commit group → "+post+"\n"+statements, tree(spans, spanOf(1), steps))
			require.Equal(t, post+"\n  commit group → "+post+"\n"+statements+
				"send to stream → "+spanOf(5)+"\n  commit group → send to stream\n"+statements, tree(spans, spanOf(5), steps))
			require.Equal(t, poll+" → "+spanOf(1)+"\n  advance group → "+poll+"\n    "+step+"\n  read events\n", tree(spans, spanOf(2), steps))
			require.Equal(t, ack+" → "+poll+" → "+spanOf(1)+"\n  advance group → "+ack+"\n    "+step+"\n", tree(spans, spanOf(3), steps))
			require.Empty(t, tree(spans, spanOf(4), steps), "its client does not want it traced")
			first := tree(spans, "", func(*traces.Span) bool { return true })
			require.Contains(t, first, "POST /api/v1/streams\n", "a request without a trace begins one")
			require.Contains(t, first, "  evalsha\n")
			require.Contains(t, first, "  SELECT\n")
			for line := range strings.Lines(first) { // neither probes nor the dashboard, nor work in the background
				require.Regexp(t, "^( +|POST /api/v1/)", line)
			}
			server.lines("request", "/orders/events", clientTrace)
			held, err := proto.Marshal(&traces.TracesData{ResourceSpans: collector.Batches()})
			require.NoError(t, err)
			for what, secret := range map[string]string{
				"the key": key, "a payload": "hush-payload", "a subject": "hush-subject", "a stream's name": "orders", "an address": "addr:",
				"an event": event,
			} {
				require.False(t, bytes.Contains(held, []byte(secret)), what)
			}
		})
	}
}

// spanOf is the id of a client's span.
func spanOf(n int) string { return fmt.Sprintf("%016x", n) }

func parentOf(n int, flags string) string { return "00-" + clientTrace + "-" + spanOf(n) + "-" + flags }

// clientTrace is the trace of the clients of these tests.
const clientTrace = "0af7651916cd43dd8448eb211c80319c"

// settle has an event stored, handed out and settled, each step in a span of its own,
// and asks for what leaves no trace. It returns the event's id.
func (p *process) settle(key string) string {
	p.t.Helper()
	client := p.client(key)
	_, err := client.CreateStream(p.t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(p.t, err)
	_, err = client.CreateGroup(p.t.Context(), "orders", core.GroupSpec{Name: "mail"})
	require.NoError(p.t, err)
	const group = "/api/v1/streams/orders/consumer-groups/mail"
	body := `{"event_type":"paid","subject":"hush-subject","payload":"hush-payload"}`
	posted := p.traced("POST", "/api/v1/streams/orders/events", key, parentOf(1, "01"), body)
	require.Equal(p.t, 202, posted.status, posted.body)
	require.Regexp(p.t, "^00-"+clientTrace+"-[0-9a-f]{16}-01$", posted.header.Get("traceresponse"))
	polled := p.traced("GET", group+"/events", key, parentOf(2, "01"), "")
	var delivery struct {
		Events []core.Event
		Lease  struct{ ID core.ID }
	}
	require.NoError(p.t, json.Unmarshal([]byte(polled.body), &delivery))
	require.Len(p.t, delivery.Events, 1, polled.body)
	acked := p.traced("POST", group+"/ack", key, parentOf(3, "01"), fmt.Sprintf(`{"lease":%q}`, delivery.Lease.ID))
	require.Equal(p.t, 204, acked.status, acked.body)
	skipped := p.traced("POST", "/api/v1/streams/orders/events", key, parentOf(4, "00"), body)
	require.Equal(p.t, 202, skipped.status)
	require.Empty(p.t, skipped.header.Get("traceresponse"))
	p.copy(key, body)
	for _, path := range []string{"/livez", "/readyz", "/api/v1/health", "/metrics", "/", "/login", "/nowhere"} {
		p.traced("GET", path, "", "", "")
	}
	return delivery.Events[0].ID.String()
}

// copy has a processor copy an event, whose producer's span is the fifth, into another stream.
func (p *process) copy(key, body string) {
	p.t.Helper()
	client := p.client(key)
	for _, name := range []string{"invoices", "copies"} {
		_, err := client.CreateStream(p.t.Context(), core.StreamSpec{Name: name})
		require.NoError(p.t, err)
	}
	copying := core.ProcessorSpec{Destination: json.RawMessage(`{"type":"stream","stream":"copies"}`)}
	copying.Name = "copy"
	_, err := client.CreateProcessor(p.t.Context(), "invoices", copying)
	require.NoError(p.t, err)
	require.Equal(p.t, 202, p.traced("POST", "/api/v1/streams/invoices/events", key, parentOf(5, "01"), body).status)
	require.Eventually(p.t, func() bool {
		copies := p.traced("GET", "/api/v1/streams/copies/events", key, parentOf(4, "00"), "")
		return strings.Contains(copies.body, "event_type")
	}, patience, 10*time.Millisecond)
}

// lines holds that each line of the log about a path has a trace, and a request.
func (p *process) lines(message, path, trace string) {
	p.t.Helper()
	found := 0
	for text := range strings.Lines(p.stderr.String()) {
		var line struct {
			Msg, Path string
			Trace     string `json:"trace_id"`
			Request   string `json:"request_id"`
		}
		require.NoError(p.t, json.Unmarshal([]byte(text), &line), text)
		if line.Msg == message && strings.Contains(line.Path, path) {
			found++
			require.Equal(p.t, trace, line.Trace, text)
			require.NotEmpty(p.t, line.Request, text)
		}
	}
	require.NotZero(p.t, found)
}

// TestTelemetryIsOffUnlessItIsSetUp holds that a server says what its telemetry is, that
// one without any serves as ever, and that one whose collector is away says so once.
func TestTelemetryIsOffUnlessItIsSetUp(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	require.Contains(t, h.run(nil, "config").stdout, "\nTelemetry, by the variables of OpenTelemetry (OTEL_…): off;")
	on := h.run([]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_TRACES_SAMPLER=always_on"}, "config")
	require.Contains(t, on.stdout, ": on; traces go to http://127.0.0.1:1/v1/traces by http/protobuf, sampled: always_on\n")
	for _, command := range []string{"serve", "config"} {
		refused := h.run([]string{secret, anyone, "OTEL_TRACES_SAMPLER=sometimes"}, command)
		require.Equal(t, 2, refused.code, refused.stderr)
		require.Contains(t, refused.stderr, "eventflow: setting OTEL_TRACES_SAMPLER must be always_on, always_off, ")
	}

	server := h.serve("OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY=1", "OTEL_BSP_EXPORT_TIMEOUT=1", "EVENTFLOW_LOG_LEVEL=debug")
	key := h.key()
	server.settle(key)
	server.await(server.stderr, "(the collector cannot be reached)")
	server.traced("GET", "/api/v1/streams", key, "", "")
	require.Zero(t, server.stop())
	require.Equal(t, 1, strings.Count(server.stderr.String(), "collector"), server.stderr)

	off := newHome(t).serve("EVENTFLOW_LOG_LEVEL=debug", "EVENTFLOW_STORE=sqlite:"+t.TempDir())
	answer := off.traced("GET", "/api/v1/streams", "ef_test_x", parentOf(1, "01"), "")
	require.Equal(t, 401, answer.status)
	require.Empty(t, answer.header.Get("traceresponse"))
	require.Zero(t, off.stop())
	off.lines("request", "/streams", clientTrace)
}
