package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// How do I send one event? Publish returns when it is durable. With an
// idempotency key it may be sent again, whatever became of the first attempt.
func ExampleClient_Publish() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "orders"}))

	event := rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(`{"id": 1}`), IdempotencyKey: "order-1-paid"}
	receipt, err := client.Publish(ctx, "orders", event)
	fmt.Println(receipt.Status, receipt.Offset, receipt.Duplicate, err)
	receipt, err = client.Publish(ctx, "orders", event)
	fmt.Println(receipt.Status, receipt.Offset, receipt.Duplicate, err)
	// Output:
	// ACCEPTED 0 false <nil>
	// ACCEPTED 0 true <nil>
}

// What went wrong? Errors have the codes of the API, and those of the server
// know their status and their request's id.
func ExampleError() {
	ctx, client := context.Background(), newClient()
	_, err := client.Publish(ctx, "nowhere", rest.NewEvent{Type: "order.paid", Payload: json.RawMessage(`{"id": 1}`)})

	var answered *rest.Error
	switch {
	case !errors.As(err, &answered):
		fmt.Println("no answer, so the event may be stored or not:", err)
	case core.CodeOf(err) == core.CodeUnavailable:
		fmt.Println("worth another try")
	default:
		fmt.Println(answered.Status, core.CodeOf(err), answered.RequestID != "")
	}
	// Output:
	// 404 NOT_FOUND true
}

// How do I send many events at once, and which of them were refused? Each one
// has a result, in order; one that is refused does not touch the others.
func ExampleClient_PublishBatch() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "shipments"}))

	result, err := client.PublishBatch(ctx, "shipments", []rest.NewEvent{
		{Type: "shipment.sent", Payload: json.RawMessage(`{"id": 1}`)},
		{Payload: json.RawMessage(`{"id": 2}`)},
		{Type: "shipment.sent", Payload: json.RawMessage(`{"id": 3}`)},
	})
	if err != nil {
		fmt.Println("nothing is known of any of them:", err)
		return
	}
	fmt.Println(result.Accepted, "accepted,", result.Rejected, "refused")
	for _, item := range result.Results {
		if item.Status == rest.Rejected {
			fmt.Println(item.Index, item.Error.Code, item.Error.Message)
		}
	}
	// Output:
	// 2 accepted, 1 refused
	// 1 VALIDATION_ERROR events[1].event_type: is required
}

// How do I read events back? Events goes through the pages of a query.
func ExampleClient_Events() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "invoices"}))
	for _, kind := range []string{"invoice.sent", "invoice.paid", "invoice.sent"} {
		must(client.Publish(ctx, "invoices", rest.NewEvent{Type: kind, Payload: json.RawMessage(`{"amount": 12.50}`)}))
	}

	for event, err := range client.Events(ctx, "invoices", core.EventQuery{Filter: core.Filter{Type: "invoice.sent"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(event.Offset, event.Type, string(event.Payload))
	}
	// Output:
	// 0 invoice.sent {"amount": 12.50}
	// 2 invoice.sent {"amount": 12.50}
}

// How do I process events? Consume hands them to a function, one after the
// other, and settles each by what the function returns.
func ExampleClient_Consume() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "signups"}))
	must(client.CreateGroup(ctx, "signups", core.GroupSpec{Name: "welcome"}))
	for _, address := range []string{"ann@example.com", "", "test@example.com", "bob@example.com"} {
		must(client.Publish(ctx, "signups", rest.NewEvent{Type: "user.signed_up", Payload: json.RawMessage(`"` + address + `"`)}))
	}

	working, stop := context.WithCancel(ctx)
	err := client.Consume(working, "signups", "welcome", func(_ context.Context, event rest.DeliveredEvent) error {
		switch address := string(event.Payload); address {
		case `""`:
			return rest.Permanent(errors.New("there is no address")) // becomes a dead letter
		case `"test@example.com"`:
			return rest.ErrSkip // is of no interest
		case `"bob@example.com"`:
			stop() // ends Consume once this event is settled
			fallthrough
		default:
			fmt.Println("welcome", address)
			return nil
		}
	}, rest.ConsumeOptions{})
	fmt.Println(err)
	for letter, err := range client.DeadLetters(ctx, core.LetterQuery{Stream: "signups"}) {
		fmt.Println("offset", letter.Event.Offset, letter.Reason, err)
	}
	// Output:
	// welcome "ann@example.com"
	// welcome "bob@example.com"
	// <nil>
	// offset 1 there is no address <nil>
}

