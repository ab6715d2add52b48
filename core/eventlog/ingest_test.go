package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

const numbersOnly = `{"type":"object","required":["n"],"properties":{"n":{"type":"integer"},"list":{"items":{"type":"string"}}}}`

// A receipt says where the event is, and there it is as it was sent, completed
// with what the server knows. Times are in UTC to the microsecond, whatever the
// clock says.
func TestAnEventIsStoredAsItWasSent(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	id := c.Create(core.StreamSpec{Name: "a"})
	c.Clock.At = time.Date(2026, 3, 1, 23, 30, 0, 123456789, time.FixedZone("", -7200))
	c.sent("a", "0", "")
	receipt := c.sent(id.String(), `{"b" : 1.50}`, "")
	at := time.Date(2026, 3, 2, 1, 30, 0, 123456000, time.UTC)
	require.Equal(t, core.Receipt{Status: "ACCEPTED", ID: receipt.ID, Offset: 1, ReceivedAt: at}, receipt)
	require.Equal(t, at.Truncate(time.Millisecond), receipt.ID.Time())
	require.Equal(t, core.Event{
		ID: receipt.ID, Stream: id, Offset: 1, Type: "paid", Version: 1, OccurredAt: at, ReceivedAt: at,
		Source: "till 4", Payload: []byte(`{"b" : 1.50}`), APIKeyID: c.Who.Key,
	}, c.stored("a")[1])
	c.Clock.Pass(-time.Hour)
	require.Equal(t, at, c.sent("a", "1", "").ReceivedAt, "a clock that is set back does not take the log along")
	_, err := c.send("", "1", "")
	coretest.RequireRefusal(t, err, core.CodeValidation, "stream")
	_, err = c.send("b", "1", "")
	coretest.RequireRefusal(t, err, core.CodeNotFound, "")
}

// A batch is answered item by item in its order: what is bad is refused alone,
// with its place in the batch, and the rest is stored in order.
func TestABatchAnswersEveryEventInItsPlace(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a", Schema: []byte(numbersOnly)})
	items := c.batch("a", `[{"event_type":"x","payload":{"n":0}}, {"payload":{"n":1}}, {"event_type":"x","payload":{"n":"2"}},
		{"event_type":"x","payload":{"n":3}}, {"event_type":"x","payload":{"n":4},"typo":1}]`)
	for i, offset := range map[int]core.Offset{0: 0, 3: 1} {
		require.NoError(t, items[i].Err)
		require.Equal(t, offset, items[i].Receipt.Offset)
		require.Equal(t, fmt.Sprintf(`{"n":%d}`, i), string(c.stored("a")[offset].Payload))
		require.Equal(t, c.stored("a")[offset].ID, items[i].Receipt.ID)
	}
	coretest.RequireRefusal(t, items[1].Err, core.CodeValidation, "events[1].event_type")
	coretest.RequireRefusal(t, items[2].Err, core.CodeSchemaMismatch, "events[2].payload.n")
	coretest.RequireRefusal(t, items[4].Err, core.CodeValidation, "events[4].typo")
	require.Len(t, c.stored("a"), 2)
	require.Error(t, c.batch("a", `[{"payload":1}]`)[0].Err, "nothing good is no failure of the batch")
}

// Where the events of a batch name their streams, each goes to its own, and a
// stream that is not there refuses its events alone.
func TestABatchMayGoToManyStreams(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{Lanes: 3})
	for _, name := range []string{"a", "b"} {
		c.Create(core.StreamSpec{Name: name})
	}
	var events []string
	for i := range 100 {
		events = append(events, fmt.Sprintf(`{"event_type":"x","payload":%d,"stream":%q}`, i, []string{"a", "b", "c"}[i%3]))
	}
	items := c.batch("", `[`+strings.Join(append(events, `{"event_type":"x","payload":1}`), ",")+`]`)
	for i, item := range items[:100] {
		if i%3 == 2 {
			coretest.RequireRefusal(t, item.Err, core.CodeNotFound, "")
			continue
		}
		require.NoError(t, item.Err)
		require.Equal(t, core.Offset(i/3), item.Receipt.Offset)
	}
	coretest.RequireRefusal(t, items[100].Err, core.CodeValidation, "events[100].stream")
	require.Len(t, c.stored("a"), 34)
	require.Len(t, c.stored("b"), 33)
}

