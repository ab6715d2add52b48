package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// publish sends n events to a stream.
func (f *fixture) publish(stream string, n int) {
	f.t.Helper()
	events := make([]rest.NewEvent, n)
	for i := range events {
		events[i] = rest.NewEvent{Type: "made", Payload: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}
	}
	result, err := f.client.PublishBatch(context.Background(), stream, events)
	require.NoError(f.t, err)
	require.Zero(f.t, result.Rejected)
}

// group makes a group whose retries come at once.
func (f *fixture) group(stream, name string, mode core.Mode, attempts int) core.Group {
	f.t.Helper()
	var none core.Seconds
	group, err := f.client.CreateGroup(context.Background(), stream, core.GroupSpec{
		Name: name, Mode: mode, MaxAttempts: &attempts, Backoff: &core.BackoffSpec{Initial: &none, Max: &none},
	})
	require.NoError(f.t, err)
	return group
}

// A consumer settles what it can process, and what it cannot becomes a dead
// letter after its attempts.
func ExampleClient_Consume() {
	t := &exampleT{}
	defer t.end()
	f := start(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	f.stream("orders")
	f.group("orders", "mail", core.Shared, 2)
	f.publish("orders", 4)

	consumed := make(chan error, 1)
	var handled atomic.Int32
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
	for status := (core.GroupStatus{Lag: 1}); status.Lag > 0; {
		status, _ = f.client.Lag(ctx, "orders", "mail")
	}
	stop()
	fmt.Println(<-consumed, handled.Load())
	for letter, err := range f.client.DeadLetters(context.Background(), core.LetterQuery{Stream: "orders"}) {
		fmt.Println(letter.Event.Offset, len(letter.Attempts), letter.Reason, err)
	}
	// Unordered output:
	// <nil> 5
	// 1 2 the address is empty <nil>
	// 2 1 there is no such customer <nil>
}

// A poll that waits is answered when an event comes.
func ExampleClient_Poll() {
	t := &exampleT{}
	defer t.end()
	f := start(t)
	ctx := context.Background()
	f.stream("orders")
	f.group("orders", "mail", core.Ordered, 5)
	polled := make(chan rest.Delivery)
	go func() {
		delivery, _ := f.client.Poll(ctx, "orders", "mail", rest.PollOptions{Wait: time.Minute})
		polled <- delivery
	}()
	f.publish("orders", 1)
	delivery := <-polled
	fmt.Println(len(delivery.Events), delivery.NextOffset)
	committed, err := f.client.Commit(ctx, "orders", "mail", rest.CommitRequest{LastEventID: &delivery.Events[0].ID, Lease: &delivery.Lease.ID})
	fmt.Println(committed.Status, committed.Offset, err)
	// Output:
	// 1 1
	// COMMITTED 0 <nil>
}

// A tail sees events as they come.
func ExampleClient_Tail() {
	t := &exampleT{}
	defer t.end()
	f := start(t)
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	f.stream("orders")
	f.publish("orders", 2)
	first := core.Offset(0)
	for item, err := range f.client.Tail(ctx, "orders", rest.TailOptions{After: &first}) {
		fmt.Println(item.Event.Offset, string(item.Event.Payload), err)
		if item.Event.Offset == 2 {
			break
		}
		f.publish("orders", 1)
	}
	// Output:
	// 1 {"n":1} <nil>
	// 2 {"n":0} <nil>
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
	require.Eventually(t, func() bool { return f.server.Polls() == 0 }, 5*time.Second, time.Millisecond)
	delivery, err := f.client.Poll(context.Background(), "orders", "mail", rest.PollOptions{})
	require.NoError(t, err)
	require.Len(t, delivery.Events, 3)
	require.Equal(t, 1, delivery.Events[0].Attempt)
}

// waiting returns when so many polls wait.
func (f *fixture) waiting(n int64) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.server.Polls() == n }, 5*time.Second, time.Millisecond)
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
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, f.server.Shutdown(ctx))
	got := <-polled
	require.NoError(t, got.err)
	require.Empty(t, got.delivery.Events)
	_, err := io.ReadAll(live)
	require.NoError(t, err, "the tail ends")
}

// live opens a tail.
func (f *fixture) live(stream, query string, headers ...string) io.Reader {
	f.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+f.address+rest.StreamEventsPath(stream)+"/live"+query, nil)
	require.NoError(f.t, err)
	request.Header.Set("X-API-Key", f.key)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { response.Body.Close() })
	require.Equal(f.t, http.StatusOK, response.StatusCode)
	require.Equal(f.t, rest.TypeEventStream, response.Header.Get("Content-Type"))
	require.Equal(f.t, "nosniff", response.Header.Get("X-Content-Type-Options"))
	return response.Body
}

func TestATailResumesAndFilters(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for _, kind := range []string{"a", "b", "a", "b"} {
		_, err := f.client.Publish(context.Background(), "orders", rest.NewEvent{Type: kind, Payload: json.RawMessage("{\n\"x\": 1\r\n}")})
		require.NoError(t, err)
	}
	read := func(live io.Reader, until string) string {
		var all []byte
		for !strings.Contains(string(all), until) {
			b := make([]byte, 1000)
			n, err := live.Read(b)
			require.NoError(t, err)
			all = append(all, b[:n]...)
		}
		return string(all)
	}
	got := read(f.live("orders", "?type=a", "Last-Event-ID: 0"), "\n\nid: 2\n")
	require.NotContains(t, got, `"offset":1`)
	require.NotContains(t, got, "\"x\":\n", "a message is one line")
	live := f.live("orders", "")
	f.publish("orders", 1)
	require.NotContains(t, read(live, "id: 4\n"), "id: 3", "without a place to resume, a tail begins at the end")
	for _, bad := range []string{"4000", "-1", "x", "99999999999999999999"} {
		got := f.do("GET", rest.StreamEventsPath("orders")+"/live", nil, "Last-Event-ID: "+bad)
		require.Equal(t, core.CodeValidation, got.problem(t).Code, bad)
	}
}

func TestASlowTailIsToldWhatItMissed(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	f.publish("orders", 10_000)
	f.publish("orders", 2_000)
	var skipped int64
	first := core.Offset(0)
	next := core.Offset(1)
	for item, err := range f.client.Tail(t.Context(), "orders", rest.TailOptions{After: &first}) {
		require.NoError(t, err)
		if item.Skipped > 0 {
			skipped += item.Skipped
			next += core.Offset(item.Skipped)
			continue
		}
		require.Equal(t, next, item.Event.Offset, "after what was skipped nothing is missing")
		if next++; next == 12_000 {
			break
		}
	}
	require.Positive(t, skipped)
}