// How do I ack and nack by myself? Poll takes events under a lease, which Ack
// and Nack present.
func ExampleClient_Poll() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "payments"}))
	must(client.CreateGroup(ctx, "payments", core.GroupSpec{Name: "ledger", Mode: core.Shared}))
	for range 3 {
		must(client.Publish(ctx, "payments", rest.NewEvent{Type: "payment.made", Payload: json.RawMessage(`{"amount": 12.50}`)}))
	}

	delivery, err := client.Poll(ctx, "payments", "ledger", rest.PollOptions{Limit: 10, Wait: 5 * time.Second})
	if err != nil || delivery.Lease == nil {
		fmt.Println("no events", err)
		return
	}
	fmt.Println(len(delivery.Events), "events")
	lease, events := delivery.Lease.ID, delivery.Events
	fmt.Println(client.Ack(ctx, "payments", "ledger", lease, events[0].Offset, events[2].Offset))
	later := core.Seconds(time.Minute)
	fmt.Println(client.Nack(ctx, "payments", "ledger", lease, rest.Nack{
		Offset: &events[1].Offset, Action: core.NackRetry, Delay: &later, Reason: "the ledger is closed",
	}))
	status, err := client.Lag(ctx, "payments", "ledger")
	fmt.Println(status.Lag, "left", err)
	// Output:
	// 3 events
	// <nil>
	// <nil>
	// 1 left <nil>
}

// How do I commit by offset? Whoever knows up to where it got, as consumers of
// an ordered group do, settles all events up to there in one call.
func ExampleClient_Commit() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "readings"}))
	must(client.CreateGroup(ctx, "readings", core.GroupSpec{Name: "archive", Mode: core.Ordered}))
	for range 3 {
		must(client.Publish(ctx, "readings", rest.NewEvent{Type: "reading.taken", Payload: json.RawMessage(`21.5`)}))
	}

	delivery := must(client.Poll(ctx, "readings", "archive", rest.PollOptions{}))
	last := delivery.Events[len(delivery.Events)-1]
	committed, err := client.Commit(ctx, "readings", "archive", rest.CommitRequest{Offset: &last.Offset})
	fmt.Println(committed.Status, committed.Offset, err)
	// Output:
	// COMMITTED 2 <nil>
}

// How do I follow a stream live? Tail yields events as they are stored, and
// comes back by itself after the connection broke.
func ExampleClient_Tail() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "visits"}))
	visit := rest.NewEvent{Type: "page.visited", Payload: json.RawMessage(`{"path": "/"}`)}
	must(client.Publish(ctx, "visits", visit))

	start := core.Offset(-1) // before all events; without it, only those that come
	for item, err := range client.Tail(ctx, "visits", rest.TailOptions{After: &start}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(item.Event.Offset, item.Event.Type, string(item.Event.Payload))
		if item.Event.Offset == 1 {
			return
		}
		must(client.Publish(ctx, "visits", visit))
	}
	// Output:
	// 0 page.visited {"path": "/"}
	// 1 page.visited {"path": "/"}
}

// How do I replay dead letters? Those that match a filter go back to their
// groups, which get them again like any other event.
func ExampleClient_ReplayDeadLetters() {
	ctx, client := context.Background(), newClient()
	must(client.CreateStream(ctx, core.StreamSpec{Name: "refunds"}))
	must(client.CreateGroup(ctx, "refunds", core.GroupSpec{Name: "bank", Mode: core.Shared}))
	must(client.Publish(ctx, "refunds", rest.NewEvent{Type: "refund.asked", Payload: json.RawMessage(`{"amount": 5}`)}))
	refused := must(client.Poll(ctx, "refunds", "bank", rest.PollOptions{}))
	if err := client.Nack(ctx, "refunds", "bank", refused.Lease.ID, rest.Nack{
		Offset: &refused.Events[0].Offset, Action: core.NackPark, Reason: "the bank is closed",
	}); err != nil {
		fmt.Println(err)
		return
	}

	filter := rest.ReplayRequest{Stream: "refunds", Reason: "the bank is closed"}
	fmt.Println(must(client.CountReplay(ctx, filter)), "to replay")
	replay := must(client.ReplayDeadLetters(ctx, filter))
	for replay.State == core.ReplayRunning {
		<-time.After(50 * time.Millisecond)
		replay = must(client.Replay(ctx, replay.ID.String()))
	}
	fmt.Println(replay.State, replay.Done)
	again := must(client.Poll(ctx, "refunds", "bank", rest.PollOptions{}))
	fmt.Println(string(again.Events[0].Payload), "attempt", again.Events[0].Attempt)
	// Output:
	// 1 to replay
	// done 1
	// {"amount": 5} attempt 1
}
