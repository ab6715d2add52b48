package server_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// fill stores n events; every second one is of type b, and every payload is
// {"n": i, "user": {"id": "u<i mod 3>"}}.
func (f *fixture) fill(stream string, n int) {
	f.t.Helper()
	events := make([]rest.NewEvent, n)
	for i := range events {
		events[i] = rest.NewEvent{
			Type: string(rune('a' + i%2)), Subject: "=cmd()", Payload: fmt.Appendf(nil, "{\"n\":%d,\n\"user\":{\"id\":\"u%d\"}}", i, i%3),
		}
	}
	result, err := f.client.PublishBatch(context.Background(), stream, events)
	require.NoError(f.t, err)
	require.Equal(f.t, n, result.Accepted)
}

func offsets(t testing.TB, body []byte) []int64 {
	t.Helper()
	var page rest.List[core.Event]
	require.NoError(t, json.Unmarshal(body, &page), "%s", body)
	found := []int64{}
	for _, item := range page.Items {
		found = append(found, int64(item.Offset))
	}
	return found
}

func TestEventsAreFiltered(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.fill("orders", 8)
	for query, expected := range map[string][]int64{
		"":                                  {0, 1, 2, 3, 4, 5, 6, 7},
		"?type=b":                           {1, 3, 5, 7},
		"?after=5":                          {6, 7},
		"?order=desc&limit=3":               {7, 6, 5},
		"?order=asc&limit=2":                {0, 1},
		"?payload.user.id=u1":               {1, 4, 7},
		"?payload.user.id=u1&payload.n=4":   {4},
		"?subject=%3Dcmd%28%29&limit=1":     {0},
		"?source=nobody":                    {},
		"?from=2999-01-01T00:00:00Z":        {},
		"?to=2999-01-01T00:00:00+01:00":     {0, 1, 2, 3, 4, 5, 6, 7},
		"?to=2999-01-01T00:00:00%2B01:00":   {0, 1, 2, 3, 4, 5, 6, 7},
		"?type=%27%20OR%201%3D1--":          {},
		"?after=9223372036854775806&type=a": {},
	} {
		got := f.do("GET", "/api/v1/streams/orders/events"+query, nil)
		require.Equal(t, http.StatusOK, got.StatusCode, "%s %s", query, got.body)
		require.Equal(t, expected, offsets(t, got.body), query)
	}
}

func TestPagesLeadToTheNext(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("another")
	f.stream("x>y")
	f.fill("x>y", 13)
	for _, path := range []string{"/api/v1/streams/x%3Ey/events?limit=3&payload.user.id=u0", "/api/v1/events?limit=2", "/api/v1/streams?limit=1"} {
		pages := 0
		for next := path; next != ""; pages++ {
			got := f.do("GET", next, nil)
			require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
			var page rest.List[json.RawMessage]
			require.NoError(t, json.Unmarshal(got.body, &page))
			link := got.Header.Get("Link")
			require.Equal(t, page.Pagination.HasMore, link != "")
			require.Equal(t, page.Pagination.HasMore, page.Pagination.NextCursor != "")
			next, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), `>; rel="next"`)
			require.Less(t, pages, 10)
		}
		require.Greater(t, pages, 1)
	}
}

func TestExportsHoldEveryEvent(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.fill("orders", 2500)
	got := f.do("GET", "/api/v1/streams/orders/events/export", nil)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Equal(t, rest.TypeNDJSON, got.Header.Get("Content-Type"))
	lines := strings.Split(strings.TrimSuffix(string(got.body), "\n"), "\n")
	require.Len(t, lines, 2500)
	for i, line := range lines {
		var event core.Event
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		require.EqualValues(t, i, event.Offset)
	}

	got = f.do("GET", "/api/v1/events/export?format=csv&type=b", nil)
	require.Equal(t, http.StatusOK, got.StatusCode, "%s", got.body)
	require.Equal(t, rest.TypeCSV, got.Header.Get("Content-Type"))
	require.Contains(t, got.Header.Get("Content-Disposition"), "attachment")
	records, err := csv.NewReader(strings.NewReader(string(got.body))).ReadAll()
	require.NoError(t, err)
	require.Len(t, records, 1251)
	require.Equal(t, "event_id", records[0][0])
	require.Equal(t, "b", records[1][3])
	require.Equal(t, "'=cmd()", records[1][8], "a spreadsheet must not take it for a formula")
	require.JSONEq(t, `{"n":1,"user":{"id":"u1"}}`, records[1][9])

	got = f.do("HEAD", "/api/v1/streams/orders/events/export", nil)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Empty(t, got.body)
	got = f.do("GET", "/api/v1/streams/nowhere/events/export", nil)
	require.Equal(t, core.CodeNotFound, got.problem(t).Code)
}

// failingReads is storage that can be read once.
type failingReads struct {
	core.EventLog
	reads chan struct{}
}

func (l failingReads) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	select {
	case l.reads <- struct{}{}:
		return l.EventLog.Read(ctx, stream, scan)
	default:
		return nil, errors.New("the disk is gone")
	}
}

func TestAnExportThatBreaksOffDoesNotLookComplete(t *testing.T) {
	t.Parallel()
	for reads, check := range map[int]func(*testing.T, *fixture){
		0: func(t *testing.T, f *fixture) {
			got := f.do("GET", "/api/v1/streams/orders/events/export", nil)
			require.Equal(t, 500, got.StatusCode)
		},
		1: func(t *testing.T, f *fixture) {
			body, err := f.client.Export(context.Background(), "orders", core.EventQuery{}, rest.FormatNDJSON)
			require.NoError(t, err)
			defer body.Close()
			_, err = io.ReadAll(body)
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		},
	} {
		t.Run(fmt.Sprint(reads), func(t *testing.T) {
			t.Parallel()
			f := start(t, withLog(func(log core.EventLog) core.EventLog {
				return failingReads{log, make(chan struct{}, reads)}
			}))
			f.stream("orders")
			f.fill("orders", 1500)
			check(t, f)
		})
	}
}
