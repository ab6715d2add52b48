package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Of so many days there are events, a few each day, and all but the last two of them go
// into the archive.
const (
	archiveDays = 9
	daysThere   = 7
	dailyEvents = 40
)

// handing is two servers that hand the same stream over to one archive at once, when they
// start. The first one is killed on the way.
type handing struct {
	t              *testing.T
	first, second  *node
	depot          *depot
	log            core.Storage
	catalog        core.Catalog
	client, killed *rest.Client
	store          string
	stream         core.Stream
	events         []core.Event
}

// handOverSteps are where the first server is killed. Each says how it is brought about,
// and returns what is to be done once both servers have been started.
var handOverSteps = []struct {
	name string
	kill func(h *handing) (wait func())
}{
	{"before an object is there", func(h *handing) func() { return h.killedAt("PUT", false) }},
	{"when an object is there", func(h *handing) func() { return h.killedAt("PUT", true) }},
	{"before it is read back", func(h *handing) func() { return h.killedAt("GET", false) }},
	{"when it is read back", func(h *handing) func() { return h.killedAt("GET", true) }},
	{"when some are noted", func(h *handing) func() {
		return func() { h.killWhen(func() bool { return h.archived().Objects >= daysThere/2 }) }
	}},
	{"when all are noted", func(h *handing) func() {
		return func() { h.killWhen(func() bool { return h.archived().Objects == daysThere }) }
	}},
	{"while the store is made shorter", (*handing).killedInTrim},
	{"when the store is shorter", func(h *handing) func() {
		return func() { h.killWhen(func() bool { return h.bounds().First > 0 }) }
	}},
	{"at any time", func(h *handing) func() {
		return func() {
			<-time.After(time.Duration(rand.IntN(300)) * time.Millisecond)
			h.first.kill()
		}
	}},
}

// TestTwoServersHandTheSameStreamOver starts two servers that have the same old events to
// hand over, and kills one at each step of it (kill -9), while readers read all of the
// stream through the other one. Each event is read once, at its offset and as it was, before,
// meanwhile and after; what is in the archive is what is noted of it and nothing else; and
// what is there has left the store. `make chaos` does it.
func TestTwoServersHandTheSameStreamOver(t *testing.T) {
	t.Parallel()
	if os.Getenv("EVENTFLOW_TEST_ARCHIVE") == "" {
		return
	}
	store := pgtest.URL(t)
	depot := newDepot(t)
	h := &handing{t: t, store: store.String(), depot: depot, first: newNode(t, store.String(), depot.settings("first")...), second: newNode(t, store.String(), depot.settings("second")...)}
	h.open(store)
	h.second.start()
	h.client = h.second.client(h.second.key())
	h.killed = h.first.client(h.first.key())
	h.second.kill()
	for _, step := range handOverSteps {
		t.Run(step.name, func(t *testing.T) {
			h.t, h.first.t, h.second.t = t, t, t
			h.round(step.kill)
		})
	}
}

// open opens the log and the catalog beside the servers.
func (h *handing) open(store *url.URL) {
	h.t.Helper()
	var err error
	h.log, err = postgres.Open(h.t.Context(), store)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { require.NoError(h.t, h.log.Close()) })
	h.catalog, err = catalog.Open(h.t.Context(), store)
	require.NoError(h.t, err)
	h.t.Cleanup(func() { require.NoError(h.t, h.catalog.Close()) })
}

// round is one stream that both servers hand over.
func (h *handing) round(kill func(*handing) func()) {
	h.fill()
	wait := kill(h)
	reading := h.readOnAndOn()
	h.first.launch()
	h.second.start()
	wait()
	until(h.t, "the first server is dead", h.first.gone)
	h.first.kill()
	h.depot.goOn()
	until(h.t, "the second server has handed everything over", h.handedOver)
	reading()
	h.holds(h.client)

	h.first.start()
	until(h.t, "the first server has looked again", func() bool {
		report, err := h.killed.Health(h.t.Context())
		return err == nil && !report.Checks["retention"].LastRun.IsZero()
	})
	h.holds(h.client)
	h.holds(h.killed)
	h.first.kill()
	h.second.kill()
}

