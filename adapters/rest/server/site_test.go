package server_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/ui"
)

// script is a file of the sites of these tests.
var script = []byte(strings.Repeat("every line is the same\n", 500))

// policy is that of the sites of these tests.
const policy = "default-src 'none'; script-src 'self'"

// sitePage is a page in all its forms.
func sitePage(contentType string, body []byte) server.Page {
	return server.Page{
		ContentType: contentType, Body: body, Gzip: ui.Gzip(body), Brotli: ui.Brotli(body, 5), Size: len(body),
		ETag: `W/"0123abcd"`, CacheControl: "no-cache", CSP: policy,
	}
}

// someSite has one script, a program that is kept compressed only, a plain
// text, and a page everywhere else.
func someSite(path string, html bool) (server.Page, bool) {
	switch {
	case path == "/app.js":
		return sitePage("text/javascript; charset=utf-8", script), true
	case path == "/web/app.wasm":
		page := sitePage("application/wasm", script)
		page.Body = nil
		return page, true
	case path == "/robots.txt":
		return server.Page{ContentType: "text/plain; charset=utf-8", Body: []byte("all"), ETag: `W/"r"`, CacheControl: "no-cache", CSP: policy}, true
	case html && !strings.HasPrefix(path, "/api/"):
		return sitePage("text/html; charset=utf-8", []byte("<!doctype html>"+string(script))), true
	}
	return server.Page{}, false
}

func withSite(site func(string, bool) (server.Page, bool)) option {
	return func(o *server.Options, _ *fixture) { o.Site = site }
}

const wantsPage = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"

// TestTheSiteIsSentInTheFormThatIsWanted holds the choice by Accept-Encoding.
func TestTheSiteIsSentInTheFormThatIsWanted(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(someSite))
	for accept, want := range map[string]string{
		"br":                               "br",
		"gzip":                             "gzip",
		"gzip, deflate, br, zstd":          "br",
		"gzip, deflate":                    "gzip",
		"br;q=0.5, gzip;q=0.8":             "gzip",
		"br;q=0.8, gzip;q=0.8":             "br",
		"BR":                               "br",
		"br;q=0, gzip":                     "gzip",
		"br;q=0, gzip;q=0.0":               "",
		"*":                                "br",
		"*;q=0.1, gzip":                    "gzip",
		"br;q=0, *":                        "gzip",
		"*;q=0":                            "",
		"identity":                         "",
		"identity, gzip;q=0.5":             "",
		"identity;q=0, gzip;q=0.5":         "gzip",
		"gzip;q=0.0005":                    "gzip",
		"deflate":                          "",
		"x-gzip":                           "gzip",
		"gzip;q=nonsense":                  "",
		";;;,,,":                           "",
		strings.Repeat("a,", 500) + "gzip": "gzip",
	} {
		for path, kind := range map[string]string{"/app.js": "text/javascript; charset=utf-8", "/web/app.wasm": "application/wasm"} {
			got := f.do("GET", path, nil, "-", "Accept-Encoding: "+accept)
			require.Equal(t, 200, got.StatusCode, accept)
			require.Equal(t, want, got.Header.Get("Content-Encoding"), "%s %s", path, accept)
			require.Equal(t, kind, got.Header.Get("Content-Type"))
			require.Equal(t, int64(len(got.body)), got.ContentLength, "%s %s", path, accept)
			require.True(t, bytes.Equal(script, unpacked(t, got)), "%s %s", path, accept)
		}
	}
	plain := f.do("GET", "/robots.txt", nil, "-", "Accept-Encoding: br, gzip")
	require.Empty(t, plain.Header.Get("Content-Encoding"), "there is only one form")
	require.Equal(t, "all", string(plain.body))
}

func unpacked(t *testing.T, r reply) []byte {
	t.Helper()
	var from io.Reader = bytes.NewReader(r.body)
	switch r.Header.Get("Content-Encoding") {
	case "br":
		from = brotli.NewReader(from)
	case "gzip":
		unpacked, err := gzip.NewReader(from)
		require.NoError(t, err)
		from = unpacked
	}
	body, err := io.ReadAll(from)
	require.NoError(t, err)
	return body
}

// TestTheSitesHeaders holds what browsers and caches are told: to ask whether a
// file is still the same, and what the page may do.
func TestTheSitesHeaders(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(someSite), func(o *server.Options, _ *fixture) { o.HTTPS = true })
	for path, vary := range map[string]string{"/app.js": "Accept-Encoding", "/streams/orders": "Accept, Accept-Encoding"} {
		for _, headers := range [][]string{{}, {"If-None-Match: W/\"0123abcd\""}} {
			got := f.do("GET", path, nil, append(headers, "-", wantsPage, "Accept-Encoding: br")...)
			for name, want := range map[string]string{
				"Cache-Control": "no-cache", "Etag": `W/"0123abcd"`, "Vary": vary, "Content-Security-Policy": policy,
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
				"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
			} {
				require.Equal(t, []string{want}, got.Header.Values(name), "%s of %s, %d", name, path, got.StatusCode)
			}
			require.Empty(t, got.Header.Values("Set-Cookie"))
			require.Len(t, got.Header.Get("X-Request-Id"), 32)
		}
	}
}