// A key stands for one event: the same payload again is answered with the
// first event, another one is refused, and neither is stored. The key is kept
// with the event and outlives a restart.
func TestAKeyIsOneEvent(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a"})
	c.Create(core.StreamSpec{Name: "b"})
	c.sent("a", "0", "")
	first := c.sent("a", `{"n": [1, 2]}`, "k")
	again := first
	again.Duplicate = true
	for range 2 {
		c.Clock.Pass(1000 * time.Hour)
		require.Equal(t, again, c.sent("a", `{"n":[1,2] }`, "k"), "white space is no difference")
		for _, other := range []string{`{"n":[1,2.0]}`, `{"n":[2,1]}`} {
			_, err := c.send("a", other, "k")
			coretest.RequireRefusal(t, err, core.CodeIdempotencyMismatch, "idempotency_key")
		}
		c.ingest = c.another(t)
	}
	require.Len(t, c.stored("a"), 2)
	require.Equal(t, "k", c.stored("a")[1].IdempotencyKey)
	require.False(t, c.sent("a", "1", "K").Duplicate)
	require.False(t, c.sent("b", "1", "k").Duplicate, "a key is its stream's")
}

// A key that comes several times in one batch is answered like any other that
// comes again; what the schema refuses has no key.
func TestAKeyIsOneEventWithinABatch(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a", Schema: []byte(`{"type":"integer"}`)})
	known := c.sent("a", "1", "known")
	event := `{"event_type":"paid","payload":%s,"idempotency_key":%q},`
	body := fmt.Sprintf(strings.Repeat(event, 8), `"bad"`, "k", "1", "k", "1", "k", "2", "k", "3", "", "1", "known", "1", "known", " 1 ", "k")
	items := c.batch("a", "["+strings.ReplaceAll(strings.TrimSuffix(body, ","), `,"idempotency_key":""`, "")+"]")
	coretest.RequireRefusal(t, items[0].Err, core.CodeSchemaMismatch, "events[0].payload")
	require.False(t, items[1].Receipt.Duplicate)
	for _, i := range []int{2, 7} {
		require.NoError(t, items[i].Err)
		require.True(t, items[i].Receipt.Duplicate)
		require.Equal(t, items[1].Receipt.ID, items[i].Receipt.ID)
		require.Equal(t, core.Offset(1), items[i].Receipt.Offset)
	}
	coretest.RequireRefusal(t, items[3].Err, core.CodeIdempotencyMismatch, "idempotency_key")
	require.Equal(t, core.Offset(2), items[4].Receipt.Offset)
	for _, i := range []int{5, 6} {
		require.True(t, items[i].Receipt.Duplicate)
		require.Equal(t, known.ID, items[i].Receipt.ID)
	}
	require.Len(t, c.stored("a"), 3)
}

// A key is not enough to drop an event: whatever makes it another one than the
// first is refused, by itself and within a batch.
func TestAKeyOfAnotherEventIsRefused(t *testing.T) {
	t.Parallel()
	const first = `{"event_type":"paid","event_version":1,"source":"till","subject":"order/1","occurred_at":"2026-01-01T12:00:00Z","payload":1,"idempotency_key":"k"}`
	for _, change := range [][2]string{
		{`"paid"`, `"refunded"`},
		{`"event_version":1`, `"event_version":2`},
		{`"till"`, `"web"`},
		{`"order/1"`, `"order/2"`},
		{`"subject":"order/1",`, ``},
		{`12:00:00Z`, `12:00:01Z`},
		{`"occurred_at":"2026-01-01T12:00:00Z",`, ``},
		{`"payload":1`, `"payload":2`},
	} {
		c := newCounter(t, eventlog.CommitOptions{})
		c.Create(core.StreamSpec{Name: "a"})
		other := strings.Replace(first, change[0], change[1], 1)
		items := c.batch("a", "["+first+","+other+"]")
		require.NoError(t, items[0].Err)
		coretest.RequireRefusal(t, items[1].Err, core.CodeIdempotencyMismatch, "idempotency_key")
		items = c.batch("a", "["+other+","+first+"]")
		coretest.RequireRefusal(t, items[0].Err, core.CodeIdempotencyMismatch, "idempotency_key")
		require.Len(t, c.stored("a"), 1, "%v", change)
	}
}

// What a retry changes does not make it another event, and neither does another
// way to write the same.
func TestARetryIsTheSameEvent(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a"})
	items := c.batch("a", `[{"event_type":"paid","occurred_at":"2026-01-01T12:00:00Z","payload":[1,2],"idempotency_key":"k"},
		{"event_type":"paid","event_version":1,"occurred_at":"2026-01-01T13:00:00.000+01:00","payload":[1, 2],"idempotency_key":"k",
		"source":"till 4","context":{"trace_id":"another"}}]`)
	require.NoError(t, items[1].Err)
	require.True(t, items[1].Receipt.Duplicate)
}

