package inbound_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/inbound"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// broker is a system whose messages are fetched, with one member at a time. It remembers
// what was done, and gives the rest again.
type broker struct {
	mu       sync.Mutex
	messages []core.FeedMessage
	done     int
	open     int
	opened   []core.Destination
	failing  error
	// held, if it is set, keeps a Done from returning until its context ends.
	held bool
}

func (b *broker) Check(given json.RawMessage, former core.Destination) (core.Destination, error) {
	var said struct{ Topic, Password string }
	if err := json.Unmarshal(given, &said); err != nil || said.Topic == "" {
		return core.Destination{}, core.Invalid("topic", "is required")
	}
	to := core.Destination{Type: "kafka", Settings: fmt.Appendf(nil, `{"topic":%q}`, said.Topic), Secrets: former.Secrets}
	if said.Password != "" {
		to.Secrets = fmt.Appendf(nil, `{"password":%q}`, said.Password)
	}
	return to, nil
}

func (b *broker) Open(from core.Destination, _ core.ID) (core.Feed, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open++
	b.opened = append(b.opened, from)
	return &member{broker: b, at: b.done}, nil
}

func (b *broker) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing = err
}

func (b *broker) put(values ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, value := range values {
		n := len(b.messages)
		b.messages = append(b.messages, core.FeedMessage{
			Place: fmt.Sprint("orders/0/", n), Value: []byte(value),
			Headers: []core.FeedHeader{{Name: "kafka-topic", Value: "orders"}, {Name: "kafka-key", Value: fmt.Sprint("order-", n)}, {Name: "kafka-time", Value: "2026-03-01T12:00:00Z"}},
		})
	}
}

type member struct {
	broker *broker
	at, to int
}

func (m *member) Next(ctx context.Context) ([]core.FeedMessage, error) {
	for range 10 {
		m.broker.mu.Lock()
		messages, err := m.broker.messages[m.at:], m.broker.failing
		m.broker.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if len(messages) > 0 {
			messages = messages[:min(len(messages), core.MaxFeedMessages)]
			m.to = m.at + len(messages)
			return messages, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, nil
}

func (m *member) Done(ctx context.Context) error {
	m.broker.mu.Lock()
	held := m.broker.held
	m.broker.mu.Unlock()
	if held {
		<-ctx.Done()
		return ctx.Err()
	}
	m.broker.mu.Lock()
	defer m.broker.mu.Unlock()
	m.at, m.broker.done = m.to, m.to
	return nil
}

func (m *member) Load() core.FeedLoad {
	m.broker.mu.Lock()
	defer m.broker.mu.Unlock()
	return core.FeedLoad{Parts: 1, Lag: int64(len(m.broker.messages) - m.broker.done)}
}

func (m *member) Close() {
	m.broker.mu.Lock()
	defer m.broker.mu.Unlock()
	m.broker.open--
}

// feedDesk is a desk in a bubble of time, whose sources fetch from a broker.
func feedDesk(t *testing.T, b *broker) (d *desk, fetch func() (stop func())) {
	t.Helper()
	return feedDeskOver(t, nil, b)
}

func feedDeskOver(t *testing.T, log core.EventLog, b *broker) (d *desk, fetch func() (stop func())) {
	t.Helper()
	d = newDeskOver(t, log)
	d.Sources = inbound.New(inbound.Ports{
		Catalog: d.rig.Catalog, Streams: d.rig.Streams, Ingest: d.ingest, Authorizer: coretest.Everything{}, Secrets: [][]byte{secretNow},
		Feeds: map[core.Preset]core.FeedConnector{core.PresetKafka: b}, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
	})
	return d, func() func() {
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.Fetch(ctx, func(string, error) {})
		}()
		return func() {
			cancel()
			<-ended
		}
	}
}

var fromOrders = json.RawMessage(`{"topic":"orders","password":"sesame"}`)

// passes has so much time pass, and waits for what goes on then.
func passes(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestMessagesOfAFeedBecomeEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broker{}
		d, fetch := feedDesk(t, b)
		b.put(`{"type":"order.paid","n":0}`, `no JSON`, `{"n":2}`)
		b.messages[2].Headers = append(b.messages[2].Headers,
			core.FeedHeader{Name: "event_type", Value: "order.sent"}, core.FeedHeader{Name: "X-Tenant", Value: "blue"}, core.FeedHeader{Name: "X-TENANT", Value: "red"},
			core.FeedHeader{Name: "Authorization", Value: "Bearer sesame"}, core.FeedHeader{Name: "traceparent", Value: coretest.Traceparent},
			core.FeedHeader{Name: strings.Repeat("x", 200), Value: "long"}, core.FeedHeader{Name: "", Value: "none"})
		source, token := d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
		require.Empty(t, token)
		require.Empty(t, source.Masked)
		stop := fetch()
		passes(time.Minute)
		events := d.events()
		require.Len(t, events, 2)
		require.Equal(t, "order.paid", events[0].Type)
		require.Equal(t, "order-0", events[0].Subject, "the key")
		require.Equal(t, "2026-03-01T12:00:00Z", events[0].OccurredAt.Format(time.RFC3339))
		require.Equal(t, "kafka:orders/0/0", events[0].IdempotencyKey)
		require.Equal(t, "kafka", events[0].Source)
		require.Equal(t, "order.sent", events[1].Type)
		kept := contextOf(t, events[1])
		require.Equal(t, "blue", kept["x-tenant"])
		require.Equal(t, "orders", kept["kafka-topic"])
		require.Equal(t, coretest.Traceparent, kept["traceparent"])
		require.NotContains(t, string(events[1].Context), "sesame")
		refusals := d.refused(source)
		require.Len(t, refusals, 1)
		require.Equal(t, "orders/0/1", refusals[0].Address)
		require.Equal(t, "no JSON", refusals[0].Excerpt)
		require.Equal(t, core.CodeValidation, refusals[0].Code)
		require.Equal(t, 3, b.done, "what is refused does not come again")
		got, err := d.Get(t.Context(), d.rig.Who, source.ID.String())
		require.NoError(t, err)
		require.Equal(t, 1, got.Feed.Nodes)
		require.Equal(t, core.FeedLoad{Parts: 1}, got.Feed.FeedLoad)
		require.NotNil(t, got.Feed.LastAt)
		require.Empty(t, got.Feed.Error)
		stop()
		require.Zero(t, b.open)
	})
}

