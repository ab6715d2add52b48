package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

const (
	ordersEvents = "/api/v1/streams/orders/events"
	ordersBatch  = ordersEvents + "/batch"
)

// bad is a request that must be refused.
type bad struct {
	method, path, body string
	headers            []string
	status             int
	code               core.Code
	field              string
}

func badBodies() map[string]bad {
	cases := map[string]bad{}
	for name, body := range map[string]string{
		"empty":             ``,
		"white space":       ` `,
		"no json":           `hello`,
		"cut off":           `{"event_type":"a","payload":`,
		"trailing brace":    event("1") + `}`,
		"two values":        event("1") + event("1"),
		"array":             `[` + event("1") + `]`,
		"null":              `null`,
		"byte order mark":   "\xef\xbb\xbf" + event("1"),
		"utf-16":            "\xff\xfe{\x00}\x00",
		"overlong":          event("\"\xc0\xaf\""),
		"bad utf-8":         event("\"\xff\""),
		"lone surrogate":    event(`"\ud800"`),
		"raw control":       event("\"\x01\""),
		"raw nul":           event("\"\x00\""),
		"deep":              event(strings.Repeat("[", 5000) + strings.Repeat("]", 5000)),
		"long number":       event(strings.Repeat("9", 5000)),
		"infinite":          event(`1e999`),
		"not a number":      event(`NaN`),
		"leading zero":      event(`01`),
		"comment":           event(`1/**/`),
		"twin keys":         event(`{"a":1,"a":2}`),
		"escaped twin keys": event(`{"a":1,"\u0061":2}`),
		"twin fields":       `{"event_type":"a","event_type":"b","payload":1}`,
		"other case":        `{"Event_Type":"a","payload":1}`,
		"unknown field":     `{"event_type":"a","payload":1,"prio":1}`,
		"server's field":    `{"event_type":"a","payload":1,"offset":0}`,
		"no type":           `{"payload":1}`,
		"no payload":        `{"event_type":"a"}`,
		"type a number":     `{"event_type":1,"payload":1}`,
		"type empty":        `{"event_type":"","payload":1}`,
		"type too long":     `{"event_type":"` + strings.Repeat("a", 256) + `","payload":1}`,
		"version zero":      `{"event_type":"a","payload":1,"event_version":0}`,
		"version huge":      `{"event_type":"a","payload":1,"event_version":2147483648}`,
		"time absurd":       `{"event_type":"a","payload":1,"occurred_at":"yesterday"}`,
		"context values":    `{"event_type":"a","payload":1,"context":{"a":1}}`,
	} {
		cases["body "+name] = bad{"POST", ordersEvents, body, nil, 400, core.CodeValidation, ""}
		cases["validate "+name] = bad{"POST", "/api/v1/streams/orders/validate", body, nil, 400, core.CodeValidation, ""}
	}
	for name, body := range map[string]string{
		"empty": ``, "no array": event("1"), "empty array": `[]`, "cut off": `[` + event("1"), "trailing": `[]x`,
		"too many": `[` + strings.Repeat(`1,`, 10_000) + `1]`,
	} {
		cases["batch "+name] = bad{method: "POST", path: ordersBatch, body: body, status: 400, code: core.CodeValidation}
	}
	cases["batch too many"] = bad{method: "POST", path: ordersBatch, body: `[` + strings.Repeat(`1,`, 10_000) + `1]`}
	for name, body := range map[string]string{
		"empty": ``, "a list": `[]`, "no name": `{}`, "other case": `{"Name":"x"}`, "unknown": `{"name":"x","color":1}`,
		"name a number": `{"name":1}`, "name a slash": `{"name":"a/b"}`, "name a uuid": `{"name":"0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f"}`,
		"fraction": `{"name":"x","retention_days":1.5}`, "retention zero": `{"name":"x","retention_days":0}`,
		"bytes negative": `{"name":"x","retention_bytes":-1}`, "bytes a text": `{"name":"x","retention_bytes":"1 GB"}`,
		"bytes fraction": `{"name":"x","retention_bytes":0.5}`, "bytes huge": `{"name":"x","retention_bytes":99999999999999999999}`,
		"events negative": `{"name":"x","retention_events":-1}`, "events too many": `{"name":"x","retention_events":1125899906842625}`,
		"schema": `{"name":"x","schema":[1]}`, "twins": `{"name":"x","name":"y"}`,
	} {
		cases["stream "+name] = bad{"POST", "/api/v1/streams", body, nil, 400, core.CodeValidation, ""}
	}
	return cases
}

