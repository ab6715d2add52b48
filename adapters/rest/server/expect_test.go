package server_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// asking is a request whose client waits for "100 Continue".
func asking(path, key, length string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nExpect: 100-continue\r\n%s\r\n\r\n", path, key, length)
}

// A client asks whether it may send its body. What its headers say is decided
// before it is told to.
func TestNobodyIsToldToSendWhatWillBeRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	viewer := f.newKey(core.RoleViewer)
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"no key":           {asking(ordersEvents, "", "Content-Length: 2147483648"), 401},
		"a wrong key":      {asking(ordersEvents, "x", "Content-Length: 2147483648"), 401},
		"a role too small": {asking(ordersEvents, viewer, "Content-Length: 100"), 403},
		"2 GB":             {asking(ordersEvents, f.key, "Content-Length: 2147483648"), 413},
		"2 MiB":            {asking(ordersEvents, f.key, "Content-Length: 2097152"), 413},
		"a batch of 20 MB": {asking(ordersEvents+"/batch", f.key, "Content-Length: 20000000"), 413},
		"sign-in of 2 MiB": {asking(rest.AuthPath+"/login", "", "Content-Length: 2097152"), 413},
		"no such address":  {asking("/api/v1/nothing", f.key, "Content-Length: 100"), 404},
		"no such method":   {asking("/livez", f.key, "Content-Length: 100"), 405},
		"bad framing":      {asking(ordersEvents, f.key, "Content-Length: 100\r\nX A: b"), 400},
		"unknown method":   {strings.Replace(asking(ordersEvents, f.key, "Content-Length: 100"), "POST", "BREW", 1), 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, closed := f.raw(c.request)
			require.Equal(t, c.status, got.StatusCode, "%s", got.body)
			got.problem(t)
			require.True(t, closed, "the body may be on its way all the same")
		})
	}
}

func TestWhoeverAsksIsToldToGoOn(t *testing.T) {
	t.Parallel()
	limiter := &counter{state: core.LimitState{Allowed: true}}
	f := start(t, withLimiter(limiter, someRates))
	f.stream("orders")
	body := event("1")
	conn := f.dial()
	for i, length := range []string{fmt.Sprintf("Content-Length: %d", len(body)), "Transfer-Encoding: chunked"} {
		_, err := io.WriteString(conn, asking(ordersEvents, f.key, length))
		require.NoError(t, err)
		const goOn = "HTTP/1.1 100 Continue\r\n\r\n"
		told := make([]byte, len(goOn))
		_, err = io.ReadFull(conn, told)
		require.NoError(t, err)
		require.Equal(t, goOn, string(told))
		if i == 0 {
			_, err = io.WriteString(conn, body)
		} else {
			_, err = fmt.Fprintf(conn, "%x\r\n%s\r\n0\r\n\r\n", len(body), body)
		}
		require.NoError(t, err)
		got, closed := readReply(t, conn)
		require.Equal(t, 202, got.StatusCode, "%s", got.body)
		require.False(t, closed)
		require.NotEmpty(t, got.Header.Get("X-RateLimit-Limit"))
	}
	require.Len(t, limiter.takeAsked(), 3, "each counts once, and so does the request for the stream")
	require.EqualValues(t, 2, f.events("orders"))
	require.Equal(t, 0, strings.Count(f.logged.String(), "status=100"))
}

// What follows "100 Continue" may be wrong or missing.
func TestABodyThatWasAskedForMayStillFail(t *testing.T) {
	t.Parallel()
	for body, c := range map[string]struct {
		status int
		limit  time.Duration
	}{"{": {400, patience}, "": {408, 300 * time.Millisecond}} {
		f := start(t, withLimits(server.Limits{ReadTimeout: c.limit}))
		f.stream("orders")
		conn := f.dial()
		_, err := io.WriteString(conn, asking(ordersEvents, f.key, "Content-Length: 1"))
		require.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n")))
		require.NoError(t, err)
		_, err = io.WriteString(conn, body)
		require.NoError(t, err)
		got, _ := readReply(t, conn)
		require.Equal(t, c.status, got.StatusCode, "%s", got.body)
		got.problem(t)
		require.Equal(t, 1, strings.Count(f.logged.String(), fmt.Sprint("status=", c.status)))
	}
}