// TestAFileThatIsStillTheSameIsNotSent holds If-None-Match.
func TestAFileThatIsStillTheSameIsNotSent(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(someSite))
	for match, want := range map[string]int{
		`W/"0123abcd"`: 304, `"0123abcd"`: 304, `W/"old", W/"0123abcd"`: 304, `*`: 304, ` W/"old" ,"0123abcd" `: 304,
		`W/"0123abc"`: 200, `W/"0123abcde"`: 200, `0123abcd`: 200, `""`: 200, `w/"0123abcd"`: 200, `,`: 200,
	} {
		for _, path := range []string{"/app.js", "/web/app.wasm", "/streams/orders"} {
			for _, method := range []string{"GET", "HEAD"} {
				got := f.do(method, path, nil, "-", wantsPage, "If-None-Match: "+match, "Accept-Encoding: br")
				require.Equal(t, want, got.StatusCode, "%s %s %s", method, path, match)
				if want == 304 || method == "HEAD" {
					require.Empty(t, got.body, "%s %s %s", method, path, match)
				}
				if want == 304 {
					require.Empty(t, got.Header.Get("Content-Encoding"))
				}
			}
		}
	}
}

// TestHEADOfTheSite holds that HEAD says what GET would send, in each form, and
// leaves the connection good for the next request.
func TestHEADOfTheSite(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(someSite))
	for _, path := range []string{"/app.js", "/web/app.wasm", "/streams/orders"} {
		for _, accept := range []string{"br", "gzip", "identity"} {
			got := f.do("GET", path, nil, "-", wantsPage, "Accept-Encoding: "+accept)
			head := f.do("HEAD", path, nil, "-", wantsPage, "Accept-Encoding: "+accept)
			require.Equal(t, 200, head.StatusCode)
			require.Empty(t, head.body)
			for _, name := range []string{"Content-Length", "Content-Type", "Content-Encoding", "Etag"} {
				require.Equal(t, got.Header.Values(name), head.Header.Values(name), "%s of %s as %s", name, path, accept)
			}
		}
	}
}

// TestTheSiteIsAskedLast holds that the API's addresses stay the API's, and who
// does not ask for a page gets its answer, too.
func TestTheSiteIsAskedLast(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(func(string, bool) (server.Page, bool) {
		return sitePage("text/html; charset=utf-8", []byte("the site takes it all")), true
	}))
	require.Contains(t, string(f.do("GET", "/livez", nil, "-", wantsPage).body), `"status"`)
	require.Contains(t, string(f.do("GET", "/readyz", nil, "-", wantsPage).body), `"status"`)
	require.Equal(t, core.CodeNotFound, f.do("GET", "/metrics", nil, "-", wantsPage).problem(t).Code)
	require.Equal(t, core.CodeUnauthorized, f.do("GET", "/api/v1/streams", nil, "-", wantsPage).problem(t).Code)
	require.Equal(t, core.CodeNotFound, f.do("GET", "/api/v1/streams/nope", nil, wantsPage).problem(t).Code)
	require.Equal(t, core.CodeMethodNotAllowed, f.do("GET", "/api/v1/auth/login", nil, "-", wantsPage).problem(t).Code)
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		require.Equal(t, core.CodeNotFound, f.do(method, "/streams/orders", nil, "-", wantsPage).problem(t).Code, method)
	}

	f = start(t)
	for _, path := range []string{"/app.js", "/streams/orders", "/robots.txt"} {
		require.Equal(t, core.CodeNotFound, f.do("GET", path, nil, "-", wantsPage).problem(t).Code, path)
	}
}

// TestPagesAreForWhoWantsThem holds the choice by Accept.
func TestPagesAreForWhoWantsThem(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(someSite))
	for accept, want := range map[string]int{
		"text/html": 200, "application/json, text/html;q=0.1": 200, "TEXT/HTML; charset=utf-8": 200,
		"*/*": 404, "application/json": 404, "text/*": 404, "text/html;q=0": 404, "text/htmlx": 404, "": 404,
	} {
		got := f.do("GET", "/streams/orders", nil, "-", "Accept: "+accept)
		require.Equal(t, want, got.StatusCode, accept)
		if want == 404 {
			require.Equal(t, core.CodeNotFound, got.problem(t).Code, accept)
		}
	}
}