// Two producers that count from 1 do not take each other's events for their own.
func TestTheKeyOfAnotherProducerIsRefused(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a"})
	c.sent("a", "1", "1")
	c.Who.Label = "till 5"
	_, err := c.send("a", "1", "1")
	coretest.RequireRefusal(t, err, core.CodeIdempotencyMismatch, "idempotency_key")
}

// A log of an earlier version holds fingerprints of payloads. Its keys go on
// being compared as they were.
func TestKeysOfEarlierVersionsStillDeduplicate(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	id := c.Create(core.StreamSpec{Name: "a"})
	draft := c.draft("1", "k")
	entry := core.Entry{Event: draft.Event, Fingerprint: draft.Fingerprint}
	entry.ID, entry.OccurredAt, entry.Source = core.NewID(c.Clock.Now(), make([]byte, 10)), c.Clock.Now(), c.Who.Label
	require.NoError(t, c.Log.Append(t.Context(), c.Clock.Now(), []core.Batch{{Org: c.Who.Org, Stream: id, Entries: []core.Entry{entry}}}))
	require.True(t, c.sent("a", "1", "k").Duplicate)
	_, err := c.send("a", "2", "k")
	coretest.RequireRefusal(t, err, core.CodeIdempotencyMismatch, "idempotency_key")
	items := c.batch("a", `[{"event_type":"paid","payload":1,"idempotency_key":"k"},{"event_type":"paid","payload":3,"idempotency_key":"new"}]`)
	require.True(t, items[0].Receipt.Duplicate)
	require.False(t, items[1].Receipt.Duplicate)
	require.Len(t, c.stored("a"), 2)
}

// Of fifty requests that send one key at once, one is stored.
func TestAKeyAtOnceIsStoredOnce(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{Lanes: 2})
	c.Create(core.StreamSpec{Name: "a"})
	receipts := make([]core.Receipt, 50)
	var all sync.WaitGroup
	for i := range receipts {
		draft := c.draft("1", "k")
		all.Go(func() {
			receipt, err := c.ingest.Event(context.WithoutCancel(t.Context()), c.Who, "a", draft)
			if err == nil {
				receipts[i] = receipt
			}
		})
	}
	all.Wait()
	firsts := 0
	for _, receipt := range receipts {
		if !receipt.Duplicate {
			firsts++
		}
		require.Equal(t, c.stored("a")[0].ID, receipt.ID)
	}
	require.Equal(t, 1, firsts)
	require.Len(t, c.stored("a"), 1)
}

// A stream may forget keys after a time: then the key names the next event.
func TestAKeyIsForgottenAfterItsWindow(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	window := int64(60)
	c.Create(core.StreamSpec{Name: "a", IdempotencyWindowSeconds: &window})
	first := c.sent("a", "1", "k")
	c.Clock.Pass(time.Minute)
	require.Equal(t, first.ID, c.sent("a", "1", "k").ID)
	c.Clock.Pass(time.Microsecond)
	second := c.sent("a", "2", "k")
	require.False(t, second.Duplicate)
	c.Clock.Pass(time.Minute)
	require.Equal(t, second.ID, c.sent("a", "2", "k").ID, "the window begins anew")
	require.Len(t, c.stored("a"), 2)
}

// The trace of the request becomes the event's where it has none of its own.
func TestTheTraceOfTheRequestIsStored(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a"})
	for own, want := range map[string]string{
		``:                       `{"traceparent":"` + coretest.Traceparent + `","trace_id":"` + coretest.TraceID + `"}`,
		`{"traceparent":"mine"}`: `{"traceparent":"mine"}`,
	} {
		draft := c.draft("1", "")
		draft.Event.Context = []byte(own)
		require.NoError(t, draft.Apply(eventjson.Hints{Traceparent: coretest.Traceparent}))
		receipt, err := c.ingest.Event(t.Context(), c.Who, "a", draft)
		require.NoError(t, err)
		require.Equal(t, want, string(c.stored("a")[receipt.Offset].Context))
	}
}

