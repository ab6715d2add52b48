package deliver_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// How is a group consumed? Poll hands out events with a lease, and what is not
// acknowledged in time comes again.
func Example_consume() {
	ctx, s := context.Background(), openShop()
	s.create("mail", core.Ordered)
	s.append("paid", "sent", "paid")

	first, err := s.Consumers.Poll(ctx, s.who, "orders", "mail", core.Poll{Limit: 2})
	fmt.Println(coretest.Offsets(first.Events), first.Attempts, err)
	fmt.Println(s.Consumers.Ack(ctx, s.who, "orders", "mail", first.Lease, nil))

	lost := s.poll("mail")
	fmt.Println(coretest.Offsets(lost.Events), lost.Attempts)
	s.Pass(time.Minute) // longer than the group's visibility
	fmt.Println(core.CodeOf(s.Consumers.Ack(ctx, s.who, "orders", "mail", lost.Lease, nil)))
	s.Pass(time.Minute) // longer than its backoff
	again := s.poll("mail")
	fmt.Println(coretest.Offsets(again.Events), again.Attempts)
	// Output:
	// [0 1] [1 1] <nil>
	// <nil>
	// [2] [1]
	// CONFLICT
	// [2] [2]
}

// What does a consumer do with an event that it cannot process? It has the event
// tried again, parks it as a dead letter for people to look at, or gives it up.
func ExampleConsumers_Nack() {
	ctx, s := context.Background(), openShop()
	s.create("mail", core.Shared)
	s.append("paid", "paid", "paid", "paid")

	d := s.poll("mail")
	err := s.Consumers.Nack(ctx, s.who, "orders", "mail", d.Lease, []core.Nack{
		{Offset: 0, Action: core.NackRetry, Reason: "the mail server is down", Delay: new(core.Seconds(10 * time.Second))},
		{Offset: 1, Action: core.NackPark, Reason: "no such address"},
		{Offset: 2, Action: core.NackSkip, Reason: "a test"},
	})
	fmt.Println(err)
	must(s.Consumers.Ack(ctx, s.who, "orders", "mail", d.Lease, []core.Offset{3}))

	fmt.Println("at once:", coretest.Offsets(s.poll("mail").Events))
	s.Pass(10 * time.Second)
	again := s.poll("mail")
	fmt.Println("later:", coretest.Offsets(again.Events), again.Attempts)

	letters, err := s.Letters.List(ctx, s.who, core.LetterQuery{Stream: "orders", Group: "mail"})
	for _, letter := range letters.Items {
		fmt.Println("parked:", letter.Event.Offset, letter.Reason, err)
	}
	// Output:
	// <nil>
	// at once: []
	// later: [0] [2]
	// parked: 1 no such address <nil>
}

// How does a group read a part of its stream again? It is reset to an offset or to a
// time, backward or forward.
func ExampleGroups_Reset() {
	ctx, s := context.Background(), openShop()
	s.create("mail", core.Ordered)
	s.append("paid", "paid", "paid")
	s.Pass(time.Hour)
	noon := s.Now()
	s.append("paid", "paid")
	s.ackAll("mail")

	next, err := s.Groups.Reset(ctx, s.who, "orders", "mail", core.Start{Offset: new(core.Offset(1))})
	fmt.Println(next, err, coretest.Offsets(s.poll("mail").Events))
	next, err = s.Groups.Reset(ctx, s.who, "orders", "mail", core.Start{Time: noon})
	fmt.Println(next, err, coretest.Offsets(s.poll("mail").Events))
	next, err = s.Groups.Reset(ctx, s.who, "orders", "mail", core.Start{End: true})
	fmt.Println(next, err, coretest.Offsets(s.poll("mail").Events))
	// Output:
	// 1 <nil> [1 2 3 4]
	// 3 <nil> [3 4]
	// 5 <nil> []
}

