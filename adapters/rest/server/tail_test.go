package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
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
	require.NotContains(t, read(live, "id: 4\n"), "id: 3", "without a place to resume, a tail begins at the end")
	for _, bad := range []string{"4000", "-1", "x", "99999999999999999999"} {
		got := f.do("GET", rest.StreamEventsPath("orders")+"/live", nil, "Last-Event-ID: "+bad)
		require.Equal(t, core.CodeValidation, got.problem(t).Code, bad)
	}
}

func TestASlowTailIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.publish("orders", 10_000)
	f.publish("orders", 2_000)
	var skipped int64
	first := core.Offset(0)
	next := core.Offset(1)
	for item, err := range f.client.Tail(t.Context(), "orders", rest.TailOptions{After: &first}) {
		require.NoError(t, err)
		if item.Skipped > 0 {
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
}
