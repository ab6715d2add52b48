package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// A client that hung up while it waited must not take events with it.
func TestAPollerThatHungUpGetsNoRun(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	conn, err := net.Dial("tcp", f.address)
	require.NoError(t, err)
	_, err = fmt.Fprintf(conn, "GET /api/v1/streams/orders/consumer-groups/mail/events?timeout=60 HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n\r\n", f.key)
	require.NoError(t, err)
	f.waiting(1)
	require.NoError(t, conn.Close())
	f.publish("orders", 3)
	require.Eventually(t, func() bool { return f.server.Polls() == 0 }, patience, time.Millisecond)
	delivery, err := f.client.Poll(context.Background(), "orders", "mail", rest.PollOptions{})
	require.NoError(t, err)
	require.Len(t, delivery.Events, 3)
	require.Equal(t, 1, delivery.Events[0].Attempt)
}

// A poll lasts as long as it asks to, however short the time for sending a
// request is.
func TestAPollOutlastsTheTimeForReadingIt(t *testing.T) {
	t.Parallel()
	f := start(t, withLimits(server.Limits{ReadTimeout: time.Second}))
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.group("orders", "other", core.Ordered, 3)
	conn, err := net.Dial("tcp", f.address)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = fmt.Fprintf(conn, "GET %s/mail/events?timeout=30 HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n\r\n", groups, f.key)
	require.NoError(t, err)
	f.waiting(1)
	require.Equal(t, 200, f.do("GET", groups+"/other/events?timeout=1.2", nil).StatusCode, "this takes longer than reading may")
	f.publish("orders", 1)
	got, _ := readReply(t, conn)
	require.Equal(t, 200, got.StatusCode)
	var delivery rest.Delivery
	require.NoError(t, json.Unmarshal(got.body, &delivery))
	require.Len(t, delivery.Events, 1)
}

// waiting returns when so many polls wait.
func (f *fixture) waiting(n int64) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.server.Polls() == n }, patience, time.Millisecond)
}

func TestAStoppingServerLetsPollsAndTailsGo(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	type answer struct {
		delivery rest.Delivery
		err      error
	}
	polled := make(chan answer, 1)
	go func() {
		delivery, err := f.client.Poll(context.Background(), "orders", "mail", rest.PollOptions{Wait: time.Minute})
		polled <- answer{delivery, err}
	}()
	live := f.live("orders", "")
	f.waiting(1)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	require.NoError(t, f.server.Shutdown(ctx))
	got := <-polled
	require.NoError(t, got.err)
	require.Empty(t, got.delivery.Events)
	_, err := io.ReadAll(live)
	require.NoError(t, err, "the tail ends")
}

func TestAnOrderedConsumerKeepsTheOrder(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.publish("orders", 30)
	ctx, stop := context.WithCancel(context.Background())
	var seen []core.Offset
	failures := map[core.Offset]int{4: 2, 17: 1}
	err := f.client.Consume(ctx, "orders", "mail", func(_ context.Context, event rest.DeliveredEvent) error {
		if failures[event.Offset]--; failures[event.Offset] >= 0 {
			return errors.New("not yet")
		}
		seen = append(seen, event.Offset)
		if event.Offset == 29 {
			stop()
		}
		return nil
	}, rest.ConsumeOptions{Limit: 10})
	require.NoError(t, err)
	require.Len(t, seen, 30)
	for i, offset := range seen {
		require.EqualValues(t, i, offset)
	}
	status, err := f.client.Lag(context.Background(), "orders", "mail")
	require.NoError(t, err)
	require.Zero(t, status.Lag)
	require.EqualValues(t, 29, status.CommittedOffset)
	require.NotNil(t, status.CommittedAt)
}

func TestAConsumerThatStopsGivesTheRestBack(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.publish("orders", 5)
	ctx, stop := context.WithCancel(context.Background())
	err := f.client.Consume(ctx, "orders", "mail", func(handling context.Context, event rest.DeliveredEvent) error {
		if event.Offset == 1 {
			stop()
			require.NoError(t, handling.Err(), "stopping does not interrupt a handler")
		}
		return nil
	}, rest.ConsumeOptions{})
	require.NoError(t, err)
	delivery, err := f.client.Poll(context.Background(), "orders", "mail", rest.PollOptions{})
	require.NoError(t, err)
	require.Len(t, delivery.Events, 3, "the rest is there at once, not after the visibility time")
	require.EqualValues(t, 2, delivery.Events[0].Offset)
	require.Equal(t, 1, delivery.Events[0].Attempt, "what was given back untouched was no attempt")
}