// How do dead letters get back to their group once the cause is repaired? ReplayAll
// starts that, and the replayer of any node does it.
func ExampleLetters_ReplayAll() {
	ctx, s := context.Background(), openShop()
	s.create("mail", core.Ordered)
	s.append("paid", "sent", "paid")
	d := s.poll("mail")
	for offset := range core.Offset(3) {
		nack := core.Nack{Offset: offset, Action: core.NackPark, Reason: "no such address"}
		must(s.Consumers.Nack(ctx, s.who, "orders", "mail", d.Lease, []core.Nack{nack}))
	}

	replay, err := s.Letters.ReplayAll(ctx, s.who, core.ReplaySpec{Query: core.LetterQuery{Type: "paid"}})
	fmt.Println(replay.State, replay.Total, err)
	must(s.Replayer.Work(ctx)) // a server has Replayer.Run do so

	replay, err = s.Letters.Replayed(ctx, s.who, replay.ID.String())
	fmt.Println(replay.State, replay.Done, err)
	fmt.Println(coretest.Offsets(s.ackAll("mail")))
	fmt.Println("still parked:", s.status("mail").DeadLetters)
	// Output:
	// running 2 <nil>
	// done 2 <nil>
	// [0 2]
	// still parked: 1
}

// How far is a group behind? Its status says so in events and in seconds.
func ExampleGroups_Status() {
	ctx, s := context.Background(), openShop()
	s.create("mail", core.Shared)
	s.append("paid", "paid", "paid", "paid", "paid")
	d, err := s.Consumers.Poll(ctx, s.who, "orders", "mail", core.Poll{Limit: 3})
	must(err)
	must(s.Consumers.Ack(ctx, s.who, "orders", "mail", d.Lease, []core.Offset{0}))
	must(s.Consumers.Nack(ctx, s.who, "orders", "mail", d.Lease, []core.Nack{{Offset: 2}}))
	s.Pass(12 * time.Second)

	status, err := s.Groups.Status(ctx, s.who, "orders", "mail")
	fmt.Println("committed:", status.CommittedOffset, "next:", status.NextOffset, "end:", status.EndOffset, err)
	fmt.Println("lag:", status.Lag, "events,", status.LagSeconds, "seconds")
	fmt.Println("of these, held:", status.Leased, "waiting:", status.Waiting)
	// Output:
	// committed: 0 next: 3 end: 5 <nil>
	// lag: 4 events, 12 seconds
	// of these, held: 1 waiting: 1
}

// shop is a node with one stream, orders, over stores in memory, at a time that
// examples make pass.
type shop struct {
	*deliver.UseCases
	*coretest.HandClock
	log    core.Storage
	recent *eventlog.Recent
	who    core.Principal
	orders core.Stream
}

func openShop() *shop {
	log, err := memory.Open(context.Background(), nil)
	must(err)
	catalog, quiet := memory.NewCatalog(), slog.New(slog.DiscardHandler)
	s := &shop{HandClock: coretest.NewClock(), log: log, recent: eventlog.NewRecent(log, nil, quiet)}
	s.who = core.Principal{Org: core.ID{1}, Role: core.RoleAdmin}
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: catalog, Log: log, Authorizer: coretest.Everything{}, Now: s.Now})
	s.UseCases = deliver.New(deliver.Ports{
		Streams: streams, Recent: s.recent, Log: log, Store: catalog, Authorizer: coretest.Everything{}, Logger: quiet, Now: s.Now,
	})
	s.orders, err = streams.Create(context.Background(), s.who, core.StreamSpec{Name: "orders"})
	must(err)
	return s
}

// append stores events of some types.
func (s *shop) append(types ...string) {
	batch := core.Batch{Org: s.who.Org, Stream: s.orders.ID}
	for _, name := range types {
		event := core.Event{ID: core.RandomID(s.Now()), Type: name, Version: 1, OccurredAt: s.Now(), Payload: []byte(`{}`)}
		batch.Entries = append(batch.Entries, core.Entry{Event: event})
	}
	batches := []core.Batch{batch}
	must(s.log.Append(context.Background(), s.Now(), batches))
	s.recent.Committed(batches)
}

func (s *shop) create(group string, mode core.Mode) {
	_, err := s.Groups.Create(context.Background(), s.who, "orders", core.GroupSpec{Name: group, Mode: mode})
	must(err)
}

func (s *shop) poll(group string) core.Delivery {
	d, err := s.Consumers.Poll(context.Background(), s.who, "orders", group, core.Poll{})
	must(err)
	return d
}

// ackAll settles what comes, and returns it.
func (s *shop) ackAll(group string) []core.Event {
	d := s.poll(group)
	must(s.Consumers.Ack(context.Background(), s.who, "orders", group, d.Lease, nil))
	return d.Events
}

func (s *shop) status(group string) core.GroupStatus {
	status, err := s.Groups.Status(context.Background(), s.who, "orders", group)
	must(err)
	return status
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
