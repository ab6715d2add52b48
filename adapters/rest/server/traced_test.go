package server_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// notes is a trace that writes down what it is told.
type notes struct {
	mu    sync.Mutex
	text  strings.Builder
	lease core.ID
	// unfollowed counts the requests that nobody follows.
	unfollowed int
}

type notesKey struct{}

func (n *notes) note(format string, args ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintf(&n.text, format+"\n", args...)
}

// all returns the notes since the last time.
func (n *notes) all() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	defer n.text.Reset()
	return n.text.String()
}

func (n *notes) begin(method, route, parent, state string, _ time.Time) server.Trace {
	if strings.HasSuffix(route, "/stats") {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.unfollowed++
		return nil
	}
	n.note("%s %s %q %q", method, route, parent, state)
	return n
}

func (n *notes) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, notesKey{}, n)
}
func (n *notes) Header() string        { return "00-a-b-01" }
func (n *notes) Settles(lease core.ID) { n.note("settles %t", lease == n.leased()) }

func (n *notes) Delivered(d *core.Delivery) {
	n.note("delivered %d", len(d.Events))
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lease = d.Lease
}

func (n *notes) leased() core.ID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lease
}

func (n *notes) End(status int, org core.ID, requestID string) {
	n.note("%d %t %s", status, !org.IsZero(), requestID)
}

// noted is a log that notes the traces of those for whom it appends.
type noted struct {
	core.EventLog
	notes *notes
}

func (l *noted) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	for _, request := range core.RequestsOf(ctx) {
		l.notes.note("appends %t", request.Value(notesKey{}) == l.notes)
	}
	return l.EventLog.Append(ctx, at, batches)
}

// A request to a route is followed from its beginning to its answer, by whatever way
// it ends. Probes and addresses that are none are not.
func TestRequestsAreFollowed(t *testing.T) {
	t.Parallel()
	n := &notes{}
	f := start(t, func(o *server.Options, _ *fixture) { o.Trace = n.begin },
		withLog(func(log core.EventLog) core.EventLog { return &noted{log, n} }))
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	n.all()
	const path = "/api/v1/streams/:stream/events"
	posted := f.do("POST", ordersEvents, strings.NewReader(event("1")), "Traceparent: p", "Tracestate: s", "X-Request-Id: id")
	require.Equal(t, http.StatusAccepted, posted.StatusCode)
	require.Equal(t, "00-a-b-01", posted.Header.Get("Traceresponse"))
	require.Equal(t, "POST "+path+" \"p\" \"s\"\nappends true\n202 true id\n", n.all())

	require.Equal(t, 401, f.do("POST", ordersEvents, strings.NewReader(event("1")), "-", "X-Request-Id: id").StatusCode)
	require.Equal(t, "POST "+path+" \"\" \"\"\n401 false id\n", n.all(), "also one that is refused at the door")
	got, _ := f.raw(asking(ordersEvents, f.key, "X-Request-Id: id\r\nContent-Length: 3000000"))
	require.Equal(t, 413, got.StatusCode)
	require.Equal(t, "POST "+path+" \"\" \"\"\n413 true id\n", n.all(), "also one whose body does not come")

	polled := f.do("GET", groups+"/mail/events", nil, "X-Request-Id: id")
	require.Equal(t, 200, polled.StatusCode)
	require.Equal(t, "GET "+path[:len(path)-len("events")]+"consumer-groups/:group/events \"\" \"\"\ndelivered 1\n200 true id\n", n.all())
	for request, body := range map[string]string{
		"ack": `{"lease":%q}`, "nack": `{"lease":%q,"events":[{"offset":0}]}`, "offsets": `{"lease":%q,"offset":0}`,
	} {
		f.do("POST", groups+"/mail/"+request, strings.NewReader(fmt.Sprintf(body, n.leased())), "Content-Type: application/json")
		require.Contains(t, n.all(), "settles true\n", request)
	}

	for _, path := range []string{"/livez", "/readyz", "/metrics", "/api/v1/health", "/", "/nothing", "/api/v1/nothing"} {
		require.Empty(t, f.do("GET", path, nil).Header.Get("Traceresponse"), path)
	}
	require.Empty(t, n.all())
	require.Empty(t, f.do("GET", "/api/v1/streams/orders/stats", nil).Header.Get("Traceresponse"))
	require.Empty(t, n.all())
	n.mu.Lock()
	defer n.mu.Unlock()
	require.Equal(t, 1, n.unfollowed)
}