func badRequests() map[string]bad {
	cases := badBodies()
	for name, query := range map[string]string{
		"limit zero": "limit=0", "limit too large": "limit=1001", "limit a word": "limit=ten", "limit signed": "limit=%2B5",
		"limit huge": "limit=99999999999999999999", "after negative": "after=-2", "after beyond the end": "after=10", "after signed": "after=%2B1", "after a word": "after=x",
		"after huge": "after=9223372036854775808", "after largest": "after=9223372036854775807", "order": "order=up",
		"from": "from=yesterday", "from hour": "from=2026-01-31T9:30:00Z", "from comma": "from=2026-01-31T09:30:00,5Z", "to": "to=2026-13-01T00:00:00Z", "type empty": "type=", "type nul": "type=%00", "type bytes": "type=%ff",
		"cursor": "cursor=AAAA", "cursor long": "cursor=" + strings.Repeat("A", 4000), "limit twice": "limit=1&limit=1",
		"unknown": "color=red", "key in the address": "api_key=x", "format of a list": "format=csv",
		"to before from": "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
	} {
		field, _, _ := strings.Cut(query, "=")
		if name == "to before from" {
			field = "to"
		}
		cases["query "+name] = bad{"GET", ordersEvents + "?" + query, "", nil, 400, core.CodeValidation, field}
	}
	maps.Copy(cases, map[string]bad{
		"query encoding":         {"GET", ordersEvents + "?type=%zz", "", nil, 400, core.CodeValidation, "query"},
		"payload without path":   {"GET", ordersEvents + "?payload.=1", "", nil, 400, core.CodeValidation, "payload."},
		"payload path":           {"GET", ordersEvents + "?payload.%22a=1", "", nil, 400, core.CodeValidation, `payload."a`},
		"payload too often":      {"GET", ordersEvents + "?" + manyPayloads(11), "", nil, 400, core.CodeValidation, "payload"},
		"after over all":         {"GET", "/api/v1/events?after=1", "", nil, 400, core.CodeValidation, "after"},
		"export format":          {"GET", ordersEvents + "/export?format=xml", "", nil, 400, core.CodeValidation, "format"},
		"export cursor":          {"GET", ordersEvents + "/export?cursor=x", "", nil, 400, core.CodeValidation, "cursor"},
		"streams cursor":         {"GET", "/api/v1/streams?cursor=x", "", nil, 400, core.CodeValidation, "cursor"},
		"parameter nowhere used": {"POST", ordersEvents + "?X-API-Key=x", event("1"), nil, 400, core.CodeValidation, "X-API-Key"},
		"event id":               {"GET", ordersEvents + "/17", "", nil, 400, core.CodeValidation, "event_id"},
		"unknown event":          {"GET", ordersEvents + "/0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f", "", nil, 404, core.CodeNotFound, ""},
		"unknown stream":         {"POST", "/api/v1/streams/nowhere/events", event("1"), nil, 404, core.CodeNotFound, ""},
		"unknown address":        {"GET", "/api/v2/streams", "", nil, 404, core.CodeNotFound, ""},
		"trailing slash":         {"GET", "/api/v1/streams/", "", nil, 404, core.CodeNotFound, ""},
		"method":                 {"PUT", ordersEvents, event("1"), nil, 405, core.CodeMethodNotAllowed, ""},
		"unknown method":         {"BREW", ordersEvents, "", nil, 405, core.CodeMethodNotAllowed, ""},
		"media type":             {"POST", ordersEvents, event("1"), []string{"Content-Type: text/plain"}, 415, core.CodeUnsupportedMedia, "Content-Type"},
		"form":                   {"POST", ordersEvents, event("1"), []string{"Content-Type: application/x-www-form-urlencoded"}, 415, core.CodeUnsupportedMedia, "Content-Type"},
		"multipart":              {"POST", ordersEvents, event("1"), []string{"Content-Type: multipart/form-data; boundary=x"}, 415, core.CodeUnsupportedMedia, "Content-Type"},
		"charset":                {"POST", ordersEvents, event("1"), []string{"Content-Type: application/json; charset=latin1"}, 415, core.CodeUnsupportedMedia, "Content-Type"},
		"ndjson for one":         {"POST", ordersEvents, event("1"), []string{"Content-Type: application/x-ndjson"}, 415, core.CodeUnsupportedMedia, "Content-Type"},
		"brotli":                 {"POST", ordersEvents, event("1"), []string{"Content-Encoding: br"}, 415, core.CodeUnsupportedMedia, "Content-Encoding"},
		"gzip twice":             {"POST", ordersEvents, event("1"), []string{"Content-Encoding: gzip, gzip"}, 415, core.CodeUnsupportedMedia, "Content-Encoding"},
		"key header in a batch":  {"POST", ordersBatch, "[" + event("1") + "]", []string{"Idempotency-Key: x"}, 400, core.CodeValidation, "Idempotency-Key"},
		"key header too long":    {"POST", ordersEvents, event("1"), []string{"Idempotency-Key: " + strings.Repeat("x", 300)}, 400, core.CodeValidation, ""},
		"no key":                 {"POST", ordersEvents, event("1"), []string{"-"}, 401, core.CodeUnauthorized, ""},
		"bad key":                {"POST", ordersEvents, event("1"), []string{"X-API-Key: ef_live_x"}, 401, core.CodeUnauthorized, ""},
		"two credentials":        {"POST", ordersEvents, event("1"), []string{"Authorization: Bearer other"}, 401, core.CodeUnauthorized, ""},
		"other scheme":           {"POST", ordersEvents, event("1"), []string{"-", "Authorization: Basic eDp5"}, 401, core.CodeUnauthorized, ""},
		"too large":              {"POST", ordersEvents, event(`"` + strings.Repeat("a", 1<<20) + `"`), nil, 413, core.CodePayloadTooLarge, "body"},
		"10 MB":                  {"POST", ordersEvents, strings.Repeat("a", 10<<20), nil, 413, core.CodePayloadTooLarge, "body"},
		"batch too large":        {"POST", ordersBatch, strings.Repeat(" ", 16<<20+1), nil, 413, core.CodePayloadTooLarge, "body"},
		"stream too large":       {"POST", "/api/v1/streams", strings.Repeat(" ", 1<<20+1), nil, 413, core.CodePayloadTooLarge, "body"},
	})
	return cases
}

