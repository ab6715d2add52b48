package eventlog_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

var copyStart = time.Date(2026, 3, 1, 10, 0, 0, 123_456_000, time.UTC)

func memoryLog(t *testing.T) (core.Storage, core.Copyable) {
	t.Helper()
	storage, err := memory.Open(t.Context(), nil)
	require.NoError(t, err)
	return storage, storage.(core.Copyable)
}

// copyFill appends so many events to a stream, a day for every thousand.
func copyFill(t *testing.T, log core.Storage, stream core.ID, events int) core.StreamLog {
	t.Helper()
	for n := 0; n < events; n += 1000 {
		entries := make([]core.Entry, min(1000, events-n))
		for i := range entries {
			entries[i].Event = core.Event{
				ID: core.ID{1, byte(n >> 16), byte(n >> 8), byte(i >> 8), byte(i)}, Type: "copied", Version: 1, OccurredAt: copyStart,
				Source: "test", Payload: fmt.Appendf(nil, ` {"n": %d.0}`, n+i), IdempotencyKey: fmt.Sprint(n + i),
			}
			entries[i].Fingerprint[3] = byte(i + 1)
		}
		at := copyStart.Add(time.Duration(n/1000) * 24 * time.Hour)
		require.NoError(t, log.Append(t.Context(), at, []core.Batch{{Org: core.ID{9}, Stream: stream, Entries: entries}}))
	}
	logs, err := log.(core.Copyable).Logs(t.Context())
	require.NoError(t, err)
	return logs[len(logs)-1]
}

// Every field that an event has, now or one day, is in the line, byte for byte.
func TestAnEntryIsTheSameFromItsLine(t *testing.T) {
	t.Parallel()
	stream := core.ID{7}
	entry := core.Entry{Event: core.Event{
		ID: core.ID{1}, Stream: stream, Offset: 1 << 60, Type: "a.b", Version: 3, OccurredAt: copyStart.Add(-time.Hour), ReceivedAt: copyStart,
		Source: "<s> & \u2028", Subject: "日本", Payload: []byte(" { \"a\" : 1.10,\t\"b\":\"<\\u00e9>\" }"), Context: []byte(`{ "trace_id":"x"}`),
		APIKeyID: core.ID{5}, IdempotencyKey: "a \"key\"",
	}, Fingerprint: core.Fingerprint{9, 15: 1}}
	fields := reflect.ValueOf(entry.Event)
	for i := range fields.NumField() {
		require.False(t, fields.Field(i).IsZero(), "this test must set the field %s", fields.Type().Field(i).Name)
	}
	for _, one := range []core.Entry{entry, {Event: core.Event{Stream: stream, Payload: []byte(`null`), OccurredAt: copyStart, ReceivedAt: copyStart}}} {
		line, err := eventlog.EncodeEntry(&one)
		require.NoError(t, err)
		require.NotContains(t, string(line), "\n")
		require.NotContains(t, string(line), stream.String())
		got, err := eventlog.DecodeEntry(stream, line)
		require.NoError(t, err)
		require.Equal(t, one, got)
	}
	entry.Payload = []byte{'"', 0xff, '"'}
	_, err := eventlog.EncodeEntry(&entry)
	require.ErrorContains(t, err, "not UTF-8", "what would be altered is refused")
	for _, line := range []string{`{`, `{"fingerprint":"00"}`, `{"fingerprint":"x"}`, `{"event_id":7}`} {
		_, err := eventlog.DecodeEntry(stream, []byte(line))
		require.Error(t, err, line)
	}
}

