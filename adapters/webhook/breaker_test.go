package webhook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// fake is a receiver without a network, so that a test has its own time.
type fake struct {
	requests atomic.Int64
	answer   atomic.Pointer[func(*http.Request) (*http.Response, error)]
}

// RoundTrip implements [http.RoundTripper].
func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.requests.Add(1)
	return (*f.answer.Load())(r)
}

func (f *fake) set(answer func(*http.Request) (*http.Response, error)) { f.answer.Store(&answer) }

func status(code int, headers ...string) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) {
		header := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: code, Header: header, Body: http.NoBody}, nil
	}
}

func refuses(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

func hangs(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func begin(t *testing.T, answer func(*http.Request) (*http.Response, error)) (*sink, *fake) {
	t.Helper()
	s, err := read([]byte(`{"url":"http://example.com/","timeout":5}`))
	require.NoError(t, err)
	f := &fake{}
	f.set(answer)
	w, err := newSink(s, &secrets{Secret: newSecret()}, f)
	require.NoError(t, err)
	return w, f
}

func one(ctx context.Context, w *sink) core.Sent {
	return w.Send(ctx, []core.Outgoing{{Event: core.Event{Payload: []byte(`{}`)}}})[0]
}

// While a receiver cannot be reached, requests fail at once, and are told how long.
func TestAReceiverThatIsAwayIsTriedNowAndThen(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func(*http.Request) (*http.Response, error){"refuses": refuses, "hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, f := begin(t, answer)
				for range trips {
					require.Zero(t, one(t.Context(), w).After)
				}
				require.EqualValues(t, trips, f.requests.Load())
				for probe, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
					pause := time.Duration(seconds) * time.Second
					before := time.Now()
					for range 100 {
						sent := one(t.Context(), w)
						require.Equal(t, pause, sent.After)
						require.ErrorContains(t, sent.Err, "not sent: the receiver could not be reached 5 times in a row")
						require.Equal(t, core.NotSent, sent.Verdict, "and it is no attempt")
					}
					require.Zero(t, time.Since(before), "nobody waits for a receiver that is away")
					time.Sleep(pause)
					require.Error(t, one(t.Context(), w).Err)
					require.EqualValues(t, trips+probe+1, f.requests.Load())
				}
				time.Sleep(longestPause)
				f.set(status(500))
				require.Equal(t, 500, one(t.Context(), w).Status, "who answers 500 is there")
				f.set(status(204))
				for range 10 {
					require.NoError(t, one(t.Context(), w).Err)
				}
			})
		})
	}
}

func TestOneProbeAtATimeIsMade(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := begin(t, refuses)
		for range trips {
			one(t.Context(), w)
		}
		f.set(hangs)
		time.Sleep(firstPause)
		var after atomic.Int64
		for range 20 {
			go func() {
				if one(t.Context(), w).After > 0 {
					after.Add(1)
				}
			}()
		}
		synctest.Wait()
		require.EqualValues(t, trips+1, f.requests.Load())
		require.EqualValues(t, 19, after.Load())
		time.Sleep(time.Minute)
	})
}

// Requests that their sender gives up say nothing of the receiver, and neither do many
// failures at once say more than a few.
func TestOnlyTheReceiversFailuresCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := begin(t, hangs)
		for range 3 * trips {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			require.ErrorContains(t, one(ctx, w).Err, "stopped before the receiver answered")
			cancel()
		}
		for range 64 {
			go one(t.Context(), w)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		require.Equal(t, firstPause, one(t.Context(), w).After)
		f.set(status(200))
		time.Sleep(firstPause)
		require.NoError(t, one(t.Context(), w).Err)
		require.NoError(t, one(t.Context(), w).Err)
	})
}

// A probe that is given up lets the next one through.
func TestAProbeThatIsGivenUpIsMadeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, f := begin(t, refuses)
		for range trips {
			one(t.Context(), w)
		}
		f.set(hangs)
		time.Sleep(firstPause)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, one(ctx, w).Err)
		f.set(status(200))
		require.NoError(t, one(t.Context(), w).Err)
	})
}

func TestTheFormerSecretEndsByItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &secrets{Secret: newSecret()}
		k.rotate(time.Now(), time.Hour)
		s, err := read([]byte(`{"url":"http://example.com/"}`))
		require.NoError(t, err)
		f := &fake{}
		w, err := newSink(s, k, f)
		require.NoError(t, err)
		signatures := 0
		f.set(func(r *http.Request) (*http.Response, error) {
			signatures = len(strings.Fields(r.Header.Get("Webhook-Signature")))
			return status(200)(r)
		})
		one(t.Context(), w)
		require.Equal(t, 2, signatures)
		time.Sleep(time.Hour - 1)
		one(t.Context(), w)
		require.Equal(t, 2, signatures)
		time.Sleep(time.Nanosecond)
		one(t.Context(), w)
		require.Equal(t, 1, signatures)
	})
}

func TestAReceiverSaysHowLongItWantsToBeLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for _, test := range []struct {
			status int
			text   string
			after  time.Duration
		}{
			{429, "120", 2 * time.Minute},
			{503, " 7 ", 7 * time.Second},
			{500, "1", time.Second},
			{502, "0", 0},
			{429, in(time.Minute), time.Minute},
			{503, in(-time.Minute), 0},
			{503, in(48 * time.Hour), longestAfter},
			{429, "86400", longestAfter},
			{429, "2147483647", longestAfter},
			{429, "99999999999999999999", 0},
			{429, "-1", 0},
			{429, "1.5", 0},
			{429, "soon", 0},
			{429, "", 0},
			{404, "60", 0},
			{200, "60", 0},
			{301, "60", 0},
			{410, "60", 0},
		} {
			w, _ := begin(t, status(test.status, "Retry-After", test.text))
			require.Equal(t, test.after, one(t.Context(), w).After, "%d %q", test.status, test.text)
		}
	})
}

// What net/http says of a failure may name addresses that a name means inside, and the
// name server.
func TestFailuresTellNothingOfTheNetwork(t *testing.T) {
	t.Parallel()
	w, _ := begin(t, nil)
	inner := errors.New("dial tcp 10.1.2.3:80: lookup db.internal on 10.0.0.53:53")
	for err, want := range map[error]string{
		&wrapped{"dial tcp 10.1.2.3:80: connect: connection refused", syscall.ECONNREFUSED}: "the receiver refuses connections",
		&wrapped{"read tcp 10.1.2.3:80: connection reset", syscall.ECONNRESET}:              "the connection was closed before there was an answer",
		&wrapped{"dial tcp 10.1.2.3:80: no route to host", syscall.EHOSTUNREACH}:            "the request failed: no route to host",
		&wrapped{inner.Error(), errors.New("something")}:                                    "the request failed: something",
	} {
		text, how := w.explain(t.Context(), err)
		require.Equal(t, want, text)
		require.Equal(t, lost, how)
	}
}

type wrapped struct {
	text string
	err  error
}

func (w *wrapped) Error() string { return w.text }
func (w *wrapped) Unwrap() error { return w.err }