func manyPayloads(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "payload.a%d=1&", i)
	}
	return strings.TrimSuffix(b.String(), "&")
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for name, c := range badRequests() {
		t.Run(name, func(t *testing.T) {
			got := f.do(c.method, c.path, strings.NewReader(c.body), c.headers...)
			problem := got.problem(t)
			if c.status == 0 {
				require.GreaterOrEqual(t, got.StatusCode, 400)
				require.Less(t, got.StatusCode, 500)
				return
			}
			require.Equal(t, c.status, got.StatusCode, "%s", got.body)
			require.Equal(t, c.code, problem.Code)
			require.NotEmpty(t, problem.Message)
			if c.field != "" {
				require.Equal(t, c.field, problem.Details[0].Field)
			}
			if c.status == 400 {
				require.NotEmpty(t, problem.Details, "a validation error names the field")
			}
			require.Equal(t, c.status == 401, got.Header.Get("WWW-Authenticate") != "")
			require.Equal(t, c.status == 405, got.Header.Get("Allow") != "")
		})
	}
	require.Zero(t, f.events("orders"))
	page, err := f.client.StreamsPage(context.Background(), core.StreamQuery{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
}

func TestBadBodiesAreRefusedInChunksAndBatchesToo(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for name, c := range badBodies() {
		if c.path != ordersEvents {
			continue
		}
		// A reader of unknown length is sent in chunks.
		got := f.do(c.method, c.path, struct{ *bytes.Buffer }{bytes.NewBufferString(c.body)})
		require.Equal(t, 400, got.StatusCode, name)
		for _, contentType := range []string{"application/json", "application/x-ndjson"} {
			body := c.body
			if contentType == "application/json" {
				body = "[" + body + "]"
			} else if name == "body byte order mark" {
				body = "\ufeff" + body // lines may begin with one, but not with two
			}
			got := f.do(c.method, ordersBatch, strings.NewReader(body), "Content-Type: "+contentType)
			if name == "body array" && contentType == "application/x-ndjson" || name == "body white space" || name == "body two values" {
				require.Less(t, got.StatusCode, 500, name)
				continue
			}
			require.Equal(t, 400, got.StatusCode, "%s as %s: %s", name, contentType, got.body)
		}
	}
	require.Zero(t, f.events("orders"))
}

func TestBadGzipIsRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	whole := compress(t, event("1")).Bytes()
	wrongSum := bytes.Clone(whole)
	wrongSum[len(wrongSum)-6] ^= 1
	bomb := compress(t, strings.Repeat(" ", 20<<20)).Bytes()
	empties := bytes.Repeat(compress(t, "").Bytes(), 100_000) // 2.3 MB that become nothing
	for name, c := range map[string]struct {
		body   []byte
		status int
	}{
		"no gzip":          {[]byte(event("1")), 400},
		"nothing":          {nil, 400},
		"cut off":          {whole[:len(whole)-3], 400},
		"cut in the head":  {whole[:5], 400},
		"wrong checksum":   {wrongSum, 400},
		"trailing garbage": {append(bytes.Clone(whole), "garbage"...), 400},
		"nested":           {compress(t, string(whole)).Bytes(), 400},
		"bomb":             {bomb, 413},
		"empty members":    {empties, 413},
	} {
		for _, path := range []string{ordersEvents, ordersBatch} {
			for _, body := range []interface {
				Read([]byte) (int, error)
			}{bytes.NewReader(c.body), struct{ *bytes.Reader }{bytes.NewReader(c.body)}} {
				got := f.do("POST", path, body, "Content-Encoding: gzip")
				if name == "empty members" && path == ordersBatch {
					require.Equal(t, 400, got.StatusCode, "it fits a batch, but hold no event")
					continue
				}
				require.Equal(t, c.status, got.StatusCode, "%s %s: %s", name, path, got.body)
				got.problem(t)
			}
		}
	}
	require.Zero(t, f.events("orders"))
}

