package deliver_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// scripted is a call that goes as a script says, as long as there is one.
type scripted struct {
	mu     sync.Mutex
	calls  int
	delay  time.Duration
	script []func(call func() error) error
}

func (s *scripted) do(call func() error) error {
	s.mu.Lock()
	s.calls++
	step := func(call func() error) error { return call() }
	if len(s.script) > 0 {
		step, s.script = s.script[0], s.script[1:]
	}
	delay := s.delay
	s.mu.Unlock()
	time.Sleep(delay)
	return step(call)
}

// slow has every call take so long.
func (s *scripted) slow(delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = delay
}

func (s *scripted) next(steps ...func(call func() error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = steps
}

func (s *scripted) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// What may become of a call: it is made, it is not, or its answer is lost.
func made(call func() error) error { return call() }

func notMade(func() error) error { return coretest.ErrBroken }

func answerLost(call func() error) error {
	_ = call()
	return coretest.ErrBroken
}

// watchedCatalog is a catalog in memory that counts how often it is asked about
// the progress of groups, and that fails as it is told to.
type watchedCatalog struct {
	*memory.Catalog
	progress, advance, saveReplay scripted
}

func (c *watchedCatalog) Progress(ctx context.Context, group core.ID) (progress core.Progress, err error) {
	err = c.progress.do(func() (err error) {
		progress, err = c.Catalog.Progress(ctx, group)
		return err
	})
	return progress, err
}

func (c *watchedCatalog) Advance(ctx context.Context, group core.ID, step core.Step) error {
	return c.advance.do(func() error { return c.Catalog.Advance(ctx, group, step) })
}

func (c *watchedCatalog) UpdateReplay(ctx context.Context, replay core.Replay) error {
	return c.saveReplay.do(func() error { return c.Catalog.UpdateReplay(ctx, replay) })
}

// desk is where consumers call: a stream named orders over stores in memory.
// It goes by the real clock, which tests make pass in a bubble.
type desk struct {
	*testing.T
	log     *coretest.WatchedLog
	catalog *watchedCatalog
	who     core.Principal
	stream  core.ID
	serial  atomic.Uint32
	// left are errors by the ids of those who are not who they were.
	left sync.Map
	// told is what nodes have told of deliveries and answers.
	mu   sync.Mutex
	told []told
	*site
}

// told is a delivery of events, or without them an answer.
type told struct {
	lease  core.ID
	events int
	at     time.Time
}

func (d *desk) tell(one told) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, one)
}

// take returns what was told since it was last asked.
func (d *desk) take() []told {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := d.told
	d.told = nil
	return all
}

func (d *desk) bearer(_ context.Context, org, id core.ID) (core.Principal, error) {
	if err, gone := d.left.Load(id); gone {
		return core.Principal{}, err.(error)
	}
	return core.Principal{Org: org, Key: id, Role: core.RoleAdmin}, nil
}

// calls is how often the stores were asked for what costs: steps, progress,
// events and bounds.
func (d *desk) calls() int {
	return d.catalog.progress.count() + d.catalog.advance.count() + int(d.log.Reads.Load()+d.log.Asked.Load())
}

// site is one node of it.
type site struct {
	desk    *desk
	streams *eventlog.Streams
	recent  *eventlog.Recent
	*deliver.UseCases
}

func newDesk(t *testing.T) *desk {
	d := &desk{
		T: t, log: &coretest.WatchedLog{EventLog: coretest.OpenLog(t)}, catalog: &watchedCatalog{Catalog: memory.NewCatalog()},
		who: core.Principal{Org: core.ID{1}, Role: core.RoleAdmin},
	}
	d.site = d.node(nil)
	d.stream = d.open("orders")
	return d
}

