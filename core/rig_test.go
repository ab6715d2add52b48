package core_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

// rig is the use cases of streams and events over a log and a catalog in memory.
type rig struct {
	t       tester
	clock   *handClock
	catalog *memory.Catalog
	log     core.EventLog
	streams *core.Streams
	query   *core.Query
	who     core.Principal
	serial  uint64
}

// newRig returns a rig over a log, or over one in memory.
func newRig(t tester, log core.EventLog) *rig {
	if log == nil {
		log = openLog(t)
	}
	r := &rig{
		t: t, log: log, clock: newClock(),
		catalog: memory.NewCatalog(),
		who:     core.Principal{Org: core.ID{1}, Key: core.ID{2}, Label: "till 4", Role: core.RoleAdmin},
	}
	r.streams = r.node()
	r.query = core.NewQuery(log, r.streams, r.clock.now)
	return r
}

// node returns the streams as another node sees them.
func (r *rig) node() *core.Streams {
	return core.NewStreams(r.catalog, r.log, jsonschema.New(), everything{}, r.clock.now)
}

func (r *rig) create(spec core.StreamSpec) core.ID {
	r.t.Helper()
	stream, err := r.streams.Create(r.t.Context(), r.who, spec)
	require.NoError(r.t, err)
	return stream.ID
}

// put stores events at the clock's time and returns them as they are stored.
func (r *rig) put(stream core.ID, events ...core.Event) []core.Event {
	r.t.Helper()
	at := r.clock.now()
	batch := core.Batch{Org: r.who.Org, Stream: stream}
	for _, event := range events {
		r.serial++
		event.ID = core.NewID(at, binary.BigEndian.AppendUint64([]byte{0, 0}, r.serial))
		event.OccurredAt, event.Version = at, 1
		if event.Payload == nil {
			event.Payload = []byte(`{}`)
		}
		batch.Entries = append(batch.Entries, core.Entry{Event: event})
	}
	require.NoError(r.t, r.log.Append(r.t.Context(), at, []core.Batch{batch}))
	stored := make([]core.Event, len(events))
	for i := range batch.Entries {
		stored[i] = batch.Entries[i].Event
	}
	return stored
}

func (r *rig) page(stream string, query core.EventQuery) core.EventPage {
	r.t.Helper()
	page, err := r.query.Events(r.t.Context(), r.who, stream, query)
	require.NoError(r.t, err)
	require.Equal(r.t, page.HasMore, page.NextCursor != "", "there is a cursor where there is more")
	return page
}

// all goes through the pages and calls between before every further one.
func (r *rig) all(stream string, query core.EventQuery, between func()) (events []core.Event) {
	r.t.Helper()
	for range 1000 {
		page := r.page(stream, query)
		require.LessOrEqual(r.t, len(page.Items), query.Limit)
		events = append(events, page.Items...)
		if !page.HasMore {
			return events
		}
		query.Cursor = page.NextCursor
		between()
	}
	require.Fail(r.t, "the pages never end")
	return nil
}

// shakyLog is a log in memory whose appends follow a script, as long as there
// is one, and that cannot be looked into while it is blind.
type shakyLog struct {
	core.EventLog
	mu     sync.Mutex
	script []func(store func() error) error
	blind  bool
}

func (l *shakyLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	l.mu.Lock()
	step := func(store func() error) error { return store() }
	if len(l.script) > 0 {
		step, l.script = l.script[0], l.script[1:]
		batches = slices.Clone(batches) // an answer that is lost tells nothing
		for i := range batches {
			batches[i].Entries = slices.Clone(batches[i].Entries)
		}
	}
	l.mu.Unlock()
	return step(func() error { return l.EventLog.Append(ctx, at, batches) })
}

func (l *shakyLog) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	l.mu.Lock()
	blind := l.blind
	l.mu.Unlock()
	if blind {
		return 0, errBroken
	}
	return l.EventLog.OffsetAt(ctx, stream, at)
}

// counter is where events are handed in.
type counter struct {
	*rig
	log    *shakyLog
	ingest *core.Ingest
}

func newCounter(t *testing.T, options core.CommitOptions) *counter {
	log := &shakyLog{EventLog: openLog(t)}
	c := &counter{rig: newRig(t, log), log: log}
	c.ingest = c.over(t, c.streams, options)
	return c
}

// another returns the use case of another node, or of this one after a
// restart: over the same log, with nothing remembered.
func (c *counter) another(t *testing.T) *core.Ingest {
	return c.over(t, c.node(), core.CommitOptions{})
}

func (c *counter) over(t *testing.T, streams *core.Streams, options core.CommitOptions) *core.Ingest {
	options.Now, options.Logger = c.clock.now, slog.New(slog.DiscardHandler)
	committer := core.NewCommitter(c.log, options)
	t.Cleanup(committer.Close)
	return core.NewIngest(streams, committer, c.clock.now)
}

// draft decodes an event with a payload and, where it is not empty, a key.
func (c *counter) draft(payload, key string) core.Draft {
	c.t.Helper()
	if key != "" {
		key = fmt.Sprintf(`,"idempotency_key":%q`, key)
	}
	draft, err := core.DecodeEvent([]byte(`{"event_type":"paid","payload":`+payload+key+`}`), core.StreamInEvent)
	require.NoError(c.t, err)
	return draft
}

func (c *counter) send(stream, payload, key string) (core.Receipt, error) {
	c.t.Helper()
	return c.ingest.Event(c.t.Context(), c.who, stream, c.draft(payload, key))
}

func (c *counter) sent(stream, payload, key string) core.Receipt {
	c.t.Helper()
	receipt, err := c.send(stream, payload, key)
	require.NoError(c.t, err)
	return receipt
}

func (c *counter) batch(stream, body string) []core.Item {
	c.t.Helper()
	drafts, err := core.DecodeArray([]byte(body), core.StreamInEvent)
	require.NoError(c.t, err)
	items, err := c.ingest.Batch(c.t.Context(), c.who, stream, drafts)
	require.NoError(c.t, err)
	require.Len(c.t, items, len(drafts))
	return items
}

func (c *counter) stored(stream string) []core.Event {
	c.t.Helper()
	return c.page(stream, core.EventQuery{Limit: 1000}).Items
}
