package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
	"github.com/eventflow-go/eventflow/core/process"
)

// plant is an installation with processors: a stream named orders over stores in memory,
// in a bubble whose clock passes by itself.
type plant struct {
	*testing.T
	log     *slowLog
	catalog *memory.Catalog
	// store takes the place of the catalog's processors, unless it is nil.
	store   core.ProcessorStore
	who     core.Principal
	box     *mailbox
	shapes  *shapes
	secrets [][]byte
	// disabled and recorded are what nodes told.
	mu       sync.Mutex
	disabled []core.Processor
	recorded []core.AuditRecord
	after    time.Duration
	// behind is by how many nanoseconds the nodes' clock is late.
	behind atomic.Int64
	*mill
}

func (p *plant) now() time.Time { return time.Now().Add(-time.Duration(p.behind.Load())) }

// mill is one node of it.
type mill struct {
	plant     *plant
	streams   *eventlog.Streams
	committer *eventlog.Committer
	ingest    *eventlog.Ingest
	delivery  *deliver.UseCases
	*process.UseCases
	stop func()
}

// inPlant runs a test in a bubble.
func inPlant(t *testing.T, test func(*plant)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &plant{
			T: t, log: &slowLog{Storage: coretest.OpenLog(t)}, catalog: memory.NewCatalog(), box: &mailbox{}, shapes: &shapes{},
			who: core.Principal{Org: core.ID{1}, User: core.ID{7}, Role: core.RoleAdmin}, secrets: [][]byte{[]byte("a secret of the server")},
		}
		p.mill = p.node()
		_, err := p.streams.Create(t.Context(), p.who, core.StreamSpec{Name: "orders"})
		require.NoError(t, err)
		test(p)
	})
}

// slowLog is a log that takes so long to store something, in nanoseconds.
type slowLog struct {
	core.Storage
	takes atomic.Int64
}

func (l *slowLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	time.Sleep(time.Duration(l.takes.Load()))
	return l.Storage.Append(ctx, at, batches)
}

// node starts another node over the same stores.
func (p *plant) node() *mill {
	logger := slog.New(slog.DiscardHandler)
	recent := eventlog.NewRecent(p.log, nil, logger)
	m := &mill{plant: p}
	m.streams = eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: p.catalog, Log: p.log, Schemas: jsonschema.New(), Authorizer: coretest.Everything{}, Now: time.Now,
	})
	m.committer = eventlog.NewCommitter(p.log, eventlog.CommitOptions{Committed: recent.Committed, Now: time.Now, Logger: logger})
	m.ingest = eventlog.NewIngest(m.streams, m.committer, time.Now)
	m.delivery = deliver.New(deliver.Ports{
		Streams: m.streams, Recent: recent, Log: p.log, Store: p.catalog, Authorizer: coretest.Everything{}, Logger: logger, Now: time.Now,
	})
	store := p.store
	if store == nil {
		store = p.catalog
	}
	m.UseCases = process.New(process.Ports{
		Store: store, Definitions: p.catalog, Groups: m.delivery.Groups, Workers: m.delivery.Workers, Letters: m.delivery.Letters,
		Streams: m.streams, Ingest: m.ingest, Log: p.log, Compiler: p.shapes, Connectors: map[string]core.Connector{"mailbox": p.box},
		Sealer: core.NewSealer(p.secrets...), Authorizer: coretest.Everything{}, Record: p.record, DisableAfter: p.after,
		Disabled: func(_ context.Context, gone core.Processor) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.disabled = append(p.disabled, gone)
		},
		Logger: logger, Now: p.now,
	})
	ctx, end := context.WithCancel(context.WithoutCancel(p.Context()))
	var all sync.WaitGroup
	all.Go(func() { recent.Run(ctx) })
	all.Go(func() { m.Runner.Run(ctx, nil) })
	m.stop = sync.OnceFunc(func() {
		end()
		all.Wait()
		m.committer.Close()
	})
	p.Cleanup(m.stop)
	return m
}

func (p *plant) record(_ context.Context, record core.AuditRecord) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recorded = append(p.recorded, record)
}

// processor makes a processor of orders into the mailbox; change may be nil.
func (p *plant) processor(change func(*core.ProcessorSpec)) core.CreatedProcessor {
	p.Helper()
	spec := core.ProcessorSpec{Destination: []byte(`{"type":"mailbox"}`)}
	spec.Name = "mail"
	if change != nil {
		change(&spec)
	}
	made, err := p.Processors.Create(p.Context(), p.who, "orders", spec)
	require.NoError(p, err)
	return made
}

// put stores events through the node, one after the other.
func (m *mill) put(payloads ...string) {
	m.plant.Helper()
	who := core.Principal{Org: m.plant.who.Org, Key: core.ID{2}, Label: "shop", Role: core.RoleProducer}
	for _, payload := range payloads {
		_, err := m.ingest.Event(m.plant.Context(), who, "orders", draftOf(m.plant, payload))
		require.NoError(m.plant, err)
	}
}

// pass lets time pass, and all that comes of it.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (p *plant) view() core.ProcessorOverview {
	p.Helper()
	view, err := p.Processors.Overview(p.Context(), p.who, "orders", "mail")
	require.NoError(p, err)
	return view
}

// events are all events of orders.
func (p *plant) events() []core.Event {
	p.Helper()
	events, err := p.log.Read(p.Context(), p.view().Stream, core.Scan{Limit: 100})
	require.NoError(p, err)
	return events
}

