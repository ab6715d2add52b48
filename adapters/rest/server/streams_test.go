package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Moving a stream is for admins, names a shard, and is refused where there is one only.
func TestAMoveIsAskedFor(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	_, err := f.client.MoveStream(t.Context(), "orders", 1)
	require.ErrorContains(t, err, "shard: must be 0: the store has one shard")
	_, err = f.client.MoveStream(t.Context(), "orders", 0)
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
	got := f.do("POST", "/api/v1/streams/orders/move", strings.NewReader(`{}`))
	require.Equal(t, "shard", got.problem(t).Details[0].Field)
	_, err = rest.NewClient("http://"+f.address, f.newKey(core.RoleDeveloper)).MoveStream(t.Context(), "orders", 0)
	require.Equal(t, core.CodeForbidden, core.CodeOf(err))
	got = f.do("POST", "/api/v1/streams", strings.NewReader(`{"name":"pinned","shard":1}`))
	require.Equal(t, "shard", got.problem(t).Details[0].Field)
	got = f.do("POST", "/api/v1/streams", strings.NewReader(`{"name":"pinned","shard":0}`))
	require.Equal(t, http.StatusCreated, got.StatusCode)
}

func TestAStreamLivesAndDies(t *testing.T) {
	t.Parallel()
	f := start(t)
	got := f.do("POST", "/api/v1/streams", strings.NewReader(`{"name":"orders","description":"all of them","retention_days":7,"schema":{"required":["id"]}}`))
	require.Equal(t, http.StatusCreated, got.StatusCode, "%s", got.body)
	require.Equal(t, `"1"`, got.Header.Get("ETag"))
	var stream core.Stream
	require.NoError(t, json.Unmarshal(got.body, &stream))
	require.Equal(t, 7, stream.RetentionDays)
	location := got.Header.Get("Location")
	require.Equal(t, "/api/v1/streams/"+stream.ID.String(), location)

	got = f.do("POST", "/api/v1/streams", strings.NewReader(`{"name":"orders"}`))
	require.Equal(t, core.CodeConflict, got.problem(t).Code)

	for _, stale := range []string{`"2"`, `W/"2"`, `"abc"`, `"01"`, `"2", "3"`} {
		got = f.do("PATCH", location, strings.NewReader(`{"description":"x"}`), "If-Match: "+stale)
		require.Equal(t, core.CodePreconditionFailed, got.problem(t).Code, stale)
	}
	for _, broken := range []string{`1`, `"1`, `"1" "2"`, `"`, `W/`, `W/1`, `"1", *`} {
		got = f.do("PATCH", location, strings.NewReader(`{"description":"x"}`), "If-Match: "+broken)
		require.Equal(t, "If-Match", got.problem(t).Details[0].Field, broken)
	}
	got = f.do("PATCH", location, strings.NewReader(`{"description":"fewer","schema":null}`), `If-Match: W/"1"`)
	require.Equal(t, http.StatusOK, got.StatusCode, "a proxy that compresses makes tags weak: %s", got.body)
	require.Equal(t, `"2"`, got.Header.Get("ETag"))
	require.NotContains(t, string(got.body), "schema")
	got = f.do("PATCH", location, strings.NewReader(`{"retention_days":9}`), `If-Match: *`)
	require.Equal(t, http.StatusOK, got.StatusCode)
	require.Contains(t, string(got.body), "fewer", "what the request does not name stays")

	got = f.do("PATCH", location, strings.NewReader(`{"retention_bytes":20000000000,"retention_events":5}`))
	require.Contains(t, string(got.body), `"retention_bytes":20000000000,"retention_events":5`)
	got = f.do("PATCH", location, strings.NewReader(`{"retention_bytes":0}`))
	require.NotContains(t, string(got.body), "retention_bytes", "0 removes the bound")
	require.Contains(t, string(got.body), `"retention_events":5`)
	kept, err := f.client.StreamRetention(t.Context(), stream.ID.String())
	require.NoError(t, err)
	require.Equal(t, core.StreamRetention{RetentionDays: 9, RetentionEvents: 5}, kept)

	got = f.do("DELETE", location, nil, `If-Match: "2"`)
	require.Equal(t, http.StatusPreconditionFailed, got.StatusCode)
	got = f.do("DELETE", location, nil)
	require.Equal(t, http.StatusNoContent, got.StatusCode)
	require.Empty(t, got.body)
	for _, method := range []string{"GET", "DELETE"} {
		got = f.do(method, location, nil)
		require.Equal(t, core.CodeNotFound, got.problem(t).Code)
	}
}

