package webhook_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/adapters/webhook"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTheBodyIsOfTheFormat(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	one, other := event(`{ "a" : 1.00 }`), event(`"ü"`)
	one.Event.Context = json.RawMessage(`{"tenant":"ä","traceparent":"` + traceparent + `"}`)
	plain := func(o core.Outgoing) string { return string(eventjson.AppendEvent(nil, &o.Event)) }
	cloud := func(o core.Outgoing) string { return string(cloudevents.Append(nil, &o.Event)) }
	for settings, want := range map[string]struct{ media, body string }{
		`{}`:                                  {"application/json", plain(one)},
		`{"batch":2}`:                         {"application/json", "[" + plain(one) + "," + plain(other) + "]"},
		`{"format":"payload"}`:                {"application/json", `{ "a" : 1.00 }`},
		`{"format":"cloudevents-structured"}`: {"application/cloudevents+json", cloud(one)},
		`{"format":"cloudevents-binary"}`:     {"application/json", `{ "a" : 1.00 }`},
		`{"format":"cloudevents-batched"}`:    {"application/cloudevents-batch+json", "[" + cloud(one) + "," + cloud(other) + "]"},
	} {
		sink := connect(t, r.server.URL, settings)
		events := []core.Outgoing{one, other}[:min(2, sink.Traits().Batch)]
		require.NoError(t, send(t, sink, events...).Err)
		got := r.last(t)
		require.Equal(t, want.body, string(got.body), settings)
		require.Equal(t, want.media, got.header.Get("Content-Type"), settings)
		require.Equal(t, "EventFlow", got.header.Get("User-Agent"))
		require.Empty(t, got.header.Values("Idempotency-Key"), "it is for the transport alone")
		require.Empty(t, got.header.Values("Accept-Encoding"))
		if len(events) == 1 {
			require.Equal(t, one.Event.ID.String(), got.header.Get("Webhook-Id"))
			require.Equal(t, traceparent, got.header.Get("Traceparent"), "the receiver's spans are in the event's trace")
		} else {
			require.Empty(t, got.header.Get("Traceparent"))
		}
	}
	require.NoError(t, send(t, connect(t, r.server.URL, `{"batch":2}`), one).Err)
	require.Equal(t, "["+plain(one)+"]", string(r.last(t).body), "a batch of one is an array")
	require.NoError(t, send(t, connect(t, r.server.URL, `{"format":"cloudevents-batched","batch":1}`), one).Err)
	require.Equal(t, "["+cloud(one)+"]", string(r.last(t).body))
	require.NoError(t, send(t, connect(t, r.server.URL, `{"format":"cloudevents-binary"}`), one).Err)
	require.Equal(t, "%C3%A4", r.last(t).header.Get("Ce-Tenant"))
}

// A receiver drops what it has seen by the id of the request. So the same batch must have
// the same id, and another one another, even if it begins alike and is as long.
func TestTheIDOfABatchIsOfItsEvents(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	sink := connect(t, r.server.URL, `{"batch":10}`)
	a, b, c := event(`1`), event(`2`), event(`3`)
	id := func(events ...core.Outgoing) string {
		require.NoError(t, send(t, sink, events...).Err)
		return r.last(t).header.Get("Webhook-Id")
	}
	first := id(a, b)
	require.Regexp(t, "^"+a.Event.ID.String()+`-2-[0-9a-f]{16}$`, first)
	a.Attempt = 2
	require.Equal(t, first, id(a, b))
	for _, other := range []string{id(a, c), id(a, b, c), id(b, a), id(a), id(b)} {
		require.NotEqual(t, first, other)
	}
}

func TestATraceparentIsPassedOnIfItIsOne(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	sink := connect(t, r.server.URL, `{}`)
	for _, text := range []string{
		"", "00", "01" + traceparent[2:], strings.ToUpper(traceparent), traceparent + "-01", strings.Replace(traceparent, "-", "_", 1), traceparent[:54] + "\n",
		strings.Replace(traceparent, "-b7", "0b7", 1),
	} {
		sent := event(`{}`)
		sent.Event.Context, _ = json.Marshal(map[string]string{"traceparent": text})
		require.NoError(t, send(t, sink, sent).Err)
		require.Empty(t, r.last(t).header.Values("Traceparent"), text)
	}
}

func TestHeadersGoWithEveryRequest(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	sink := connect(t, r.server.URL+"/a%20b?c=d&e", `{"headers":{"x-tenant":"acme"},"secret_headers":{"authorization":"Bearer k-47111"}}`)
	for range 2 {
		require.NoError(t, send(t, sink, event(`{}`)).Err)
		require.Equal(t, "acme", r.last(t).header.Get("X-Tenant"))
		require.Equal(t, "Bearer k-47111", r.last(t).header.Get("Authorization"))
	}
}