// A full queue refuses with the time to try again, one event as a whole batch,
// and loses nothing that it took.
func TestAFullQueueSaysWhenToTryAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, eventlog.CommitOptions{QueueEvents: 1})
		c.Create(core.StreamSpec{Name: "a"})
		release := make(chan struct{})
		c.log.script = []func(func() error) error{func(store func() error) error { <-release; return store() }}
		var all sync.WaitGroup
		for i := range 2 { // one commits, one waits
			draft := c.draft(fmt.Sprint(i), "")
			all.Go(func() { _, _ = c.ingest.Event(t.Context(), c.Who, "a", draft) })
			synctest.Wait()
		}
		_, err := c.send("a", "3", "")
		require.Positive(t, coretest.RequireRefusal(t, err, core.CodeUnavailable, "").RetryAfter)
		for _, item := range c.batch("a", `[{"event_type":"x","payload":4},{"event_type":"x","payload":5}]`) {
			require.Positive(t, coretest.RequireRefusal(t, item.Err, core.CodeUnavailable, "").RetryAfter)
		}
		close(release)
		all.Wait()
		require.Len(t, c.stored("a"), 2)
	})
}

// When the connection breaks on a commit, the answer is what the log says:
// stored if the events are there, to be tried again if not. Where the log does
// not say, the answer names the event, and trying again with the key is safe.
func TestALostAnswerIsLookedUp(t *testing.T) {
	t.Parallel()
	lost := fmt.Errorf("connection reset: %w", core.ErrUnknownOutcome)
	committed := func(store func() error) error { return errors.Join(store(), lost) }
	for name, tt := range map[string]struct {
		step   func(func() error) error
		blind  bool
		code   core.Code
		stored int
	}{
		"committed":              {committed, false, "", 1},
		"not committed":          {func(func() error) error { return lost }, false, core.CodeUnavailable, 0},
		"cannot tell, committed": {committed, true, core.CodeUnavailable, 1},
		"cannot tell, not":       {func(func() error) error { return lost }, true, core.CodeUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCounter(t, eventlog.CommitOptions{})
				c.Create(core.StreamSpec{Name: "a"})
				c.log.script, c.log.blind = []func(func() error) error{tt.step}, tt.blind
				started := time.Now()
				receipt, err := c.send("a", "1", "k")
				require.Equal(t, tt.code, core.CodeOf(err))
				require.Less(t, time.Since(started), 11*time.Second)
				if err != nil {
					require.Positive(t, coretest.RequireRefusal(t, err, core.CodeUnavailable, "event_id").RetryAfter)
				}
				require.Len(t, c.stored("a"), tt.stored)
				again := c.sent("a", "1", "k")
				require.Equal(t, tt.stored == 1, again.Duplicate)
				if err == nil {
					require.Equal(t, receipt.ID, again.ID)
				}
				require.Len(t, c.stored("a"), 1)
			})
		})
	}
}

// A batch whose answer was lost is answered as it would have been: stored,
// stored before and refused, each for its own event.
func TestALostAnswerToABatchIsLookedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCounter(t, eventlog.CommitOptions{})
		c.Create(core.StreamSpec{Name: "a"})
		known := c.sent("a", "1", "known")
		c.sent("a", "1", "other")
		c.Clock.Pass(time.Second)
		c.log.script = []func(func() error) error{func(store func() error) error { return errors.Join(store(), core.ErrUnknownOutcome) }}
		items := c.batch("a", `[{"event_type":"x","payload":0},{"event_type":"paid","payload":1,"idempotency_key":"known"},
			{"event_type":"x","payload":2,"idempotency_key":"other"},{"event_type":"x","payload":3,"idempotency_key":"new"}]`)
		require.Equal(t, core.Offset(2), items[0].Receipt.Offset)
		require.Equal(t, known.ID, items[1].Receipt.ID)
		require.True(t, items[1].Receipt.Duplicate)
		coretest.RequireRefusal(t, items[2].Err, core.CodeIdempotencyMismatch, "idempotency_key")
		require.Equal(t, core.Offset(3), items[3].Receipt.Offset)
		require.False(t, items[3].Receipt.Duplicate)
		require.Len(t, c.stored("a"), 4)
	})
}

// What does not fit the schema is refused with every place that does not.
func TestASchemaMismatchNamesItsFields(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	c.Create(core.StreamSpec{Name: "a", Schema: []byte(numbersOnly)})
	_, err := c.send("a", `{"n":"1","list":["a",2]}`, "")
	refusal := coretest.RequireRefusal(t, err, core.CodeSchemaMismatch, "payload.list[1]")
	require.Len(t, refusal.Details, 2)
	require.Equal(t, "payload.n", refusal.Details[1].Field)
	require.Empty(t, c.stored("a"))
	c.sent("a", `{"n":1}`, "")
}