func TestEveryRouteButThePublicOnesWantsACredential(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	viewer, producer := f.newKey(core.RoleViewer), f.newKey(core.RoleProducer)
	require.NotEmpty(t, server.Routes())
	for _, route := range server.Routes() {
		path := strings.NewReplacer(":stream", "orders", ":event_id", "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f").Replace(route.Path)
		if strings.HasPrefix(route.Path, rest.AuthPath) {
			continue // they make credentials, and have tests of their own
		}
		if route.Action == server.Public {
			got := f.do(route.Method, path, nil, "-")
			require.NotEqual(t, http.StatusUnauthorized, got.StatusCode, route)
			continue
		}
		for _, method := range []string{route.Method, strings.Replace(route.Method, "GET", "HEAD", 1)} {
			got := f.do(method, path, strings.NewReader(`{}`), "-")
			require.Equal(t, http.StatusUnauthorized, got.StatusCode, route)
			require.NotEmpty(t, got.Header.Get("WWW-Authenticate"))
		}
		if route.Action == server.Anybody {
			continue
		}
		wrong := viewer
		if strings.HasSuffix(string(route.Action), ":read") || route.Action == core.ActionExportEvents {
			wrong = producer
		}
		got := f.do(route.Method, path, nil, "X-API-Key: "+wrong)
		require.Equal(t, core.CodeForbidden, got.problem(t).Code, route)
	}
	require.Zero(t, f.events("orders"))
}