// Somebody who may change a webhook, and not read its secrets, could otherwise have them
// sent to a place of their own.
func TestSecretHeadersStayWithTheirURL(t *testing.T) {
	t.Parallel()
	c := webhook.New(webhook.Options{})
	former, err := c.Check(json.RawMessage(`{"url":"https://a.example/","secret_headers":{"Authorization":"Bearer k-4711-long-enough","X-A":"sesame-street"}}`), core.Destination{})
	require.NoError(t, err)
	require.Contains(t, string(former.Settings), `{"Authorization":"••••ough","X-A":"••••"}`)
	for _, given := range []string{
		`{"url":"https://b.example/"}`, `{"url":"https://a.example/b"}`, `{"url":"https://b.example/","secret_headers":{"Authorization":"••••ough"}}`,
	} {
		_, err := c.Check(json.RawMessage(given), former)
		require.ErrorContains(t, err, "secret_headers.Authorization: must be given again", given)
	}
	for given, want := range map[string]string{
		`{"url":"https://b.example/","secret_headers":{}}`:                                                           ``,
		`{"url":"https://a.example/","secret_headers":{"X-A":"••••"}}`:                                               `{"X-A":"sesame-street"}`,
		`{"url":"https://a.example/","secret_headers":{"X-A":"••••","Authorization":"Bearer other-and-long"}}`:       `{"Authorization":"Bearer other-and-long","X-A":"sesame-street"}`,
		`{"url":"https://b.example/","secret_headers":{"X-A":"open-sesame"}}`:                                        `{"X-A":"open-sesame"}`,
		`{"url":"https://a.example/","secret_headers":{"X-A":"••••","Authorization":"••••ough"},"format":"payload"}`: `{"Authorization":"Bearer k-4711-long-enough","X-A":"sesame-street"}`,
	} {
		to, err := c.Check(json.RawMessage(given), former)
		require.NoError(t, err, given)
		var secrets struct{ Headers json.RawMessage }
		require.NoError(t, json.Unmarshal(to.Secrets, &secrets))
		require.Equal(t, want, string(secrets.Headers), given)
	}
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	sink := connect(t, r.server.URL, `{}`)
	for status := 200; status < 600; status++ {
		if status == http.StatusNotModified || status == http.StatusNoContent {
			continue // which have no body
		}
		r.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", r.server.URL+"/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "answer")
		})
		sent := send(t, sink, event(`{}`))
		require.Equal(t, status, sent.Status)
		require.Equal(t, "answer", sent.Response)
		switch {
		case status < 300:
			require.NoError(t, sent.Err)
		case status == http.StatusGone:
			require.ErrorContains(t, sent.Err, "410")
			require.Equal(t, core.TurnedAway, sent.Verdict)
		default:
			require.ErrorContains(t, sent.Err, strconv.Itoa(status))
			require.Equal(t, core.TryAgain, sent.Verdict)
		}
	}
	require.Empty(t, r.got(), "no redirect is followed: those would have been counted")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere, r := newReceiver(t), newReceiver(t)
	for _, status := range []int{301, 302, 303, 307, 308} {
		r.answers(func(w http.ResponseWriter, q *http.Request) { http.Redirect(w, q, elsewhere.server.URL, status) })
		require.ErrorContains(t, send(t, connect(t, r.server.URL, `{}`), event(`{}`)).Err, "redirects are not followed")
	}
	require.Empty(t, elsewhere.got())
}

// The environment's proxy would connect to anything in this server's stead.
func TestNoProxyIsAsked(t *testing.T) { //nolint:paralleltest // the environment is everybody's
	proxy := newReceiver(t)
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxy.server.URL)
	}
	sink, _ := connectBy(t, webhook.New(webhook.Options{AllowPrivate: true}), "http://hooks.invalid/", `{"timeout":1}`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
	defer cancel()
	require.Error(t, sink.Send(ctx, []core.Outgoing{event(`{}`)})[0].Err)
	require.Empty(t, proxy.got())
}

func TestAnExcerptIsShortSafeAndClean(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	const password = `p/a+s="s word`
	sink := connect(t, r.server.URL, `{"secret":"`+secret+`","secret_headers":{"Authorization":"Bearer k-4711-5678","X-A":"p/a+s=\"s word"}}`)
	quoted, _ := json.Marshal(password)
	for body, want := range map[string]string{
		"":                                    "",
		"fine":                                "fine",
		"größer \xff\xc3 🚚":                   "größer \uFFFD 🚚",
		"a\x00b\x1b[31mc\r\n\td":              "ab[31mc\n\td",
		strings.Repeat("x", 3000):             strings.Repeat("x", 1024),
		strings.Repeat("x", 1023) + "ü" + "y": strings.Repeat("x", 1023),
		"you sent Bearer k-4711-5678 and k-4711-5678":     "you sent [redacted] and [redacted]",
		secret + " " + secret[6:]:                         "[redacted] [redacted]",
		password + " " + url.QueryEscape(password):        "[redacted] [redacted]",
		`{"a":` + string(quoted) + `}`:                    `{"a":"[redacted]"}`,
		base64.StdEncoding.EncodeToString([]byte(secret)): "[redacted]",
		strings.Repeat("x", 1020) + "k-4711-5678":         strings.Repeat("x", 1020) + "[red",
	} {
		r.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		sent := send(t, sink, event(`{}`))
		require.NoError(t, sent.Err)
		require.Equal(t, want, sent.Response)
		require.True(t, utf8.ValidString(sent.Response))
	}
	// What is read ends within a secret, and everything before that shrinks.
	long := strings.Repeat("0123456789", 90)
	sink = connect(t, r.server.URL, `{"secret_headers":{"X-A":"`+long+`"}}`)
	r.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat(long+" ", 20)) })
	sent := send(t, sink, event(`{}`))
	require.NotContains(t, sent.Response, "0123")
	r.answers(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, long+" "+strings.Repeat(" x", 2000)+strings.Repeat(long+" ", 20))
	})
	sent = send(t, sink, event(`{}`))
	require.Equal(t, "[redacted]  x x", sent.Response[:15])
	require.NotContains(t, sent.Response, "0123")
}