// TestOddPathsLeadNowhereElse holds, with the real dashboard, that no way of
// writing an address makes a page of the API's, or a file of what is none.
func TestOddPathsLeadNowhereElse(t *testing.T) {
	t.Parallel()
	site, err := ui.NewSite()
	require.NoError(t, err)
	f := start(t, withSite(func(path string, html bool) (server.Page, bool) {
		file, found := site.Find(path, html)
		return server.Page{ContentType: file.ContentType, Body: file.Body, Gzip: file.Gzip, Size: file.Size, ETag: file.ETag}, found
	}))
	ask := func(target string) reply {
		got, _ := f.raw("GET " + target + " HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		return got
	}
	for _, target := range []string{
		"/api", "/api/", "/api/v1/nope", "//api/v1/nope", "/%61pi/v1/nope", "/api%2Fv1/nope", "/x/../api/v1/nope", "/x/%2e%2e/api/v1/nope",
		"/./api/v1/nope", "/api/v1/nope?x=/streams", "/web/../api/v1/nope", "/%2Fapi/nope", "http://x/api/v1/nope",
		"/metrics", "/%6detrics", "//metrics", "/livez/", "/web/worker.js", "/web/app.wasm.br", "/web/%2e%2e/site.go", "/web/../../go.mod",
		"/web//worker.js", "/%77eb/worker.js", "/web/", "/.well-known/x", "/sitemap.xml", "/ads.txt", "*",
	} {
		got := ask(target)
		require.GreaterOrEqual(t, got.StatusCode, 400, target)
		require.Equal(t, "application/problem+json", got.Header.Get("Content-Type"), target)
	}
	for _, target := range []string{"/", "/streams/orders", "/consumers/orders/a%2Fb", "/streams/%F0%9F%A6%89", "/streams/../login", "/?t=/api/v1/x"} {
		got := ask(target)
		require.Equal(t, 200, got.StatusCode, target)
		require.Equal(t, "text/html; charset=utf-8", got.Header.Get("Content-Type"), target)
		require.NotContains(t, string(got.body), "orders", "the page holds nothing of the request")
	}
}

// TestNoHostIsAskedForAFile holds that a Host header sends the server nowhere.
// The trap's first visitor must be this test itself.
func TestNoHostIsAskedForAFile(t *testing.T) {
	t.Parallel()
	site, err := ui.NewSite()
	require.NoError(t, err)
	f := start(t, withSite(func(path string, html bool) (server.Page, bool) {
		file, found := site.Find(path, html)
		return server.Page{ContentType: file.ContentType, Body: file.Body, Gzip: file.Gzip, Size: file.Size, ETag: file.ETag}, found
	}))
	trap, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = trap.Close() })
	host := trap.Addr().String()
	for path, want := range map[string]int{"/robots.txt": 200, "/sitemap.xml": 404, "/ads.txt": 404, "/web/robots.txt": 404, "/nowhere": 200} {
		got, _ := f.raw("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-Host: " + host + "\r\nAccept: text/html\r\nConnection: close\r\n\r\n")
		require.Equal(t, want, got.StatusCode, path)
		require.NotContains(t, string(got.body), host)
	}
	visitor, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer visitor.Close()
	first, err := trap.Accept()
	require.NoError(t, err)
	defer first.Close()
	require.Equal(t, visitor.LocalAddr().String(), first.RemoteAddr().String())
}

// TestTheSiteIsNotCounted holds that loading a page, which takes a dozen
// requests, leaves the address its rate; and how it is observed and logged.
func TestTheSiteIsNotCounted(t *testing.T) {
	t.Parallel()
	limiter := &counter{err: core.Errorf(core.CodeInternal, "nobody may ask")}
	observed := make(chan string, 10)
	f := start(t, withSite(someSite), withLimiter(limiter, someRates), func(o *server.Options, _ *fixture) {
		o.Observe = func(_, route string, status int, _ time.Duration, _ string) {
			observed <- route + " " + http.StatusText(status)
		}
	})
	for _, path := range []string{"/app.js", "/web/app.wasm", "/robots.txt", "/streams/orders"} {
		got := f.do("GET", path, nil, "-", wantsPage, `If-None-Match: W/"r"`)
		require.Less(t, got.StatusCode, 400, path)
		require.Empty(t, limitHeaders(got))
		require.Equal(t, server.RouteSite+" "+http.StatusText(got.StatusCode), <-observed)
	}
	require.Empty(t, limiter.takeAsked())
	require.Empty(t, f.logged.String(), "what succeeds is not logged")
	f.do("GET", "/api/v1/nope", nil, "-", wantsPage)
	require.Equal(t, server.RouteUnmatched+" Not Found", <-observed)
}
