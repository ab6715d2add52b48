package webhook

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/adapters/destination/reach"
	"github.com/eventflow-go/eventflow/core"
)

// longestAfter bounds how long a receiver may ask to be left alone.
const longestAfter = time.Hour

// judge says what an answer means. Only 2xx takes an event. A 4xx is no verdict on the
// event: a receiver that is deployed with a mistake, or loses its route, answers 404 to
// events that it wants. So everything but 410 is tried again, as Standard Webhooks has it.
func judge(status int, header http.Header, now time.Time) core.Sent {
	sent := core.Sent{Status: status}
	switch {
	case status/100 == 2:
	case status == http.StatusGone:
		sent.Verdict = core.TurnedAway
		sent.Err = errors.New("the receiver answered 410 Gone")
	case status/100 == 3:
		sent.Err = fmt.Errorf("the receiver answered %s: redirects are not followed, so give the final URL", named(status))
	default:
		sent.Err = fmt.Errorf("the receiver answered %s", named(status))
		if status == http.StatusTooManyRequests || status/100 == 5 {
			sent.After = retryAfter(header.Get("Retry-After"), now)
		}
	}
	return sent
}

func named(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// retryAfter reads a number of seconds or a date of HTTP.
func retryAfter(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, longestAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), longestAfter)
	}
	return 0
}

const (
	// bodyPatience is how long the beginning of an answer's body may take. What the
	// answer means is in its status, so nothing is lost.
	bodyPatience = 2 * time.Second
	// bodyRead is how much of it is read. A body that ends within it leaves its
	// connection fit for the next request.
	bodyRead = 8 << 10
)

// excerpt returns the beginning of an answer without secrets, and closes it.
func (w *sink) excerpt(body io.ReadCloser, stop func()) string {
	defer body.Close()
	timer := time.AfterFunc(bodyPatience, stop)
	defer timer.Stop()
	read, _ := io.ReadAll(io.LimitReader(body, bodyRead))
	text := w.redactor.redact(string(read))
	if len(read) == bodyRead { // the end may be the beginning of a secret, which is not known by it
		text = text[:max(0, len(text)-w.redactor.longest)]
	}
	return cut(text, core.MaxResponseExcerpt)
}

// cut returns the beginning of a text as valid UTF-8 without control characters.
func cut(text string, n int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r == 0x7f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	if len(text) <= n {
		return text
	}
	return strings.ToValidUTF8(text[:n], "")
}

// explain says why there was no answer, in words that tell nothing of the networks around
// this server: the library's own would name its resolver and the addresses of names.
func (w *sink) explain(ctx context.Context, err error) (text string, how outcome) {
	var dns *net.DNSError
	if refused, ok := errors.AsType[*reach.RefusedError](err); ok {
		return "not sent: " + refused.Error(), unknown
	}
	switch {
	case errors.Is(context.Cause(ctx), errNoAnswer):
		return fmt.Sprintf("the receiver has not answered within %v s", w.settings.Timeout.Duration().Seconds()), lost
	case ctx.Err() != nil:
		return "stopped before the receiver answered: " + ctx.Err().Error(), unknown
	case errors.As(err, &dns) && dns.IsNotFound:
		return "there is no host " + w.url.Hostname(), lost
	case errors.As(err, &dns):
		return "the address of the host " + w.url.Hostname() + " cannot be looked up", lost
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the receiver refuses connections", lost
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the connection was closed before there was an answer", lost
	}
	return explainTLS(err), lost
}

func explainTLS(err error) string {
	var timeout net.Error
	switch certificate, ok := errors.AsType[*tls.CertificateVerificationError](err); {
	case ok:
		return "the receiver's certificate is not trusted: " + cut(explainCertificate(certificate.Err), core.MaxResponseExcerpt/2)
	case isType[tls.RecordHeaderError](err):
		return "the receiver does not speak TLS"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the receiver does not take connections in time"
	}
	for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
		err = inner
	}
	return "the request failed: " + cut(err.Error(), core.MaxResponseExcerpt/2)
}

func explainCertificate(err error) string {
	switch {
	case isType[x509.UnknownAuthorityError](err):
		return "nobody whom this server trusts has signed it"
	case isType[x509.HostnameError](err):
		return "it is for another host"
	}
	return err.Error()
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
