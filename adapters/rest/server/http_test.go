package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
)

// exchange sends bytes as they are and returns all that comes until the server
// closes the connection.
func (f *fixture) exchange(text string) (answer string, err error) {
	f.t.Helper()
	conn := f.dial()
	_, err = io.WriteString(conn, text)
	require.NoError(f.t, err)
	all, err := io.ReadAll(conn)
	return string(all), err
}

// old is a request of HTTP/1.0 for a path, with the key.
func (f *fixture) old(method, path string) string {
	return fmt.Sprintf("%s %s HTTP/1.0\r\nX-API-Key: %s\r\n\r\n", method, path, f.key)
}

// A client of HTTP/1.0 does not know chunks, whatever it asks for.
func TestNothingIsSentInChunksToHTTP10(t *testing.T) {
	t.Parallel()
	f := start(t, withMetrics(metricsToken), withSite(someSite))
	f.stream("orders")
	f.fill("orders", 2500)
	for _, path := range []string{
		ordersEvents, ordersEvents + "/export", ordersEvents + "/export?format=csv", "/api/v1/events/export", "/metrics", "/livez", "/app.js",
	} {
		for _, method := range []string{"GET", "HEAD"} {
			answer, err := f.exchange(f.old(method, path))
			require.NoError(t, err)
			head, body, found := strings.Cut(answer, "\r\n\r\n")
			require.True(t, found)
			require.NotContains(t, strings.ToLower(head), "transfer-encoding", "%s %s", method, path)
			require.Contains(t, head, "Date: ", "%s %s", method, path)
			require.Equal(t, method == "HEAD", body == "", "%s %s", method, path)
		}
	}
	answer, err := f.exchange(f.old("GET", ordersEvents+"/export"))
	require.NoError(t, err)
	head, body, _ := strings.Cut(answer, "\r\n\r\n")
	for _, line := range []string{"HTTP/1.1 200 OK", "Connection: close", "Content-Type: " + rest.TypeNDJSON, "Content-Disposition: attachment", "X-Request-Id: ", "X-Frame-Options: DENY"} {
		require.Contains(t, head, line)
	}
	require.Equal(t, 2500, strings.Count(body, "\n"))
}

// The end of the connection is the end of the answer, so an answer that is not
// complete must end otherwise.
func TestAnOldExportThatBreaksOffDoesNotLookComplete(t *testing.T) {
	t.Parallel()
	f := start(t, withLog(func(log core.EventLog) core.EventLog { return failingReads{log, make(chan struct{}, 1)} }))
	f.stream("orders")
	f.fill("orders", 1500)
	_, err := f.exchange(f.old("GET", ordersEvents+"/export"))
	require.Error(t, err, "the connection is reset")
}

func TestARefusedMethodComesWithTheOthers(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	for request, allow := range map[string]string{
		"HEAD " + groups + "/mail/events": "GET",
		"HEAD " + ordersEvents + "/live":  "GET",
		"PUT " + groups + "/mail/events":  "GET",
		"PUT " + ordersEvents:             "GET, HEAD, POST, OPTIONS",
		"BREW " + ordersEvents:            "GET, HEAD, POST, OPTIONS",
		"OPTIONS " + groups + "/mail":     "GET, HEAD, PATCH, DELETE",
		"GET " + groups + "/mail/ack":     "POST",
		"PATCH /api/v1/streams":           "GET, HEAD, POST",
		"TRACE /livez":                    "GET, HEAD",
		"PUT /api/v1/streams/a%2Fb":       "GET, HEAD, PATCH, DELETE",
	} {
		method, path, _ := strings.Cut(request, " ")
		got := f.do(method, path, nil)
		require.Equal(t, 405, got.StatusCode, request)
		require.Equal(t, []string{allow}, got.Header.Values("Allow"), request)
	}
}