// A stream of many stretches is the same over there, also where the copy goes on from
// the middle, and its sum tells of any difference.
func TestAStreamIsCopied(t *testing.T) {
	t.Parallel()
	source, from := memoryLog(t)
	_, to := memoryLog(t)
	of := copyFill(t, source, core.ID{7}, 25_500)
	moved := 0
	half := of
	half.Next = 12_000
	for _, part := range []struct {
		core.StreamLog
		begin core.Offset
	}{{half, 0}, {of, 12_000}, {of, 25_000}} {
		require.NoError(t, eventlog.CopyStream(t.Context(), from, to, part.StreamLog, part.begin, func(n int) { moved += n }))
	}
	require.Equal(t, 26_000, moved)
	logs, err := to.Logs(t.Context())
	require.NoError(t, err)
	require.Equal(t, []core.StreamLog{of}, logs)
	want, events, err := eventlog.Sum(eventlog.Entries(t.Context(), from, of, 0))
	require.NoError(t, err)
	require.Equal(t, 25_500, events)
	got, _, err := eventlog.Sum(eventlog.Entries(t.Context(), to, of, 0))
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, other := memoryLog(t)
	for stretch, err := range eventlog.Stretches(of, 0, eventlog.Entries(t.Context(), from, of, 0)) {
		require.NoError(t, err)
		stretch.Entries[0].Fingerprint[0]++
		require.NoError(t, other.Put(t.Context(), stretch))
	}
	altered, _, err := eventlog.Sum(eventlog.Entries(t.Context(), other, of, 0))
	require.NoError(t, err)
	require.NotEqual(t, want, altered)
}

// What retention removes while a stream is copied is missing over there, and nothing
// else: wherever it strikes, the copy begins where the stream does.
func TestRetentionDuringACopy(t *testing.T) {
	t.Parallel()
	for _, days := range []int{1, 11, 13} {
		for _, after := range []int{1, 9_001} {
			source, from := memoryLog(t)
			_, to := memoryLog(t)
			of := copyFill(t, source, core.ID{7}, 12_500)
			read, n := eventlog.Entries(t.Context(), from, of, 0), 0
			trimming := func(yield func(core.Entry, error) bool) {
				for entry, err := range read {
					if n++; n == after {
						require.NoError(t, source.Trim(context.Background(), of.Stream, copyStart.Add(time.Duration(days)*24*time.Hour)))
					}
					if !yield(entry, err) {
						return
					}
				}
			}
			for stretch, err := range eventlog.Stretches(of, 0, trimming) {
				require.NoError(t, err)
				require.NoError(t, to.Put(t.Context(), stretch))
			}
			logs, err := to.Logs(t.Context())
			require.NoError(t, err)
			require.Equal(t, of.Next, logs[0].Next, "%d %d", days, after)
			bounds, err := source.Bounds(t.Context(), []core.ID{of.Stream})
			require.NoError(t, err)
			require.LessOrEqual(t, logs[0].First, bounds[0].First)
			left, err := to.Entries(t.Context(), of.Stream, core.Scan{Limit: 1 << 20})
			require.NoError(t, err)
			require.Len(t, left, int(of.Next-logs[0].First), "without a gap")
			require.NoError(t, eventlog.CopyStream(t.Context(), from, to, core.StreamLog{Org: of.Org, Stream: of.Stream, Bounds: bounds[0]}, of.Next, func(int) {}))
			logs, err = to.Logs(t.Context())
			require.NoError(t, err)
			require.Equal(t, bounds[0], logs[0].Bounds, "once more, and both are alike")
		}
	}
}

// shaky is a log that cannot be reached a few times.
type shaky struct {
	core.Copyable
	refuse int
}

func (s *shaky) refused() error {
	if s.refuse--; s.refuse >= 0 {
		return core.Unavailable(nil, time.Second, "the store cannot be reached")
	}
	return nil
}

func (s *shaky) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	if err := s.refused(); err != nil {
		return nil, err
	}
	return s.Copyable.Entries(ctx, stream, scan)
}

func (s *shaky) Put(ctx context.Context, stretch core.Stretch) error {
	if err := s.refused(); err != nil {
		return err
	}
	return s.Copyable.Put(ctx, stretch)
}

// A copy takes hours, and a database that is restarted meanwhile takes seconds.
func TestACopyWaitsForAStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		source, from := memoryLog(t)
		_, to := memoryLog(t)
		of := copyFill(t, source, core.ID{7}, 10)
		began := time.Now()
		require.NoError(t, eventlog.CopyStream(t.Context(), &shaky{from, 3}, &shaky{to, 2}, of, 0, func(int) {}))
		require.Equal(t, 10*time.Second, time.Since(began))
		logs, err := to.Logs(t.Context())
		require.NoError(t, err)
		require.Equal(t, []core.StreamLog{of}, logs)
		began = time.Now()
		err = eventlog.CopyStream(t.Context(), from, &shaky{to, 1000}, of, 0, func(int) {})
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
		require.Less(t, time.Since(began), time.Minute)
	})
}
