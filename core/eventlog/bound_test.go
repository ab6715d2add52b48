package eventlog_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// bounded is a stream with bounds, and all that was ever stored in it.
type bounded struct {
	log       core.Storage
	catalog   *memory.Catalog
	stream    core.Stream
	stored    []core.Event
	retention *eventlog.Retention
	removed   []core.Removal
	sweeps    []eventlog.Sweep
	now       time.Time
}

func newBounded(t coretest.Tester, stream core.Stream) *bounded {
	stream.ID, stream.Org, stream.Name, stream.Revision = core.ID{1}, core.ID{2}, "orders", 1
	b := &bounded{log: coretest.OpenLog(t), catalog: memory.NewCatalog(), stream: stream, now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	require.NoError(t, b.catalog.CreateStream(t.Context(), stream))
	b.retention = eventlog.NewRetention(eventlog.RetentionPorts{
		Catalog: b.catalog, Log: b.log, Attempts: b.catalog, Sessions: b.catalog, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		Removed: func(removal core.Removal) { b.removed = append(b.removed, removal) },
		Swept:   func(sweep eventlog.Sweep) { b.sweeps = append(b.sweeps, sweep) },
	})
	return b
}

// append stores events of a size at the present time.
func (b *bounded) append(t coretest.Tester, n, size int) {
	entries := make([]core.Entry, n)
	for i := range entries {
		payload := append(append([]byte{'"'}, bytes.Repeat([]byte{'x'}, size-2)...), '"')
		entries[i].Event = core.Event{ID: core.RandomID(b.now), Type: "a", Version: 1, OccurredAt: b.now, Payload: payload}
	}
	require.NoError(t, b.log.Append(t.Context(), b.now, []core.Batch{{Org: b.stream.Org, Stream: b.stream.ID, Entries: entries}}))
	for i := range entries {
		b.stored = append(b.stored, entries[i].Event)
	}
}

// sweep removes, and returns the first offset that is left.
func (b *bounded) sweep(t coretest.Tester) core.Offset {
	require.NoError(t, b.retention.Sweep(t.Context(), b.now))
	bounds, err := b.log.Bounds(t.Context(), []core.ID{b.stream.ID})
	require.NoError(t, err)
	return bounds[0].First
}

// holds checks the rule: what a bound wants kept is there, and what is left of the
// oldest hour is there because a bound wants a part of that hour, or of the time before
// it, kept. The memory removes whole hours.
func (b *bounded) holds(t coretest.Tester, first core.Offset) {
	left := b.stored[first:]
	size := func(events []core.Event) (sum int64) {
		for i := range events {
			sum += int64(events[i].Size())
		}
		return sum
	}
	old := b.now.AddDate(0, 0, -b.stream.RetentionDays)
	if first > 0 {
		aged := b.stored[first-1].ReceivedAt.Before(old)
		counted := b.stream.RetentionEvents > 0 && int64(len(left)) >= b.stream.RetentionEvents
		weighed := b.stream.RetentionBytes > 0 && size(left) >= b.stream.RetentionBytes
		require.True(t, aged || counted || weighed, "no bound lets offset %d go", first-1)
	}
	if len(left) == 0 {
		return
	}
	hour := left[0].ReceivedAt.Truncate(time.Hour)
	n := 0
	for n < len(left) && left[n].ReceivedAt.Before(hour.Add(time.Hour)) {
		n++
	}
	require.True(t, hour.Add(time.Hour).After(old), "age bounds")
	if b.stream.RetentionEvents > 0 {
		require.Less(t, int64(len(left)-n), b.stream.RetentionEvents, "the oldest hour must go: without it so many are left")
	}
	if b.stream.RetentionBytes > 0 {
		require.Less(t, size(left[n:]), b.stream.RetentionBytes, "the oldest hour must go: without it so much is left")
	}
}

func TestBoundsRemoveAllTheyMayAndNeverMore(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := newBounded(t, core.Stream{
			RetentionDays:   rapid.IntRange(1, 3).Draw(t, "days"),
			RetentionBytes:  rapid.SampledFrom([]int64{0, 1, 100, 1000, 5000, 1 << 50}).Draw(t, "bytes"),
			RetentionEvents: rapid.SampledFrom([]int64{0, 1, 2, 10, 50, 1 << 50}).Draw(t, "events"),
		})
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			b.append(t, rapid.IntRange(1, 20).Draw(t, "appended"), rapid.IntRange(2, 400).Draw(t, "size"))
			b.now = b.now.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 10, 59, 60, 240, 1440, 3000}).Draw(t, "minutes")) * time.Minute)
			if rapid.Bool().Draw(t, "sweeps") {
				b.holds(t, b.sweep(t))
			}
		}
		first := b.sweep(t)
		b.holds(t, first)
		var events int64
		for _, removal := range b.removed {
			events += removal.Events
		}
		require.EqualValues(t, first, events, "every removal is told once")
	})
}