func TestNamesOfStreamsArePercentEncoded(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, name := range []string{"with space", "ümläut ☃", "a%2Fb", "50%", "a?b#c", "events", "a:b;c,d+e", "..."} {
		f.stream(name)
		stream, err := f.client.Stream(context.Background(), name)
		require.NoError(t, err, name)
		require.Equal(t, name, stream.Name)
		got := f.do("POST", "/api/v1/streams/"+url.PathEscape(name)+"/events", strings.NewReader(event("1")))
		require.Equal(t, http.StatusAccepted, got.StatusCode, "%s: %s", name, got.body)
		require.EqualValues(t, 1, f.events(name))
	}
	for path, code := range map[string]core.Code{
		"/api/v1/streams/..%2f..%2fetc%2fpasswd": core.CodeNotFound,
		"/api/v1/streams/%2e%2e/events":          core.CodeNotFound,
		"/api/v1/streams/%00":                    core.CodeNotFound,
		"/api/v1/streams/%ff%fe":                 core.CodeNotFound,
		"/api/v1/streams//events":                core.CodeNotFound,
	} {
		got := f.do("GET", path, nil)
		require.Equal(t, code, got.problem(t).Code, path)
	}
}

// The list of those whose names begin with something goes on by its own cursors
// and its Link, with and without numbers, and takes what is written as text.
func TestStreamsAreListedByPrefix(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, name := range []string{"a%", "a%b", "a%c", "a_b", "ab", "A%", "b"} {
		f.stream(name)
	}
	wanted := []string{"a%", "a%b", "a%c"}
	query := core.StreamQuery{Prefix: "a%", Limit: 1}
	for _, name := range wanted {
		page, err := f.client.StreamsPage(context.Background(), query)
		require.NoError(t, err)
		overview, err := f.client.StreamOverviews(context.Background(), query)
		require.NoError(t, err)
		require.Equal(t, name, page.Items[0].Name)
		require.Equal(t, name, overview.Items[0].Name)
		require.Equal(t, page.Pagination, overview.Pagination)
		query.Cursor = page.Pagination.NextCursor
	}
	require.Empty(t, query.Cursor, "that was the last")
	got := f.do("GET", "/api/v1/streams?prefix=a%25&limit=2", nil)
	require.Regexp(t, `^</api/v1/streams\?cursor=[^&]+&limit=2&prefix=a%25>; rel="next"$`, got.Header.Get("Link"))
	for query, field := range map[string]string{"prefix=": "prefix", "prefix=a&prefix=b": "prefix", "prefix=%ff": "prefix", "prefix=" + strings.Repeat("a", 129): "prefix"} {
		got := f.do("GET", "/api/v1/streams?"+query, nil)
		require.Equal(t, field, got.problem(t).Details[0].Field, query)
	}
}

func TestTheClientManagesStreams(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx := context.Background()
	for i := range 60 {
		f.stream(fmt.Sprintf("s-%02d", i))
	}
	names := []string{}
	for stream, err := range f.client.Streams(ctx) {
		require.NoError(t, err)
		names = append(names, stream.Name)
	}
	require.Len(t, names, 60)
	require.True(t, slices.IsSorted(names))

	days, name := 3, "renamed"
	stream, err := f.client.ChangeStream(ctx, "s-00", core.StreamChange{Name: &name, RetentionDays: &days, Schema: json.RawMessage(`{"required":["a"]}`)}, 1)
	require.NoError(t, err)
	require.Equal(t, []any{"renamed", 3, int64(2)}, []any{stream.Name, stream.RetentionDays, stream.Revision})
	stream, err = f.client.ChangeStream(ctx, name, core.StreamChange{RetentionDays: &days}, 0)
	require.NoError(t, err)
	require.NotEmpty(t, stream.Schema, "what a change does not name stays")
	_, err = f.client.ChangeStream(ctx, name, core.StreamChange{}, 1)
	require.Equal(t, core.CodePreconditionFailed, core.CodeOf(err))
	var answered *rest.Error
	require.ErrorAs(t, err, &answered)
	require.Equal(t, 412, answered.Status)
	require.NotEmpty(t, answered.RequestID)
	require.NoError(t, f.client.DeleteStream(ctx, name, 3))
	_, err = f.client.Stream(ctx, name)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))

	canceled, cancel := context.WithCancel(ctx)
	cancel()
	_, err = f.client.Stream(canceled, "s-01")
	require.ErrorIs(t, err, context.Canceled)
	for _, err := range rest.NewClient("http://"+f.address, "wrong").Streams(ctx) {
		require.Equal(t, core.CodeUnauthorized, core.CodeOf(err))
	}
}
