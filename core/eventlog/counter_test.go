package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

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
		return 0, coretest.ErrBroken
	}
	return l.EventLog.OffsetAt(ctx, stream, at)
}

// counter is where events are handed in.
type counter struct {
	*coretest.Rig
	log    *shakyLog
	ingest *eventlog.Ingest
}

func newCounter(t *testing.T, options eventlog.CommitOptions) *counter {
	log := &shakyLog{EventLog: coretest.OpenLog(t)}
	c := &counter{Rig: coretest.NewRig(t, log), log: log}
	c.ingest = c.over(t, c.Streams, options)
	return c
}

// another returns the use case of another node, or of this one after a
// restart: over the same log, with nothing remembered.
func (c *counter) another(t *testing.T) *eventlog.Ingest {
	return c.over(t, c.Node(), eventlog.CommitOptions{})
}

func (c *counter) over(t *testing.T, streams *eventlog.Streams, options eventlog.CommitOptions) *eventlog.Ingest {
	options.Now, options.Logger = c.Clock.Now, slog.New(slog.DiscardHandler)
	committer := eventlog.NewCommitter(c.log, options)
	t.Cleanup(committer.Close)
	return eventlog.NewIngest(streams, committer, c.Clock.Now)
}

// draft decodes an event with a payload and, where it is not empty, a key.
func (c *counter) draft(payload, key string) eventjson.Draft {
	c.T.Helper()
	if key != "" {
		key = fmt.Sprintf(`,"idempotency_key":%q`, key)
	}
	draft, err := eventjson.DecodeEvent([]byte(`{"event_type":"paid","payload":`+payload+key+`}`), eventjson.StreamInEvent)
	require.NoError(c.T, err)
	return draft
}

func (c *counter) send(stream, payload, key string) (core.Receipt, error) {
	c.T.Helper()
	return c.ingest.Event(c.T.Context(), c.Who, stream, c.draft(payload, key))
}

func (c *counter) sent(stream, payload, key string) core.Receipt {
	c.T.Helper()
	receipt, err := c.send(stream, payload, key)
	require.NoError(c.T, err)
	return receipt
}

func (c *counter) batch(stream, body string) []eventlog.Item {
	c.T.Helper()
	drafts, err := eventjson.DecodeArray([]byte(body), eventjson.StreamInEvent)
	require.NoError(c.T, err)
	items, err := c.ingest.Batch(c.T.Context(), c.Who, stream, drafts)
	require.NoError(c.T, err)
	require.Len(c.T, items, len(drafts))
	return items
}

func (c *counter) stored(stream string) []core.Event {
	c.T.Helper()
	return c.Page(stream, core.EventQuery{Limit: 1000}).Items
}