// What is weighed once is not read again: the blocks of a stream are read while they
// fill, and where the bound lies.
func TestWeighingReadsWhatIsNew(t *testing.T) {
	t.Parallel()
	b := newBounded(t, core.Stream{RetentionDays: 90, RetentionBytes: 1 << 20})
	counting := &countingReader{Storage: b.log}
	b.retention.Log = counting
	for range 4 {
		b.append(t, 3000, 2)
	}
	b.sweep(t)
	require.Greater(t, counting.read, 11_999, "all is weighed the first time")
	counting.read = 0
	b.append(t, 100, 2)
	b.sweep(t)
	require.Less(t, counting.read, 2_200, "the block that is not full, and not the full one")
	b.stream.RetentionBytes, b.stream.Revision = 90_000, 2
	require.NoError(t, b.catalog.UpdateStream(t.Context(), b.stream))
	b.now = b.now.Add(2 * time.Hour)
	b.append(t, 1, 90_000)
	require.EqualValues(t, 12_100, b.sweep(t), "and the sums are right")
}

type countingReader struct {
	core.Storage
	read int
}

func (c *countingReader) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	events, err := c.Storage.Read(ctx, stream, scan)
	c.read += len(events)
	return events, err
}

// What was removed is said with its reason, to the metrics and on the stream's page.
func TestRemovalsAreTold(t *testing.T) {
	t.Parallel()
	for reason, stream := range map[core.Reason]core.Stream{
		core.ReasonAge:    {RetentionDays: 1, RetentionBytes: 1 << 30, RetentionEvents: 1000},
		core.ReasonEvents: {RetentionDays: 90, RetentionBytes: 300, RetentionEvents: 5},
		core.ReasonBytes:  {RetentionDays: 90, RetentionBytes: 30, RetentionEvents: 25},
	} {
		t.Run(string(reason), func(t *testing.T) {
			t.Parallel()
			b := newBounded(t, stream)
			started := b.now
			b.append(t, 20, 10)
			b.now = b.now.Add(25 * time.Hour)
			b.append(t, 10, 10)
			at := b.now
			require.EqualValues(t, 20, b.sweep(t))
			want := core.Removal{At: at, Reason: reason, Events: 20, ApproximateBytes: 200, UntilOffset: 20}
			require.Equal(t, []core.Removal{want}, b.removed)
			require.Equal(t, eventlog.Sweep{At: at, Oldest: at}, b.sweeps[0], "the oldest that is left, not the one of %v", started)
			streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: b.catalog, Log: b.log, Authorizer: coretest.Everything{}, Now: time.Now})
			kept, err := streams.Retained(t.Context(), core.Principal{Org: b.stream.Org}, "orders")
			require.NoError(t, err)
			require.Equal(t, core.StreamRetention{
				RetentionDays: stream.RetentionDays, RetentionBytes: stream.RetentionBytes, RetentionEvents: stream.RetentionEvents,
				Events: 10, ApproximateBytes: 100, OldestReceivedAt: &at, LastRemoval: &want,
			}, kept)
		})
	}
}

// harmed is a log whose first events cannot be read any more.
type harmed struct {
	core.EventLog
	until core.Offset
}

func (h *harmed) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	if scan.From < h.until {
		return nil, coretest.ErrBroken
	}
	return h.EventLog.Read(ctx, stream, scan)
}

// What cannot be read goes when its time has come, as what can. That it could not be read is
// an error of the sweep until then.
func TestWhatCannotBeReadIsKeptNoLonger(t *testing.T) {
	t.Parallel()
	b := newBounded(t, core.Stream{RetentionDays: 1})
	log := &harmed{b.log, 20}
	b.retention.Log = log
	b.append(t, 20, 10)
	require.ErrorIs(t, b.retention.Sweep(t.Context(), b.now), coretest.ErrBroken)
	require.Empty(t, b.removed, "nothing is old enough")
	b.now = b.now.Add(25 * time.Hour)
	b.append(t, 10, 10)
	require.ErrorIs(t, b.retention.Sweep(t.Context(), b.now), coretest.ErrBroken)
	require.Equal(t, []core.Removal{{At: b.now, Reason: core.ReasonAge, Events: 20, UntilOffset: 20}}, b.removed)
	require.EqualValues(t, 20, b.sweep(t), "there is no more to complain of")
}

// An estimate of many events is near, and it is one page of each of some places.
func TestManyEventsAreEstimated(t *testing.T) {
	t.Parallel()
	b := newBounded(t, core.Stream{RetentionDays: 1})
	for i := range 40 {
		b.append(t, 100, 100+i)
	}
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: b.catalog, Log: b.log, Authorizer: coretest.Everything{}, Now: time.Now})
	kept, err := streams.Retained(t.Context(), core.Principal{Org: b.stream.Org}, "orders")
	require.NoError(t, err)
	require.InEpsilon(t, 4_000*119.5, kept.ApproximateBytes, 0.05)
}

func TestBoundsOutsideTheirLimitsAreRefused(t *testing.T) {
	t.Parallel()
	for field, stream := range map[string]core.Stream{
		"retention_bytes":  {RetentionBytes: -1},
		"retention_events": {RetentionEvents: core.MaxRetentionEvents + 1},
	} {
		stream.Name, stream.RetentionDays = "x", 1
		coretest.RequireRefusal(t, stream.Check(), core.CodeValidation, field)
	}
	ok := core.Stream{Name: "x", RetentionDays: 1, RetentionBytes: core.MaxRetentionBytes, RetentionEvents: core.MaxRetentionEvents}
	require.NoError(t, ok.Check(), fmt.Sprint(ok))
}