// A schema that an earlier version took, and this one does not, keeps events out
// and nothing else.
func TestASchemaOfAnEarlierVersionCanBeChanged(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	now := c.Clock.Now()
	require.NoError(t, c.Catalog.CreateStream(t.Context(), core.Stream{
		ID: core.ID{5}, Org: c.Who.Org, Name: "a", RetentionDays: 1, Schema: []byte(`{"$ref":"#"}`), Revision: 1, CreatedAt: now, UpdatedAt: now,
	}))
	_, err := c.send("a", "1", "")
	require.Contains(t, coretest.RequireRefusal(t, err, core.CodeSchemaMismatch, "schema").Message, "change it")
	require.Empty(t, c.stored("a"))
	_, err = c.Streams.Change(t.Context(), c.Who, "a", core.StreamChange{Schema: []byte(`{"$ref":"#"}`)}, 0)
	coretest.RequireRefusal(t, err, core.CodeValidation, "schema")
	_, err = c.Streams.Change(t.Context(), c.Who, "a", core.StreamChange{Schema: []byte(`{}`)}, 0)
	require.NoError(t, err)
	c.sent("a", "1", "")
	require.NoError(t, c.Streams.Delete(t.Context(), c.Who, "a", 0))
}

// A deleted stream takes nothing: at once on the node that deleted it, a second
// later on the others.
func TestADeletedStreamTakesNothing(t *testing.T) {
	t.Parallel()
	c := newCounter(t, eventlog.CommitOptions{})
	id := c.Create(core.StreamSpec{Name: "a"})
	here, there := c.ingest, c.another(t)
	refused := func(node *eventlog.Ingest) {
		for _, ref := range []string{"a", id.String()} {
			_, err := node.Event(t.Context(), c.Who, ref, c.draft("1", ""))
			coretest.RequireRefusal(t, err, core.CodeNotFound, "")
			_, err = node.Batch(t.Context(), c.Who, ref, []eventjson.Draft{c.draft("1", "")})
			coretest.RequireRefusal(t, err, core.CodeNotFound, "")
		}
	}
	for _, ref := range []string{"a", id.String()} {
		for _, node := range []*eventlog.Ingest{here, there} {
			_, err := node.Event(t.Context(), c.Who, ref, c.draft("1", ""))
			require.NoError(t, err)
		}
	}
	require.NoError(t, c.Streams.Delete(t.Context(), c.Who, "a", 0))
	refused(here)
	c.Clock.Pass(time.Second)
	refused(there)
}

// An event that names no stream goes to the default of its key.
func TestAnEventGoesToTheDefaultStream(t *testing.T) {
	t.Parallel()
	r := coretest.NewRig(t, nil)
	orders, refunds := r.Create(core.StreamSpec{Name: "orders"}), r.Create(core.StreamSpec{Name: "refunds"})
	committer := eventlog.NewCommitter(r.Log, eventlog.CommitOptions{})
	t.Cleanup(committer.Close)
	ingest := eventlog.NewIngest(r.Streams, committer, r.Clock.Now)
	draft := eventjson.Draft{Event: core.Event{Type: "a", Version: 1, Payload: []byte(`{}`)}}
	named := draft
	named.Stream = "refunds"
	_, err := ingest.Event(t.Context(), r.Who, "", draft)
	coretest.RequireRefusal(t, err, core.CodeValidation, "stream")

	who := r.Who
	who.DefaultStream = orders
	for _, draft := range []eventjson.Draft{draft, named} {
		_, err = ingest.Event(t.Context(), who, "", draft)
		require.NoError(t, err)
	}
	_, err = ingest.Event(t.Context(), who, "refunds", draft)
	require.NoError(t, err)
	items, err := ingest.Batch(t.Context(), who, "", []eventjson.Draft{draft, named, draft})
	require.NoError(t, err)
	for _, item := range items {
		require.NoError(t, item.Err)
	}
	bounds, err := r.Log.Bounds(t.Context(), []core.ID{orders, refunds})
	require.NoError(t, err)
	require.Equal(t, []core.Offset{3, 3}, []core.Offset{bounds[0].Next, bounds[1].Next})
	who.Streams = []core.ID{refunds}
	_, err = ingest.Event(t.Context(), who, "", draft)
	require.Equal(t, core.ErrNoStream, err)
}