func TestAMediaTypeThatIsRefusedComesWithTheOthers(t *testing.T) {
	t.Parallel()
	f := start(t)
	stream := f.stream("orders")
	for _, c := range [][3]string{
		{"POST " + ordersEvents, "text/plain", "application/json, application/cloudevents+json"},
		{"POST " + ordersEvents, rest.TypeNDJSON, "application/json, application/cloudevents+json"},
		{"POST " + ordersBatch, "text/plain", "application/json, application/x-ndjson, application/cloudevents-batch+json"},
		{"POST " + ordersBatch, cloudevents.TypeEvent, "application/json, application/x-ndjson, application/cloudevents-batch+json"},
		{"POST /api/v1/streams", "text/plain", "application/json"},
		{"PATCH /api/v1/streams/" + stream.ID.String(), "application/merge-patch", "application/json"},
	} {
		method, path, _ := strings.Cut(c[0], " ")
		got := f.do(method, path, strings.NewReader("{}"), "Content-Type: "+c[1])
		require.Equal(t, 415, got.StatusCode, c)
		require.Equal(t, c[2], got.Header.Get("Accept"), c)
		require.Empty(t, got.Header.Get("Accept-Encoding"))
		require.Equal(t, method == "PATCH", got.Header.Get("Accept-Patch") != "")
		got = f.do(method, path, strings.NewReader("{}"), "Content-Encoding: br")
		require.Equal(t, 415, got.StatusCode, c)
		require.Equal(t, "gzip, identity", got.Header.Get("Accept-Encoding"), c)
		require.Empty(t, got.Header.Get("Accept"))
	}
}

// Content-Encoding is a list of what was done to a body, over all its lines.
func TestEncodingsAreReadAsAList(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	plain, packed := []byte(event("1")), compress(t, event("1")).Bytes()
	for _, c := range []struct {
		lines  []string
		body   []byte
		status int
	}{
		{[]string{"x-gzip"}, packed, 202},
		{[]string{"gzip, identity"}, packed, 202},
		{[]string{"identity", "GZIP"}, packed, 202},
		{[]string{"identity, identity"}, plain, 202},
		{[]string{","}, plain, 202},
		{[]string{"gzip, gzip"}, packed, 415},
		{[]string{"gzip", "gzip"}, packed, 415},
		{[]string{"identity", "br"}, plain, 415},
		{[]string{"gzip;q=1"}, packed, 415},
	} {
		var headers string
		for _, line := range c.lines {
			headers += "Content-Encoding: " + line + "\r\n"
		}
		got, _ := f.raw(strings.TrimSuffix(f.head(len(c.body)), "\r\n") + headers + "\r\n" + string(c.body))
		require.Equal(t, c.status, got.StatusCode, "%v: %s", c.lines, got.body)
	}
}

func TestTheCharsetOfABody(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for charset, status := range map[string]int{"utf-8": 202, "UTF-8": 202, "utf8": 202, `"UTF8"`: 202, "us-ascii": 202, "latin1": 415, "utf-16": 415} {
		got := f.do("POST", ordersEvents, strings.NewReader(event("1")), "Content-Type: application/json; charset="+charset)
		require.Equal(t, status, got.StatusCode, charset)
		got = f.do("POST", ordersEvents, strings.NewReader("1"), "Content-Type: application/json;charset="+charset,
			"ce-specversion: 1.0", "ce-id: 1", "ce-source: /a", "ce-type: b")
		require.Equal(t, status == 202, got.StatusCode < 300, "%s: %s", charset, got.body)
	}
}

// A proxy that asks for a password passes it on. It is not ours.
func TestAnotherSchemeIsForSomebodyElse(t *testing.T) {
	t.Parallel()
	f := start(t)
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{[]string{"Authorization: Basic eDp5"}, 200},
		{[]string{"Authorization: Negotiate abc"}, 200},
		{[]string{"-", "Authorization: Basic eDp5"}, 401},
		{[]string{"X-API-Key: x", "Authorization: Basic eDp5"}, 401},
		{[]string{"Authorization: Bearer x"}, 401},
	} {
		require.Equal(t, c.status, f.do("GET", "/api/v1/streams", nil, c.headers...).StatusCode, c.headers)
	}
}

// What a client has already is not sent again.
func TestAResourceThatIsStillTheSameIsNotSent(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.stream("orders")
	o.group("orders", "mail", core.Ordered, 3)
	ann := o.person("ann@example.com", core.RoleAdmin)
	for path, revision := range map[string]string{"/api/v1/streams/orders": "1", rest.UserPath(ann.User.ID.String()): "1"} {
		key := "X-API-Key: " + o.key
		if strings.HasPrefix(path, rest.UsersPath) {
			key = "X-API-Key: " + ann.AccessToken
		}
		tag := o.do("GET", path, nil, key).Header.Get("ETag")
		require.Equal(t, `"`+revision+`"`, tag, path)
		for _, method := range []string{"GET", "HEAD"} {
			for match, status := range map[string]int{tag: 304, "W/" + tag: 304, "*": 304, `"x", ` + tag: 304, `"x"`: 200, revision: 200, "": 200} {
				got := o.do(method, path, nil, key, "If-None-Match: "+match)
				require.Equal(t, status, got.StatusCode, "%s %s %s", method, path, match)
				require.Equal(t, tag, got.Header.Get("ETag"))
				if status == 304 {
					require.Empty(t, got.body)
				}
			}
			require.Equal(t, 412, o.do(method, path, nil, key, `If-Match: "77"`, "If-None-Match: "+tag).StatusCode, "this one comes first")
			require.Equal(t, 200, o.do(method, path, nil, key, `If-Match: "77", `+tag).StatusCode)
		}
	}
	got := o.do("GET", groups+"/mail", nil)
	require.Equal(t, 200, o.do("GET", groups+"/mail", nil, "If-None-Match: "+got.Header.Get("ETag")).StatusCode, "its lag may be another one")
}