// verdict is what the trace of an event says of the one processor.
func (p *plant) verdict(event core.ID) *core.EventVerdict {
	p.Helper()
	trace, err := p.delivery.Tracer.Trace(p.Context(), p.who, event.String())
	require.NoError(p, err)
	require.NoError(p, p.Trials.Judge(p.Context(), p.who, &trace))
	require.Len(p, trace.Groups, 1)
	return trace.Groups[0].Verdict
}

func (p *plant) change(change core.ProcessorChange) {
	p.Helper()
	_, err := p.Processors.Change(p.Context(), p.who, "orders", "mail", change, 0)
	require.NoError(p, err)
}

// letters are the offsets of dead letters.
func (p *plant) letters() (offsets []core.Offset) {
	p.Helper()
	letters, err := p.catalog.DeadLetters(p.Context(), p.who.Org, core.LetterScan{Limit: 100})
	require.NoError(p, err)
	for _, letter := range letters {
		offsets = append(offsets, letter.Event.Offset)
	}
	return offsets
}

// mailbox is a destination that goes as a test says. Its one field that may be given is
// secret.
type mailbox struct {
	traits core.SinkTraits
	// answer says what becomes of an event; nil takes everything.
	answer func(core.Outgoing) core.Sent
	// takes is how long a Send takes.
	takes time.Duration
	// hangs says for which events a Send ends only with its context.
	hangs func(core.Outgoing) bool

	mu sync.Mutex
	// closed counts the sinks that were closed.
	closed  int
	mail    []core.Outgoing
	at      []time.Time
	batches []int
	secrets []string
	inside  int
	most    int
}

func (b *mailbox) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	var fields map[string]string
	if err := json.Unmarshal(given, &fields); err != nil {
		return core.Destination{}, core.Invalid("url", "must have texts only")
	}
	for name := range fields {
		if name != "secret" && name != "label" {
			return core.Destination{}, core.Invalid(name, "is not a field")
		}
	}
	secrets := former.Secrets
	if fields["secret"] != "" {
		secrets, _ = json.Marshal(map[string]string{"secret": fields["secret"]})
	}
	if len(secrets) == 0 {
		secrets = []byte(`{"secret":"made up"}`)
	}
	settings, err := json.Marshal(map[string]string{"secret": "…", "label": fields["label"]})
	return core.Destination{Type: "mailbox", Settings: settings, Secrets: secrets}, err
}

func (b *mailbox) Open(_ context.Context, to core.Destination, _ core.Origin) (core.Sink, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.secrets = append(b.secrets, string(to.Secrets))
	return b, nil
}

func (b *mailbox) Rotate(to core.Destination, _ time.Time, _ time.Duration) (core.Destination, string, error) {
	to.Secrets = []byte(`{"secret":"rotated"}`)
	return to, "rotated", nil
}

func (b *mailbox) Traits() core.SinkTraits { return b.traits }

// Close implements [core.Sink].
func (b *mailbox) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed++
	return nil
}

func (b *mailbox) Send(ctx context.Context, events []core.Outgoing) []core.Sent {
	b.enter(1)
	defer b.enter(-1)
	hangs := b.hangs != nil && b.hangs(events[0])
	if hangs {
		<-ctx.Done()
	}
	select {
	case <-time.After(b.takes):
	case <-ctx.Done():
	}
	sent := make([]core.Sent, len(events))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.batches = append(b.batches, len(events))
	for i, event := range events {
		if b.answer != nil {
			sent[i] = b.answer(event)
		}
		if ctx.Err() != nil && (b.takes > 0 || hangs) {
			sent[i] = core.Sent{Err: errors.New("too late")}
		}
		if sent[i].Err == nil {
			b.mail, b.at = append(b.mail, event), append(b.at, time.Now())
		}
	}
	return sent
}

func (b *mailbox) enter(by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inside += by
	b.most = max(b.most, b.inside)
}

// forgetMost begins to look anew for how many are on their way at once.
func (b *mailbox) forgetMost() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most = b.inside
}

// got are the offsets that arrived, in their order.
func (b *mailbox) got() (offsets []core.Offset) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.mail {
		offsets = append(offsets, one.Event.Offset)
	}
	return offsets
}

// shapes is a compiler of very small languages. A filter is a text that the payload must
// have, "slow" takes a minute, and a transform is a payload that takes the place of the
// event's, or "fail".
type shapes struct{}

func (*shapes) Compile(filter, transform string) (core.Pipeline, error) {
	if filter == "bad" {
		return nil, core.Invalid("filter", "1:1: is bad")
	}
	return shape{filter, transform}, nil
}

type shape struct{ filter, transform string }

func (s shape) Run(ctx context.Context, in *core.Event) (core.Event, bool, error) {
	if s.filter == "slow" {
		time.Sleep(10 * time.Millisecond)
		return *in, true, ctx.Err()
	}
	if !bytes.Contains(in.Payload, []byte(s.filter)) {
		return core.Event{}, false, nil
	}
	out := *in
	switch {
	case s.transform == "fail" && strings.Contains(string(in.Payload), "x"):
		return core.Event{}, false, core.Invalid("transform", "1:2: has failed")
	case s.transform != "" && s.transform != "fail":
		out.Payload = []byte(s.transform)
	}
	return out, true, nil
}
