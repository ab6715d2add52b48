package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// live opens a tail.
func (f *fixture) live(stream, query string, headers ...string) io.Reader {
	f.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+f.address+rest.StreamEventsPath(stream)+"/live"+query, nil)
	require.NoError(f.t, err)
	request.Header.Set("X-API-Key", f.key)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { response.Body.Close() })
	require.Equal(f.t, http.StatusOK, response.StatusCode)
	require.Equal(f.t, rest.TypeEventStream, response.Header.Get("Content-Type"))
	require.Equal(f.t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	return response.Body
}

func TestATailResumesAndFilters(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for _, kind := range []string{"a", "b", "a", "b"} {
		_, err := f.client.Publish(context.Background(), "orders", rest.NewEvent{Type: kind, Payload: json.RawMessage("{\n\"x\": 1\r\n}")})
		require.NoError(t, err)
	}
	read := func(live io.Reader, until string) string {
		var all []byte
		for !strings.Contains(string(all), until) {
			b := make([]byte, 1000)
			n, err := live.Read(b)
			require.NoError(t, err)
			all = append(all, b[:n]...)
		}
		return string(all)
	}
	got := read(f.live("orders", "?type=a", "Last-Event-ID: 0"), "\n\nid: 2\n")
	require.NotContains(t, got, `"offset":1`)
	require.NotContains(t, got, "\"x\":\n", "a message is one line")
	live := f.live("orders", "")
	f.publish("orders", 1)
	require.NotContains(t, read(live, "id: 4\ndata"), "id: 3\ndata", "without a place to resume, a tail begins at the end")
	for _, bad := range []string{"5", "4000", "-2", "x", "99999999999999999999"} {
		for field, got := range map[string]reply{
			"Last-Event-ID": f.do("GET", rest.StreamEventsPath("orders")+"/live", nil, "Last-Event-ID: "+bad),
			"after":         f.do("GET", rest.StreamEventsPath("orders")+"/live?after="+bad, nil),
		} {
			require.Equal(t, core.CodeValidation, got.problem(t).Code, bad)
			require.Equal(t, field, got.problem(t).Details[0].Field)
		}
	}
}

// However much there is, a tail begins where it was told to.
func TestATailBeginsWhereItIsTold(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.publish("orders", 10_000)
	f.publish("orders", 2_000)
	next := core.Offset(0)
	for item, err := range f.client.Tail(t.Context(), "orders", rest.TailOptions{After: new(core.Offset(-1))}) {
		require.NoError(t, err)
		require.Zero(t, item.Skipped)
		require.Equal(t, next, item.Event.Offset)
		if next++; next == 12_000 {
			break
		}
	}
}

// Who wants to be near the end is told how much was left out.
func TestASlowTailIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.publish("orders", 10_000)
	f.publish("orders", 2_000)
	var skipped int64
	first := core.Offset(0)
	next := core.Offset(1)
	for item, err := range f.client.Tail(t.Context(), "orders", rest.TailOptions{After: &first, MaxBehind: 10_000}) {
		require.NoError(t, err)
		if item.Skipped > 0 {
			require.Equal(t, rest.SkippedBehind, item.Reason)
			skipped += item.Skipped
			next += core.Offset(item.Skipped)
			continue
		}
		require.Equal(t, next, item.Event.Offset, "after what was skipped nothing is missing")
		if next++; next == 12_000 {
			break
		}
	}
	require.Positive(t, skipped)
	for _, bad := range []string{"0", "-1", "x"} {
		got := f.do("GET", rest.StreamEventsPath("orders")+"/live?max_behind="+bad, nil)
		require.Equal(t, "max_behind", got.problem(t).Details[0].Field)
	}
}

// A browser that comes back names the last id that it was told. It is told one at
// once, and with every sign of life, and before what retention took away.
func TestATailSaysWhereItIs(t *testing.T) {
	t.Parallel()
	f := start(t)
	id := f.stream("orders").ID
	require.Equal(t, []string{"retry: 1000", "id: -1", ""}, lines(t, f.live("orders", ""), 3))
	require.Equal(t, []string{"retry: 1000", "id: -1", ""}, lines(t, f.live("orders", "", "Last-Event-ID: -1"), 3))
	entries := make([]core.Entry, 5)
	for i := range entries {
		entries[i].Event = core.Event{ID: newID(), Type: "made", Payload: []byte("1")}
	}
	require.NoError(t, f.log.Append(t.Context(), time.Now().Add(-72*time.Hour).UTC().Truncate(time.Microsecond), []core.Batch{{Org: f.org, Stream: id, Entries: entries}}))
	require.Equal(t, []string{"retry: 1000", "id: 4", ""}, lines(t, f.live("orders", "?type=none"), 3))
	require.NoError(t, f.log.Trim(t.Context(), id, time.Now()))
	f.publish("orders", 1)
	require.Equal(t, []string{
		"retry: 1000", "id: -1", "", "id: 4", "event: skipped", `data: {"skipped":5,"reason":"retention","next_offset":5}`, "", "id: 5",
	}, lines(t, f.live("orders", "?after=-1"), 8))
}

// A tail whose filter matches nothing says how far it has looked with every sign of
// life.
func TestAQuietTailSaysHowFarItLooked(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	live := f.live("orders", "?type=none")
	f.publish("orders", 7)
	require.Equal(t, []string{"retry: 1000", "id: -1", "", ": alive", "id: 6", ""}, lines(t, live, 6))
}

// A client that reads nothing is let go, and its tail holds little until then.
func TestATailThatNobodyReadsEnds(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{WriteTimeout: 200 * time.Millisecond}))
	f.stream("orders")
	f.live("orders", "")
	require.Eventually(t, func() bool { return f.server.Tails.Open() == 1 }, patience, time.Millisecond)
	payload := json.RawMessage(`"` + strings.Repeat("x", 900<<10) + `"`)
	require.Eventually(t, func() bool {
		_, err := f.client.Publish(t.Context(), "orders", rest.NewEvent{Type: "a", Payload: payload})
		require.NoError(t, err)
		return f.server.Tails.Open() == 0
	}, 60*time.Second, time.Millisecond)
}

// lines reads the first lines of a tail.
func lines(t *testing.T, live io.Reader, n int) (all []string) {
	t.Helper()
	scanner := bufio.NewScanner(live)
	for len(all) < n && scanner.Scan() {
		all = append(all, scanner.Text())
	}
	require.NoError(t, scanner.Err())
	return all
}