func TestAConsumerWithoutAGroupEnds(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	err := f.client.Consume(context.Background(), "orders", "none", nil, rest.ConsumeOptions{})
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
}

// Whoever speaks CloudEvents is delivered to in them: the events in the body,
// the lease in headers.
func TestADeliveryInCloudEvents(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 3)
	f.publish("orders", 2)
	live := f.live("orders", "?after=0", "Accept: "+cloudevents.TypeEvent)
	got := f.do("GET", groups+"/mail/events", nil, "Accept: "+cloudevents.TypeBatch)
	require.Equal(t, cloudevents.TypeBatch, strings.Split(got.Header.Get("Content-Type"), ";")[0])
	var events []map[string]any
	require.NoError(t, json.Unmarshal(got.body, &events), "%s", got.body)
	require.Len(t, events, 2)
	require.Equal(t, []any{"1.0", "made", float64(1)}, []any{events[1]["specversion"], events[1]["type"], events[1]["eventflowattempt"]})
	require.Equal(t, "2", got.Header.Get(rest.HeaderNextOffset))
	require.NotEmpty(t, got.Header.Get(rest.HeaderLeaseExpires))
	settled := f.do("POST", groups+"/mail/ack", strings.NewReader(`{"lease":"`+got.Header.Get(rest.HeaderLease)+`"}`))
	require.Equal(t, 204, settled.StatusCode)
	b := make([]byte, 2000)
	n, err := live.Read(b)
	for err == nil && !strings.Contains(string(b[:n]), "specversion") {
		var more int
		more, err = live.Read(b[n:])
		n += more
	}
	require.NoError(t, err)
	require.Contains(t, string(b[:n]), `"specversion":"1.0"`)
}

// A consumer settles what it can process. What it cannot process becomes a dead
// letter after its attempts, or at once.
func TestAConsumerSettlesByWhatItsHandlerReturns(t *testing.T) {
	t.Parallel()
	f := start(t)
	ctx, stop := context.WithCancel(t.Context())
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 2)
	f.publish("orders", 4)
	var handled atomic.Int32
	consumed := make(chan error, 1)
	go func() {
		consumed <- f.client.Consume(ctx, "orders", "mail", func(_ context.Context, event rest.DeliveredEvent) error {
			defer handled.Add(1)
			switch event.Offset {
			case 1:
				return errors.New("the address is empty")
			case 2:
				return rest.Permanent(errors.New("there is no such customer"))
			}
			return nil
		}, rest.ConsumeOptions{})
	}()
	require.Eventually(t, func() bool { return f.status("mail").Lag == 0 }, patience, 5*time.Millisecond)
	stop()
	require.NoError(t, <-consumed)
	require.EqualValues(t, 5, handled.Load())
	attempts := map[core.Offset]int{}
	for letter, err := range f.client.DeadLetters(t.Context(), core.LetterQuery{Stream: "orders"}) {
		require.NoError(t, err)
		attempts[letter.Event.Offset] = len(letter.Attempts)
	}
	require.Equal(t, map[core.Offset]int{1: 2, 2: 1}, attempts)
}

func TestAPollThatWaitsIsAnsweredWhenAnEventComes(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 5)
	polled := make(chan rest.Delivery)
	go func() {
		delivery, _ := f.client.Poll(t.Context(), "orders", "mail", rest.PollOptions{Wait: time.Minute})
		polled <- delivery
	}()
	f.waiting(1)
	f.publish("orders", 1)
	delivery := <-polled
	require.Len(t, delivery.Events, 1)
	require.EqualValues(t, 1, delivery.NextOffset)
	committed, err := f.client.Commit(t.Context(), "orders", "mail", rest.CommitRequest{LastEventID: &delivery.Events[0].ID, Lease: &delivery.Lease.ID})
	require.NoError(t, err)
	require.Equal(t, [2]any{rest.StatusCommitted, core.Offset(0)}, [2]any{committed.Status, committed.Offset})
}