// node returns another node over the same stores.
func (d *desk) node(notifier core.Notifier) *site {
	logger := slog.New(slog.DiscardHandler)
	s := &site{desk: d, recent: eventlog.NewRecent(d.log, notifier, logger)}
	s.streams = eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: d.catalog, Log: d.log, Schemas: jsonschema.New(), Authorizer: coretest.Everything{}, Now: time.Now,
	})
	s.UseCases = deliver.New(deliver.Ports{
		Streams: s.streams, Recent: s.recent, Log: d.log, Store: d.catalog, Authorizer: coretest.Everything{}, Bearer: d.bearer, Logger: logger, Now: time.Now,
		Handed:  func(one core.Delivery, at time.Time) { d.tell(told{one.Lease, len(one.Events), at}) },
		Settled: func(lease core.ID, at time.Time) { d.tell(told{lease, 0, at}) },
	})
	return s
}

// run keeps the node's hub going until the test ends.
func (s *site) run() {
	ctx, stop := context.WithCancel(context.WithoutCancel(s.desk.Context()))
	var hub sync.WaitGroup
	hub.Go(func() { s.recent.Run(ctx) })
	s.desk.Cleanup(func() {
		stop()
		hub.Wait()
	})
}

// open makes a stream.
func (d *desk) open(name string) core.ID {
	stream, err := d.streams.Create(d.Context(), d.who, core.StreamSpec{Name: name})
	require.NoError(d, err)
	return stream.ID
}

// group makes a group of orders; change may be nil.
func (d *desk) group(name string, mode core.Mode, change func(*core.GroupSpec)) core.Group {
	spec := core.GroupSpec{Name: name, Mode: mode}
	if change != nil {
		change(&spec)
	}
	group, err := d.Groups.Create(d.Context(), d.who, "orders", spec)
	require.NoError(d, err)
	return group
}

// attempts and visibility set what their names say.
func attempts(n int) func(*core.GroupSpec) {
	return func(spec *core.GroupSpec) { spec.MaxAttempts = &n }
}

func visibility(d time.Duration) func(*core.GroupSpec) {
	return func(spec *core.GroupSpec) { spec.Visibility = new(core.Seconds(d)) }
}

// put stores events of a payload through the node.
func (s *site) put(payloads ...string) {
	d := s.desk
	at := time.Now().UTC().Truncate(time.Microsecond)
	batches := []core.Batch{{Org: d.who.Org, Stream: d.stream, Entries: make([]core.Entry, len(payloads))}}
	for i, payload := range payloads {
		serial := d.serial.Add(1)
		batches[0].Entries[i].Event = core.Event{
			ID: core.NewID(at, []byte{0, 0, byte(serial >> 8), byte(serial), byte(i >> 8), byte(i), 0, 0, 0, 0}), Type: "paid", Version: 1, OccurredAt: at, Payload: []byte(payload),
		}
	}
	require.NoError(d, d.log.Append(d.Context(), at, batches))
	s.recent.Committed(batches)
}

// many are n payloads.
func many(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = `{}`
	}
	return all
}

// poll asks a group for events.
func (s *site) poll(group string, limit int, wait time.Duration) core.Delivery {
	d, err := s.Consumers.Poll(s.desk.Context(), s.desk.who, "orders", group, core.Poll{Limit: limit, Wait: wait})
	require.NoError(s.desk, err)
	require.Len(s.desk, d.Attempts, len(d.Events))
	return d
}

func (s *site) ack(group string, lease core.ID, offsets ...core.Offset) error {
	return s.Consumers.Ack(s.desk.Context(), s.desk.who, "orders", group, lease, offsets)
}

// nack refuses every event of a delivery.
func (s *site) nack(group string, d core.Delivery, nack core.Nack) error {
	nacks := make([]core.Nack, len(d.Events))
	for i := range nacks {
		nacks[i] = nack
		nacks[i].Offset = d.Events[i].Offset
	}
	return s.Consumers.Nack(s.desk.Context(), s.desk.who, "orders", group, d.Lease, nacks)
}

func (s *site) status(group string) core.GroupStatus {
	status, err := s.Groups.Status(s.desk.Context(), s.desk.who, "orders", group)
	require.NoError(s.desk, err)
	return status
}