func TestACredentialComesInEitherHeader(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, headers := range [][]string{
		{"X-API-Key: " + f.key},
		{"-", "Authorization: Bearer " + f.key},
		{"-", "Authorization: bearer  " + f.key},
		{"X-API-Key: " + f.key, "Authorization: Bearer " + f.key},
	} {
		got := f.do("GET", "/api/v1/streams", nil, headers...)
		require.Equal(t, http.StatusOK, got.StatusCode, headers)
	}
	got := f.do("GET", "/api/v1/streams?X-API-Key="+f.key, nil, "-")
	require.Equal(t, http.StatusUnauthorized, got.StatusCode)
	require.NotContains(t, f.logged.String(), f.key)
}

func TestEveryAnswerHasTheSameHeaders(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, path := range []string{"/livez", "/readyz", "/api/v1/streams", "/api/v1/health", "/nowhere", "/api/v1/streams/none"} {
		for _, method := range []string{"GET", "HEAD", "PUT"} {
			got := f.do(method, path, nil, "X-Request-Id: my-id/1", "Origin: https://elsewhere.example")
			require.Equal(t, "my-id/1", got.Header.Get("X-Request-Id"))
			require.Equal(t, "nosniff", got.Header.Get("X-Content-Type-Options"))
			require.Equal(t, "DENY", got.Header.Get("X-Frame-Options"))
			require.Equal(t, "no-referrer", got.Header.Get("Referrer-Policy"))
			require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
			for _, directive := range []string{"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} {
				require.Contains(t, got.Header.Get("Content-Security-Policy"), directive)
			}
			require.Empty(t, got.Header.Get("Access-Control-Allow-Origin"), "no other site reads an answer")
			require.Empty(t, got.Header.Get("Server"))
			if method == "HEAD" {
				require.Empty(t, got.body)
				require.NotEmpty(t, got.Header.Get("Content-Length"))
			}
		}
	}
	for _, method := range []string{"TRACE", "OPTIONS", "CONNECT"} {
		got := f.do(method, "/livez", nil, "Origin: https://elsewhere.example", "Access-Control-Request-Method: POST")
		require.Equal(t, http.StatusMethodNotAllowed, got.StatusCode, method)
		require.Empty(t, got.Header.Get("Access-Control-Allow-Methods"))
		require.NotContains(t, string(got.body), f.key)
	}
	for _, unfit := range []string{"", "a b", "ümläut", strings.Repeat("x", 129)} {
		got := f.do("GET", "/livez", nil, "X-Request-Id: "+unfit)
		require.Regexp(t, "^[0-9a-f]{32}$", got.Header.Get("X-Request-Id"))
	}
}

func TestHealthIsPublic(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, path := range []string{"/readyz", "/api/v1/health", "/api/v1/health/ready"} {
		got := f.do("GET", path, nil, "-")
		require.Equal(t, http.StatusOK, got.StatusCode)
		var health rest.Health
		require.NoError(t, json.Unmarshal(got.body, &health))
		require.Equal(t, rest.StatusOK, health.Status)
		require.Equal(t, rest.StatusOK, health.Checks["store"].Status)
		require.False(t, health.Timestamp.IsZero())
	}
	require.NoError(t, f.client.Ready(context.Background()))
	require.Equal(t, http.StatusNotFound, f.do("GET", "/metrics", nil).StatusCode)
}