// fill makes a stream of old events.
func (h *handing) fill() {
	h.t.Helper()
	ctx, now := h.t.Context(), time.Now().UTC()
	org, err := h.catalog.OldestOrganization(ctx)
	require.NoError(h.t, err)
	at := now.Truncate(24*time.Hour).AddDate(0, 0, -archiveDays)
	h.stream = core.Stream{
		ID: core.RandomID(now), Org: org.ID, Name: fmt.Sprintf("old-%d", now.UnixNano()), RetentionDays: 3650, HotDays: 2,
		Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	require.NoError(h.t, h.catalog.CreateStream(ctx, h.stream))
	h.events = nil
	for range archiveDays + 1 {
		entries := make([]core.Entry, dailyEvents)
		for i := range entries {
			entries[i].Event = core.Event{
				ID: core.RandomID(at), Type: "t", Version: 1, OccurredAt: at, Source: "s",
				Payload: fmt.Appendf(nil, `{"n": %d, "text": "%s"}`, i, strings.Repeat("x", rand.IntN(500))),
			}
		}
		require.NoError(h.t, h.log.Append(ctx, at, []core.Batch{{Org: org.ID, Stream: h.stream.ID, Entries: entries}}))
		for i := range entries {
			h.events = append(h.events, entries[i].Event)
		}
		at = at.AddDate(0, 0, 1)
	}
}

func (h *handing) archived() core.Archived {
	there, err := h.catalog.Archived(h.t.Context(), []core.ID{h.stream.ID})
	if err != nil {
		h.t.Error(err)
		return core.Archived{}
	}
	return there[0]
}

// bounds are those that the stream has in the store itself.
func (h *handing) bounds() core.Bounds {
	bounds, err := h.log.Bounds(h.t.Context(), []core.ID{h.stream.ID})
	if err != nil {
		h.t.Error(err)
		return core.Bounds{}
	}
	return bounds[0]
}

// handedOver reports whether all that is old enough is in the archive, and nothing else,
// and has left the store.
func (h *handing) handedOver() bool {
	return h.archived().Objects == daysThere && h.bounds().First == daysThere*dailyEvents
}

// killedAt has the object store kill the first server at its call of a kind, when it has
// seen some of them already, and before or after it does what is asked.
func (h *handing) killedAt(method string, after bool) func() {
	n := h.first
	h.depot.trap(&trap{who: "first", method: method, after: after, at: 1 + rand.IntN(3), spring: func() {
		_ = n.process.Process.Kill() // it may have gone
		<-n.exited
	}})
	return func() {}
}

// killWhen kills the first server once something is so.
func (h *handing) killWhen(met func() bool) {
	for !met() && !h.first.gone() {
		<-time.After(time.Millisecond)
	}
	_ = h.first.process.Process.Kill() // it may have gone
}

// killedInTrim keeps a day of the store from being removed, until both servers wait for it
// and the first one is killed.
func (h *handing) killedInTrim() func() {
	h.t.Helper()
	ctx := h.t.Context()
	conn, err := pgx.Connect(ctx, h.store)
	require.NoError(h.t, err)
	day := "events_" + h.events[0].ReceivedAt.Format("20060102")
	tx, err := conn.Begin(ctx)
	require.NoError(h.t, err)
	_, err = tx.Exec(ctx, `lock table `+day+` in access share mode`)
	require.NoError(h.t, err)
	return func() {
		until(h.t, "both servers are about to drop the day", func() bool {
			waiting := 0
			err := tx.QueryRow(ctx, `select count(*) from pg_locks where relation = $1::regclass and mode = 'AccessExclusiveLock' and not granted`, day).Scan(&waiting)
			return err == nil && waiting == 2
		})
		_ = h.first.process.Process.Kill() // it has not gone
		<-h.first.exited
		require.NoError(h.t, tx.Rollback(ctx))
		require.NoError(h.t, conn.Close(ctx))
	}
}

// readOnAndOn reads the stream again and again through the servers, until it is told to stop,
// and compares.
func (h *handing) readOnAndOn() (stop func()) {
	ctx, cancel := context.WithCancel(h.t.Context())
	var reading sync.WaitGroup
	whole := 0
	reading.Go(func() {
		for ctx.Err() == nil {
			if h.readOnce(ctx) {
				whole++
			}
		}
	})
	return func() {
		cancel()
		reading.Wait()
		require.Positive(h.t, whole, "somebody must have read all of it meanwhile")
	}
}

// readOnce reads all of the stream by pages of an odd size, and reports whether it got to the
// end. A server that is not there yet is no failure; one that shows anything else than
// the events is.
func (h *handing) readOnce(ctx context.Context) (whole bool) {
	if !h.second.ready() {
		<-time.After(retryAfter)
		return false
	}
	query := core.EventQuery{Limit: 97}
	for next := 0; next < len(h.events); {
		page, err := h.client.EventsPage(ctx, h.stream.Name, query)
		if err != nil {
			if ctx.Err() == nil {
				h.t.Errorf("reading from offset %d: %v", next, err)
			}
			return false
		}
		if len(page.Items) == 0 {
			h.t.Errorf("the stream ends at offset %d", next)
			return false
		}
		for _, event := range page.Items {
			if !sameEvent(event, h.events[next]) {
				h.t.Errorf("at offset %d there is %d, %s", next, event.Offset, event.Payload)
				return false
			}
			next++
		}
		last := page.Items[len(page.Items)-1].Offset
		query.After = &last
	}
	return true
}

func sameEvent(a, b core.Event) bool {
	return a.Offset == b.Offset && a.ID == b.ID && a.ReceivedAt.Equal(b.ReceivedAt) && string(a.Payload) == string(b.Payload)
}

// holds compares all there is with what was stored: the stream as a server reads it, what is
// noted of the archive, and the objects themselves.
func (h *handing) holds(client *rest.Client) {
	h.t.Helper()
	next := 0
	for event, err := range client.Events(h.t.Context(), h.stream.Name, core.EventQuery{Limit: core.MaxPageSize}) {
		require.NoError(h.t, err)
		require.Less(h.t, next, len(h.events))
		require.True(h.t, sameEvent(event, h.events[next]), "at offset %d there is %d, %s", next, event.Offset, event.Payload)
		next++
	}
	require.Len(h.t, h.events, next)
	segments, err := h.catalog.Segments(h.t.Context(), core.SegmentScan{Stream: h.stream.ID, Limit: 1000})
	require.NoError(h.t, err)
	require.Len(h.t, segments, daysThere)
	end, noted := core.Offset(0), map[string]string{}
	for _, segment := range segments {
		require.Equal(h.t, end, segment.First, "segments follow one another")
		end, noted[segment.Object] = segment.Next, segment.SHA256
	}
	require.Equal(h.t, noted, h.depot.objects(h.stream.ID), "the objects are those that are noted")
}