// A node that dies between a commit here and one there leaves messages that come again.
func TestWhatComesAgainFromAFeedIsStoredOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broker{held: true}
		d, fetch := feedDesk(t, b)
		b.put(`{"n":0}`, `{"n":1}`)
		d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
		stop := fetch()
		passes(time.Minute)
		require.Len(t, d.events(), 2)
		stop()
		require.Zero(t, b.done)
		b.held = false
		b.put(`{"n":2}`)
		stop = fetch()
		passes(time.Minute)
		stop()
		require.Len(t, d.events(), 3)
		require.Equal(t, 3, b.done)
	})
}

// lameLog is a log that cannot store while it is lame.
type lameLog struct {
	core.EventLog
	lame atomic.Bool
}

func (l *lameLog) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if l.lame.Load() {
		return core.Unavailable(nil, time.Second, "the store cannot be reached")
	}
	return l.EventLog.Append(ctx, at, batches)
}

// As long as events cannot be stored, nothing is done at the broker, and it is said why.
func TestNothingOfAFeedIsDoneThatIsNotDurable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, log := &broker{}, &lameLog{EventLog: coretest.OpenLog(t)}
		d, fetch := feedDeskOver(t, log, b)
		log.lame.Store(true)
		b.put(`{"n":0}`, `no JSON`)
		source, _ := d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
		defer fetch()()
		passes(time.Minute)
		require.Zero(t, b.done)
		require.Empty(t, d.refused(source), "it may be taken in later")
		got, err := d.Get(t.Context(), d.rig.Who, source.ID.String())
		require.NoError(t, err)
		require.Contains(t, got.Feed.Error, "the store cannot be reached")
		log.lame.Store(false)
		passes(time.Minute)
		require.Equal(t, 2, b.done)
		require.Len(t, d.events(), 1)
		require.Len(t, d.refused(source), 1)
	})
}

func TestAFeedEndsWithItsStream(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broker{}
		d, fetch := feedDesk(t, b)
		d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
		stream, err := d.rig.Catalog.Stream(t.Context(), d.rig.Who.Org, d.stream)
		require.NoError(t, err)
		defer fetch()()
		passes(time.Second)
		require.Equal(t, 1, b.open)
		require.NoError(t, d.rig.Streams.Delete(t.Context(), d.rig.Who, stream.ID.String(), stream.Revision))
		b.put(`{"n":2}`)
		passes(time.Minute)
		require.Zero(t, b.done)
		require.Zero(t, b.open)
	})
}

func TestAFeedSaysWhyItDoesNotGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broker{failing: errors.New("no broker can be reached")}
		d, fetch := feedDesk(t, b)
		source, _ := d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
		defer fetch()()
		feed := func() *core.FeedStatus {
			page, err := d.List(t.Context(), d.rig.Who, "", 0)
			require.NoError(t, err)
			require.Equal(t, source.ID, page.Items[0].ID)
			return page.Items[0].Feed
		}
		passes(20 * time.Second)
		require.Equal(t, "no broker can be reached", feed().Error)
		since := *feed().ErrorAt
		passes(time.Minute)
		require.Equal(t, since, *feed().ErrorAt)
		b.fail(nil)
		passes(20 * time.Second)
		require.Empty(t, feed().Error)
		require.Nil(t, feed().ErrorAt)
	})
}

func TestAFeedFollowsItsSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &broker{}
		d, fetch := feedDesk(t, b)
		source, _ := d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
		defer fetch()()
		change := func(change core.SourceChange) {
			_, err := d.Change(t.Context(), d.rig.Who, source.ID.String(), change, 0)
			require.NoError(t, err)
			passes(5 * time.Second)
		}
		passes(time.Second)
		require.Equal(t, 1, b.open)
		change(core.SourceChange{State: new(core.SourcePaused)})
		require.Zero(t, b.open)
		b.put(`{"n":0}`)
		passes(time.Minute)
		require.Empty(t, d.events())
		change(core.SourceChange{State: new(core.SourceRunning)})
		require.Len(t, d.events(), 1)
		change(core.SourceChange{From: json.RawMessage(`{"topic":"bills"}`)})
		require.Equal(t, 1, b.open)
		last := b.opened[len(b.opened)-1]
		require.JSONEq(t, `{"topic":"bills"}`, string(last.Settings))
		require.JSONEq(t, `{"password":"sesame"}`, string(last.Secrets), "it was not given and stays")
		require.NoError(t, d.Delete(t.Context(), d.rig.Who, source.ID.String(), 0))
		passes(5 * time.Second)
		require.Zero(t, b.open)
	})
}

func TestTheSecretsOfAFeedAreInNoAnswer(t *testing.T) {
	t.Parallel()
	d, _ := feedDesk(t, &broker{})
	source, _ := d.source(core.SourceSpec{Preset: core.PresetKafka, From: fromOrders})
	text, err := json.Marshal(source)
	require.NoError(t, err)
	require.NotContains(t, string(text), "sesame")
	require.Contains(t, string(text), `"from":{"type":"kafka","topic":"orders"}`)
	stored, err := d.rig.Catalog.Source(t.Context(), source.Org, source.ID)
	require.NoError(t, err)
	require.Empty(t, stored.From.Secrets)
	require.False(t, bytes.Contains(stored.Sealed, []byte("sesame")))
	_, _, err = d.Rotate(t.Context(), d.rig.Who, source.ID.String())
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
}

func TestWhatIsFetchedIsChecked(t *testing.T) {
	t.Parallel()
	d, _ := feedDesk(t, &broker{})
	for field, spec := range map[string]core.SourceSpec{
		"from":       {Preset: core.PresetKafka},
		"from.topic": {Preset: core.PresetKafka, From: json.RawMessage(`{}`)},
		"secret":     {Preset: core.PresetKafka, From: fromOrders, Secret: "x"},
	} {
		spec.Name, spec.Stream = "x", "hooks"
		_, _, err := d.Create(t.Context(), d.rig.Who, spec)
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
		require.Equal(t, field, err.(*core.Error).Details[0].Field) //nolint:errorlint // Create promises it
	}
	for _, from := range []string{`[]`, `"x"`, `{"topic":"orders"}`} {
		_, _, err := d.Create(t.Context(), d.rig.Who, core.SourceSpec{Name: "x", Stream: "hooks", Preset: core.PresetNone, From: json.RawMessage(from)})
		require.Equal(t, "from", err.(*core.Error).Details[0].Field, from) //nolint:errorlint // Create promises it
	}
	for i := range core.MaxFeeds {
		d.source(core.SourceSpec{Name: fmt.Sprint("feed-", i), Preset: core.PresetKafka, From: fromOrders})
	}
	_, _, err := d.Create(t.Context(), d.rig.Who, core.SourceSpec{Name: "x", Stream: "hooks", Preset: core.PresetKafka, From: fromOrders})
	require.Equal(t, core.CodeConflict, core.CodeOf(err))
	require.ErrorContains(t, err, "50 sources that fetch")
	d.source(core.SourceSpec{Name: "hook", Preset: core.PresetNone})
}
