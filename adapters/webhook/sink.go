package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/core"
)

// batchBytes bounds the events of a request.
const batchBytes = 4 << 20

// sink sends to one URL.
type sink struct {
	settings  *settings
	url       *url.URL
	header    http.Header
	signer    signer
	redactor  redactor
	transport http.RoundTripper
	breaker   breaker
}

// newTransport returns a transport that reaches what a destination may reach. It asks no
// proxy, which would connect to anything in its stead.
func newTransport(c connector, s *settings) *http.Transport {
	t := destination.Transport(reach.New(c.reach(s)).Dial)
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.options.RootCAs}
	t.ForceAttemptHTTP2 = true // which a dialler of one's own turns off
	const ping = 10 * time.Second
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: ping, PingTimeout: ping} // or a dead connection is used on and on
	t.MaxIdleConnsPerHost = s.Parallel
	t.MaxResponseHeaderBytes = 32 << 10
	return t
}

func newSink(s *settings, secret *secrets, transport http.RoundTripper) (*sink, error) {
	target, err := url.Parse(s.URL)
	if err != nil {
		return nil, errors.New("the stored URL of a webhook cannot be read")
	}
	signer, ok := newSigner(secret)
	if !ok {
		return nil, errors.New("the stored secret of a webhook cannot be read")
	}
	w := &sink{settings: s, url: target, header: http.Header{}, signer: signer, redactor: newRedactor(secret), transport: transport}
	for _, headers := range []map[string]string{s.Headers, secret.Headers} {
		for name, value := range headers {
			w.header[textproto.CanonicalMIMEHeaderKey(name)] = []string{value}
		}
	}
	w.header["User-Agent"] = []string{"EventFlow"}
	return w, nil
}

// Traits implements [core.Sink].
func (w *sink) Traits() core.SinkTraits {
	return core.SinkTraits{Batch: *w.settings.Batch, BatchBytes: batchBytes, Parallel: w.settings.Parallel}
}

// Close implements [core.Sink].
func (w *sink) Close() error {
	if t, ok := w.transport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
	return nil
}

// Send implements [core.Sink].
func (w *sink) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	results := make([]core.Sent, 0, len(events))
	for some := range slices.Chunk(events, *w.settings.Batch) {
		results = append(results, destination.All(len(some), w.post(ctx, some))...)
	}
	return results
}

// post sends one request, unless the receiver could not be reached for a while.
func (w *sink) post(ctx context.Context, events []core.Outgoing) core.Sent {
	probe, wait := w.breaker.enter(time.Now())
	if wait > 0 {
		return core.Sent{
			Err:     fmt.Errorf("not sent: the receiver could not be reached %d times in a row, and is tried again in %s", trips, wait.Round(time.Second/10)),
			Verdict: core.NotSent, After: wait,
		}
	}
	sent, how := w.exchange(ctx, events)
	w.breaker.leave(probe, time.Now(), how)
	return sent
}

// errNoAnswer is the cause of the end of a request that took too long.
var errNoAnswer = errors.New("no answer in time")

// exchange sends one request and reads the answer.
func (w *sink) exchange(ctx context.Context, events []core.Outgoing) (core.Sent, outcome) {
	if err := ctx.Err(); err != nil {
		return core.Sent{Err: fmt.Errorf("not sent: %w", err)}, unknown
	}
	ctx, cancel := context.WithTimeoutCause(ctx, w.settings.Timeout.Duration(), errNoAnswer)
	defer cancel()
	response, err := w.transport.RoundTrip(w.request(ctx, events)) //nolint:bodyclose // excerpt closes it
	if err != nil {
		text, how := w.explain(ctx, err)
		return core.Sent{Err: errors.New(w.redactor.redact(text))}, how
	}
	sent := judge(response.StatusCode, response.Header, time.Now())
	sent.Response = w.excerpt(response.Body, cancel)
	return sent, reached
}

// request makes a request. RoundTrip follows no redirects.
func (w *sink) request(ctx context.Context, events []core.Outgoing) *http.Request {
	const others = 12
	header := make(http.Header, len(w.header)+others)
	maps.Copy(header, w.header)
	body := w.settings.encode(events, header)
	id, now := w.settings.idOf(events), time.Now()
	header["Webhook-Id"] = []string{id}
	header["Webhook-Timestamp"] = []string{strconv.FormatInt(now.Unix(), 10)}
	header["Webhook-Signature"] = []string{w.signer.sign(id, now, body)}
	if *w.settings.Batch == 1 { // a batch has many traces
		if parent := traceparentOf(&events[0].Event); parent != "" {
			header["Traceparent"] = []string{parent}
		}
	}
	// The receiver knows what it gets twice by its id, so a connection that was closed
	// meanwhile needs no attempt. An empty value lets the transport repeat, and is not sent.
	header["Idempotency-Key"] = nil
	request := &http.Request{
		Method: http.MethodPost, URL: w.url, Host: w.url.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)), Body: http.NoBody,
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
	}
	if len(body) > 0 {
		request.Body, _ = request.GetBody()
	}
	return request.WithContext(ctx)
}
