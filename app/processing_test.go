package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// hookReceiver takes webhooks as a receiver does that verifies them. Every third request it
// refuses.
type hookReceiver struct {
	*httptest.Server
	mu     sync.Mutex
	verify *standardwebhooks.Webhook
	asked  int
	wrong  error
	// bodies are what arrived, by the ids.
	bodies map[string]string
}

func newReceiver(t *testing.T) *hookReceiver {
	r := &hookReceiver{bodies: map[string]string{}}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

// trust has the receiver verify signatures by a secret from now on.
func (r *hookReceiver) trust(t *testing.T, secret string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	r.verify, err = standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
}

func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked++; r.asked%3 == 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if err := r.verify.Verify(body, request.Header); err != nil {
		r.wrong = err
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	r.bodies[request.Header.Get("webhook-id")] = string(body)
}

// got returns what arrived so far.
func (r *hookReceiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	bodies := make([]string, 0, len(r.bodies))
	for _, body := range r.bodies {
		bodies = append(bodies, body)
	}
	return bodies
}

// TestEventsAreFilteredTransformedAndSent: what passes arrives at a webhook, signed, and
// in another stream, on each store.
func TestEventsAreFilteredTransformedAndSent(t *testing.T) {
	t.Parallel()
	withNeighbours(t, []string{"EVENTFLOW_ALLOW_PRIVATE_DESTINATIONS=true"}, func(t *testing.T, n neighbours) {
		ctx, client := t.Context(), n.server.client(n.keyOf("them", core.RoleAdmin))
		to := newReceiver(t)
		spec := core.ProcessorSpec{
			Filter: `type == "order.paid" && payload.n >= 10`, Transform: `.type = "paid" | .payload = {amount: .payload.n}`,
			Destination: fmt.Appendf(nil, `{"type":"webhook","url":%q,"format":"payload"}`, to.URL),
		}
		spec.Name, spec.Backoff, spec.MaxAttempts = "hook", &core.BackoffSpec{Initial: new(core.Seconds(10 * time.Millisecond))}, new(50)
		hook, err := client.CreateProcessor(ctx, "orders", spec)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(hook.Secret, "whsec_"), hook.Secret)
		to.trust(t, hook.Secret)
		_, err = client.CreateStream(ctx, core.StreamSpec{Name: "copies"})
		require.NoError(t, err)
		spec.Name, spec.Destination = "copy", []byte(`{"type":"stream","stream":"copies"}`)
		_, err = client.CreateProcessor(ctx, "orders", spec)
		require.NoError(t, err)

		const events = 40
		for i := range events {
			_, err := client.Publish(ctx, "orders", rest.NewEvent{Type: []string{"order.paid", "order.made"}[i%2], Payload: []byte(`{"n":` + strconv.Itoa(i) + `}`)})
			require.NoError(t, err)
		}
		var want []string
		for i := 10; i < events; i += 2 {
			want = append(want, `{"amount":`+strconv.Itoa(i)+`}`)
		}
		require.Eventually(t, func() bool { return len(to.got()) == len(want) }, patience, 10*time.Millisecond)
		require.ElementsMatch(t, want, to.got())
		require.NoError(t, to.wrong)
		var copies []string
		require.Eventually(t, func() bool {
			page, err := client.EventsPage(ctx, "copies", core.EventQuery{Limit: 100})
			require.NoError(t, err)
			copies = copies[:0]
			for _, event := range page.Items {
				require.Equal(t, "paid", event.Type)
				copies = append(copies, string(event.Payload))
			}
			return len(copies) >= len(want)
		}, patience, 10*time.Millisecond)
		require.Equal(t, want, copies, "in order, once")
		require.Eventually(t, func() bool {
			view, err := client.Processor(ctx, "orders", "hook")
			require.NoError(t, err)
			return view.Status.Lag == 0 && view.LastDay.Delivered == int64(len(want)) && view.LastDay.Filtered == int64(events-len(want)) && view.LastDay.Failed > 0
		}, patience, 10*time.Millisecond)
		failures, err := client.Deliveries(ctx, "orders", "hook", core.Retrying, "", 10)
		require.NoError(t, err)
		require.Equal(t, http.StatusServiceUnavailable, failures.Items[0].Status)

		rotated, err := client.RotateSecret(ctx, "orders", "hook", core.Seconds(time.Hour))
		require.NoError(t, err)
		_, err = client.Publish(ctx, "orders", rest.NewEvent{Type: "order.paid", Payload: []byte(`{"n":100}`)})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return len(to.got()) == len(want)+1 }, patience, 10*time.Millisecond, "the old secret is still good")
		to.trust(t, rotated.Secret)
		_, err = client.Publish(ctx, "orders", rest.NewEvent{Type: "order.paid", Payload: []byte(`{"n":101}`)})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return len(to.got()) == len(want)+2 }, patience, 10*time.Millisecond, "and so is the new one")
		require.NoError(t, to.wrong)

		_, err = n.server.client(n.mine).Processor(ctx, "orders", hook.ID.String())
		require.Equal(t, core.CodeNotFound, core.CodeOf(err), "another organization's processor is not there")
		_, err = n.server.client(n.keyOf("them", core.RoleProducer)).CreateProcessor(ctx, "orders", spec)
		require.Equal(t, core.CodeForbidden, core.CodeOf(err), "a producer makes none")
	})
}

// TestNoProcessorReachesAPrivateAddress: unless whoever runs the server allows it.
func TestNoProcessorReachesAPrivateAddress(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	server := h.serve()
	client := server.client(h.key())
	ctx := t.Context()
	_, err := client.CreateStream(ctx, core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	var asked sync.Once
	reached := make(chan struct{})
	to := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Do(func() { close(reached) }) }))
	t.Cleanup(to.Close)
	for i, target := range []string{
		to.URL, strings.Replace(to.URL, "127.0.0.1", "localhost", 1), strings.Replace(to.URL, "127.0.0.1", "2130706433", 1),
		strings.Replace(to.URL, "127.0.0.1", "0x7f.1", 1), strings.Replace(to.URL, "127.0.0.1", "[::ffff:127.0.0.1]", 1), "http://169.254.169.254/latest/meta-data/",
	} {
		for kind, destination := range map[string]string{
			"webhook": `{"type":"webhook","url":%q}`, "objects": `{"type":"objectstore","endpoint":%q,"bucket":"events","access_key":"a","secret_key":"b"}`,
			"mirror": `{"type":"eventflow","url":%q,"stream":"orders","api_key":"ef_live_0123456789012345678901234567890123"}`,
		} {
			spec := core.ProcessorSpec{Destination: fmt.Appendf(nil, destination, target)}
			spec.Name = kind + strconv.Itoa(i)
			if _, err := client.CreateProcessor(ctx, "orders", spec); err != nil {
				require.Equal(t, core.CodeValidation, core.CodeOf(err), "%v", err)
				continue // it is refused when it is said, where that can be seen
			}
			sent, err := client.SendTest(ctx, "orders", spec.Name)
			require.NoError(t, err)
			require.NotEqual(t, core.Delivered, sent.Outcome, "%s to %s", kind, target)
		}
	}
	select {
	case <-reached:
		require.Fail(t, "a private address was reached")
	default:
	}
}
