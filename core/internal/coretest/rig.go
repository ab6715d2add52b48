package coretest

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Rig is the use cases of streams and events over a log and a catalog in memory.
type Rig struct {
	T       Tester
	Clock   *HandClock
	Catalog *memory.Catalog
	Log     core.EventLog
	Streams *eventlog.Streams
	Query   *eventlog.Query
	Who     core.Principal
	serial  *atomic.Uint64
}

// NewRig returns a rig over a log, or over one in memory.
func NewRig(t Tester, log core.EventLog) *Rig {
	if log == nil {
		log = OpenLog(t)
	}
	r := &Rig{
		T: t, Log: log, Clock: NewClock(), serial: new(atomic.Uint64),
		Catalog: memory.NewCatalog(),
		Who:     core.Principal{Org: core.ID{1}, Key: core.ID{2}, Label: "till 4", Role: core.RoleAdmin},
	}
	r.Streams = r.Node()
	r.Query = eventlog.NewQuery(eventlog.QueryPorts{Log: log, Streams: r.Streams, Authorizer: Everything{}, Now: r.Clock.Now})
	return r
}

// Node returns the streams as another node sees them: over the same catalog and log,
// with a cache of its own.
func (r *Rig) Node() *eventlog.Streams {
	return eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: r.Catalog, Log: r.Log, Schemas: jsonschema.New(), Versions: r.Catalog, Authorizer: Everything{}, Now: r.Clock.Now,
	})
}

// Create makes a stream.
func (r *Rig) Create(spec core.StreamSpec) core.ID {
	r.T.Helper()
	stream, err := r.Streams.Create(r.T.Context(), r.Who, spec)
	require.NoError(r.T, err)
	return stream.ID
}

// Put stores events at the clock's time and returns them as they are stored. It goes
// past the group commit, for tests of what reads. Any number of goroutines may do so.
func (r *Rig) Put(stream core.ID, events ...core.Event) []core.Event {
	r.T.Helper()
	at := r.Clock.Now()
	batch := core.Batch{Org: r.Who.Org, Stream: stream}
	for _, event := range events {
		event.ID = core.NewID(at, binary.BigEndian.AppendUint64([]byte{0, 0}, r.serial.Add(1)))
		event.OccurredAt, event.Version = at, 1
		if event.Payload == nil {
			event.Payload = []byte(`{}`)
		}
		batch.Entries = append(batch.Entries, core.Entry{Event: event})
	}
	require.NoError(r.T, r.Log.Append(r.T.Context(), at, []core.Batch{batch}))
	stored := make([]core.Event, len(events))
	for i := range batch.Entries {
		stored[i] = batch.Entries[i].Event
	}
	return stored
}

// Page answers one page of a query.
func (r *Rig) Page(stream string, query core.EventQuery) core.EventPage {
	r.T.Helper()
	page, err := r.Query.Events(r.T.Context(), r.Who, stream, query)
	require.NoError(r.T, err)
	require.Equal(r.T, page.HasMore, page.NextCursor != "", "there is a cursor where there is more")
	return page
}

// All reads all pages of a query and returns their events. It calls between before
// every page but the first, so that a test can change the log while it is read.
func (r *Rig) All(stream string, query core.EventQuery, between func()) (events []core.Event) {
	r.T.Helper()
	for range 1000 {
		page := r.Page(stream, query)
		require.LessOrEqual(r.T, len(page.Items), query.Limit)
		events = append(events, page.Items...)
		if !page.HasMore {
			return events
		}
		query.Cursor = page.NextCursor
		between()
	}
	require.Fail(r.T, "the pages never end")
	return nil
}
