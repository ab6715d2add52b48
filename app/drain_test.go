package app_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// wire is a connection on which a request is sent in parts.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (p *process) dial() wire {
	p.t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(p.t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(p.t, conn.SetDeadline(time.Now().Add(patience)))
	return wire{p.t, conn, bufio.NewReader(conn)}
}

func (w wire) send(text string) {
	w.t.Helper()
	_, err := io.WriteString(w.conn, text)
	require.NoError(w.t, err)
}

func (w wire) receive() answer {
	w.t.Helper()
	response, err := http.ReadResponse(w.in, nil)
	require.NoError(w.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	return answer{response.StatusCode, response.Header, string(body), response.Close}
}

// half begins to send an event and returns the rest of the request. The server
// is in the middle of it then: it has asked for the body.
func (w wire) half(key, payload string) (rest string) {
	w.t.Helper()
	body := `{"event_type":"order.paid","payload":` + payload + `}`
	w.send(fmt.Sprintf("POST /api/v1/streams/orders/events HTTP/1.1\r\nHost: test\r\nX-API-Key: %s\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", key, len(body)))
	require.Equal(w.t, 100, w.receive().status)
	w.send(body[:20])
	return body[20:]
}

// refuses waits until the server takes no connections any more.
func (p *process) refuses() {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		conn, err := net.DialTimeout("tcp", strings.TrimPrefix(p.url, "http://"), time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, patience, 5*time.Millisecond)
}

// TestAStoppingServerKeepsItsPromises holds that SIGTERM lets the requests in
// flight finish: they are acknowledged, what was acknowledged is in the log of
// the next server, and meanwhile the server says that it is not ready.
func TestAStoppingServerKeepsItsPromises(t *testing.T) {
	t.Parallel()
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, store := newHome(t), store(t)
			server := h.serve(store, "EVENTFLOW_READ_TIMEOUT=10m") // for clients on a busy machine
			key := h.key(store)
			_, err := server.client(key).CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
			require.NoError(t, err)
			receipts := drain(t, server, key)
			require.Zero(t, server.exit(), server.stderr)

			again := h.serve(store).client(key)
			for payload, receipt := range receipts {
				event, err := again.Event(t.Context(), "orders", receipt.ID.String())
				require.NoError(t, err)
				require.Equal(t, receipt.Offset, event.Offset)
				require.Equal(t, payload, string(event.Payload))
			}
			stats, err := again.StreamStats(t.Context(), "orders")
			require.NoError(t, err)
			require.EqualValues(t, len(receipts), stats.Events)
		})
	}
}

// drain stops the server with requests in flight, and returns the receipts of
// what they sent, by payload.
func drain(t *testing.T, server *process, key string) map[string]core.Receipt {
	t.Helper()
	probe := server.dial() // accepted before the next ones, which are answered
	probe.send("GET /readyz HTTP/1.1\r\nHo")
	inFlight, rests := map[string]wire{}, map[string]string{}
	for i := range 8 {
		payload := fmt.Sprintf(`{"n": %d.0}`, i)
		inFlight[payload] = server.dial()
		rests[payload] = inFlight[payload].half(key, payload)
	}
	require.NoError(t, server.cmd.Process.Signal(syscall.SIGTERM))
	server.refuses()

	probe.send("st: test\r\n\r\n")
	ready := probe.receive()
	require.Equal(t, 503, ready.status)
	require.Contains(t, ready.body, "is stopping")

	receipts := map[string]core.Receipt{}
	for payload, request := range inFlight {
		request.send(rests[payload])
		got := request.receive()
		require.Equal(t, 202, got.status, got.body)
		require.True(t, got.last, "the client looks for another server")
		var receipt core.Receipt
		require.NoError(t, json.Unmarshal([]byte(got.body), &receipt))
		receipts[payload] = receipt
	}
	return receipts
}

// TestAStopWaitsNoLongerThanItIsTold holds that a client that never finishes
// its request does not keep the server from ending.
func TestAStopWaitsNoLongerThanItIsTold(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve("EVENTFLOW_DRAIN_TIMEOUT=50ms", "EVENTFLOW_READ_TIMEOUT=10m")
	key := h.key()
	_, err := server.client(key).CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	server.dial().half(key, `{}`)
	require.Equal(t, 1, server.stop(), "requests were cut off, and the exit code says so")
	require.Contains(t, server.stderr.String(), "eventflow: requests were cut off after the drain-timeout of 50ms")
}
