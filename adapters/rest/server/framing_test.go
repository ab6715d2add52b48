package server_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestRequestsThatTwoServersCouldReadDifferentlyAreRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	body := event("1")
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	const host, encoding = "Host: x\r\n", "Transfer-Encoding: chunked\r\n"
	for name, c := range map[string]struct {
		headers, body string
		status        int
	}{
		"two lengths":                {host + length + "Content-Length: 5\r\n", body, 400},
		"two equal lengths":          {host + length + length, body, 400},
		"length and encoding":        {host + length + encoding, chunked, 400},
		"encoding and length":        {host + encoding + "Content-Length: 4\r\n", chunked, 400},
		"list of lengths":            {host + "Content-Length: 5, 5\r\n", body, 400},
		"signed length":              {host + "Content-Length: +5\r\n", body, 400},
		"negative length":            {host + "Content-Length: -5\r\n", body, 400},
		"hex length":                 {host + "Content-Length: 0x10\r\n", body, 400},
		"huge length":                {host + "Content-Length: 99999999999999999999999\r\n", body, 400},
		"empty length":               {host + "Content-Length: \r\n", body, 400},
		"identity":                   {host + "Transfer-Encoding: identity\r\n" + length, body, 400},
		"identity alone":             {host + "Transfer-Encoding: identity\r\n", body, 400},
		"gzip, chunked":              {host + "Transfer-Encoding: gzip, chunked\r\n", chunked, 400},
		"unknown encoding":           {host + "Transfer-Encoding: x\r\n", chunked, 400},
		"two encodings":              {host + encoding + encoding, chunked, 400},
		"white space before a colon": {host + "Content-Length : 5\r\n", body, 400},
		"white space in a name":      {host + "Content Length: 5\r\n" + length, body, 400},
		"folded":                     {host + length + "X-A: b\r\n c\r\n", body, 400},
		"folded length":              {host + "Content-Length:\r\n 5\r\n", body, 400},
		"bare line feeds":            {"Host: x\n" + length, body, 400},
		"nul in a value":             {host + length + "X-A: \x00\r\n", body, 400},
		"no colon":                   {host + length + "Hello\r\n", body, 400},
		"no host":                    {length, body, 400},
		"two hosts":                  {host + "Host: y\r\n" + length, body, 400},
		"host with a path":           {"Host: x/y\r\n" + length, body, 400},
		"hosts in a list":            {"Host: x, y\r\n" + length, body, 400},
		"two content types":          {host + length + "Content-Type: application/json\r\nContent-Type: text/plain\r\n", body, 400},
		"two keys":                   {host + length + "X-Api-Key: x\r\n", body, 401},
		"bad chunk size":             {host + encoding, "zz\r\n" + body + "\r\n0\r\n\r\n", 400},
		"negative chunk":             {host + encoding, "-5\r\n" + body + "\r\n0\r\n\r\n", 400},
		"huge chunk":                 {host + encoding, "ffffffffffffffffff\r\n" + body, 400},
		"chunk without an end":       {host + encoding, fmt.Sprintf("%x\r\n%sxx0\r\n\r\n", len(body), body), 400},
		"headers too large":          {host + length + "X-A: " + strings.Repeat("a", 20<<10) + "\r\n", body, 431},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, closed := f.raw("POST /api/v1/streams/orders/events HTTP/1.1\r\nX-API-Key: " + f.key + "\r\n" + c.headers + "\r\n" + c.body +
				// what a smuggler would have taken for the next request
				"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
			require.Equal(t, c.status, got.StatusCode, "%s", got.body)
			got.problem(t)
			require.NotContains(t, string(got.body), f.key)
			require.True(t, closed, "the connection cannot be trusted any more")
		})
	}
	t.Cleanup(func() { require.NotContains(t, f.logged.String(), f.key) })
}

func TestWhatIsNotHTTPIsRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	for name, text := range map[string]string{
		"noise":              "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
		"no version":         "GET /livez\r\n\r\n",
		"version 3":          "GET /livez HTTP/3\r\nHost: x\r\n\r\n",
		"white space target": "GET /live z HTTP/1.1\r\nHost: x\r\n\r\n",
		"control in target":  "GET /live\x01z HTTP/1.1\r\nHost: x\r\n\r\n",
		"no slash":           "GET livez HTTP/1.1\r\nHost: x\r\n\r\n",
		"http/2":             "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		got, closed := f.raw(text)
		require.GreaterOrEqual(t, got.StatusCode, 400, name)
		require.Less(t, got.StatusCode, 500, name)
		require.Equal(t, core.CodeValidation, got.problem(t).Code, name)
		require.True(t, closed, name)
	}
}

func TestUnusualButValidRequestsAreServed(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	body := event("1")
	for name, text := range map[string]string{
		"http/1.0 without host": "GET /livez HTTP/1.0\r\n\r\n",
		"absolute form":         "GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n",
		"lower case":            "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n",
		"leading empty line":    "\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
		"chunks and a trailer": "POST /api/v1/streams/orders/events HTTP/1.1\r\nHost: x\r\nX-API-Key: " + f.key + "\r\nTransfer-Encoding: chunked\r\n\r\n" +
			fmt.Sprintf("5;ext=1\r\n%s\r\n%x\r\n%s\r\n0\r\nX-T: 1\r\n\r\n", body[:5], len(body)-5, body[5:]),
		"expect": "POST /api/v1/streams/orders/events HTTP/1.1\r\nHost: x\r\nX-API-Key: " + f.key + fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
	} {
		got, _ := f.raw(text)
		require.Less(t, got.StatusCode, 300, "%s: %s", name, got.body)
	}
}