// If-Match may name several revisions, on one line or on many.
func TestAChangeMayBeMeantForSeveralRevisions(t *testing.T) {
	t.Parallel()
	o := openOffice(t)
	o.stream("orders")
	o.group("orders", "mail", core.Ordered, 3)
	ann, ben := o.person("ann@example.com", core.RoleAdmin), o.person("ben@example.com", core.RoleViewer)
	user := rest.UserPath(ben.User.ID.String())
	for path, body := range map[string]string{
		"/api/v1/streams/orders": `{"description":"x"}`, groups + "/mail": `{"max_attempts":9}`, user: `{"name":"Ben"}`,
	} {
		key := o.key
		if path == user {
			key = ann.AccessToken
		}
		change := func(lines ...string) int {
			head := fmt.Sprintf("PATCH %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: %d\r\n", path, key, len(body))
			for _, line := range lines {
				head += line + "\r\n"
			}
			got, _ := o.raw(head + "\r\n" + body)
			return got.StatusCode
		}
		require.Equal(t, 412, change(`If-Match: "7", "8"`), path)
		require.Equal(t, 412, change(`If-Match: "7"`, `If-Match: W/"8"`), path)
		require.Equal(t, 412, change(`If-Match: "x", "y,1"`), path)
		require.Equal(t, 400, change(`If-None-Match: *`), path)
		require.Equal(t, 200, change(`If-Match: "7"`, `If-Match: "1"`), path)
		require.Equal(t, 200, change(`If-Match: "x", W/"2" ,"9"`), path)
		require.Equal(t, 412, o.do("DELETE", path, nil, "X-API-Key: "+key, `If-Match: "1"`).StatusCode, path)
		require.Equal(t, 204, o.do("DELETE", path, nil, "X-API-Key: "+key, `If-Match: "3", "4"`).StatusCode, path)
		if path == "/api/v1/streams/orders" {
			o.stream("orders")
			o.group("orders", "mail", core.Ordered, 3)
		}
	}
}

// Two requests on one connection, of which the first has lists in many lines.
func TestListsInManyLinesLeaveTheConnectionAlone(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.fill("orders", 1)
	conn := f.dial()
	_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nAccept: text/html\r\nAccept: %s\r\nConnection: a\r\nConnection: keep-alive, b\r\n\r\n"+
		"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: a\r\nConnection: b, Close\r\n\r\n", ordersEvents, f.key, cloudevents.TypeBatch)
	require.NoError(t, err)
	reader := bufio.NewReader(conn)
	for i, media := range []string{cloudevents.TypeBatch, rest.TypeJSON} {
		got, err := http.ReadResponse(reader, nil)
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, got.Body)
		require.NoError(t, err)
		require.Equal(t, media, got.Header.Get("Content-Type"))
		require.Equal(t, i == 1, got.Close)
	}
}

// What a server may pass over leaves the answer as it is.
func TestHeadersThatMayBePassedOver(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	whole := f.do("GET", "/api/v1/streams/orders", nil)
	for _, header := range []string{
		"Range: bytes=0-3", "If-Range: \"1\"", "If-Modified-Since: Sat, 29 Oct 2044 19:43:31 GMT", "If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT",
		"Expect: 200-ok", "Te: trailers", "Upgrade: h2c", "Accept: text/html", "Accept-Charset: latin1", "Accept-Language: de", "Forwarded: for=1.1.1.1",
	} {
		got := f.do("GET", "/api/v1/streams/orders", nil, header)
		require.Equal(t, 200, got.StatusCode, header)
		require.Equal(t, whole.body, got.body, header)
	}
}