func TestAnAnswerWithoutAnEndHoldsNobody(t *testing.T) {
	t.Parallel()
	compressed := new(bytes.Buffer)
	bomb := gzip.NewWriter(compressed)
	_, _ = bomb.Write(make([]byte, 16<<20))
	require.NoError(t, bomb.Close())
	for name, answer := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		},
		"drips": func(w http.ResponseWriter, q *http.Request) {
			_, _ = io.WriteString(w, "first")
			_ = http.NewResponseController(w).Flush()
			<-q.Context().Done()
		},
		"bomb": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(compressed.Bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			r.answers(answer)
			sink := connect(t, r.server.URL, `{"timeout":30}`)
			began := time.Now()
			sent := send(t, sink, event(`{}`))
			require.NoError(t, sent.Err, "its status has said that it has the event")
			require.LessOrEqual(t, len(sent.Response), core.MaxResponseExcerpt)
			require.Less(t, time.Since(began), 20*time.Second)
		})
	}
}

func TestAReceiverThatIsSlowIsGivenUp(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answers(func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	sent := send(t, connect(t, r.server.URL, `{"timeout":1}`), event(`{}`))
	require.ErrorContains(t, sent.Err, "the receiver has not answered within 1 s")
	require.Equal(t, core.TryAgain, sent.Verdict)
}

func TestNonsenseIsAnError(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no HTTP": "hello\r\n\r\n", "nothing": "", "half a header": "HTTP/1.1 200 OK\r\nX-A: b", "a huge header": "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 1<<20) + "\r\n\r\n",
		"many 1xx": strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = listener.Close() })
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = conn.Read(make([]byte, 4096))
					_, _ = io.WriteString(conn, answer)
					conn.Close()
				}
			}()
			sent := send(t, connect(t, "http://"+listener.Addr().String(), `{}`), event(`{}`))
			require.Error(t, sent.Err)
			require.NotContains(t, sent.Err.Error(), "127.0.0.1")
			require.Less(t, len(sent.Err.Error()), 600)
		})
	}
}

// A connection that was closed meanwhile costs no attempt.
func TestAStaleConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	sink := connect(t, r.server.URL, `{}`)
	for range 50 {
		require.NoError(t, send(t, sink, event(`{}`)).Err)
		r.server.CloseClientConnections()
	}
	require.Len(t, r.got(), 50)
}

// secure starts a receiver with TLS. HTTP/2 is spoken as both prefer it.
func secure(t *testing.T, config *tls.Config) (*receiver, *x509.CertPool, *atomic.Int64) {
	t.Helper()
	r, second := &receiver{}, new(atomic.Int64)
	r.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.ProtoMajor == 2 {
			second.Add(1)
		}
		r.ServeHTTP(w, q)
	}))
	r.server.TLS, r.server.EnableHTTP2 = config, true
	r.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.server.StartTLS()
	t.Cleanup(r.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(r.server.Certificate())
	return r, roots, second
}

func TestTLSIsVerified(t *testing.T) {
	t.Parallel()
	r, roots, second := secure(t, nil)
	trusting, _ := connectBy(t, webhook.New(webhook.Options{AllowPrivate: true, RootCAs: roots}), r.server.URL, `{}`)
	require.NoError(t, send(t, trusting, event(`{}`)).Err)
	require.EqualValues(t, 1, second.Load())
	require.ErrorContains(t, send(t, connect(t, r.server.URL, `{}`), event(`{}`)).Err, "certificate is not trusted: nobody whom this server trusts has signed it")
	named := strings.Replace(r.server.URL, "127.0.0.1", "localhost", 1)
	wrong, _ := connectBy(t, webhook.New(webhook.Options{AllowPrivate: true, RootCAs: roots}), named, `{}`)
	require.ErrorContains(t, send(t, wrong, event(`{}`)).Err, "it is for another host")

	old, roots, _ := secure(t, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10})
	outdated, _ := connectBy(t, webhook.New(webhook.Options{AllowPrivate: true, RootCAs: roots}), old.server.URL, `{}`)
	require.ErrorContains(t, send(t, outdated, event(`{}`)).Err, "the request failed")
	require.Empty(t, old.got())

	plain := newReceiver(t)
	require.ErrorContains(t, send(t, connect(t, strings.Replace(plain.server.URL, "http:", "https:", 1), `{}`), event(`{}`)).Err, "the receiver")
}
