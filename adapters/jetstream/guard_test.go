package jetstream_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
)

var stream = core.ID{9}

// alone is one server, and a store of one partition on it.
func alone(t *testing.T, change func(*jetstreamtest.Node)) *url.URL {
	t.Helper()
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 1)
	require.NoError(t, err)
	change(&nodes[0])
	stop, err := natsserver.Within(nodes)
	require.NoError(t, err)
	t.Cleanup(stop)
	return jetstreamtest.URL(nodes, "guarded", 1, 1)
}

func sound(*jetstreamtest.Node) {}

func guarded(t *testing.T, u *url.URL, extents core.Extents) core.Storage {
	t.Helper()
	storage := open(t, u, nil)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	require.NoError(t, storage.(core.Guarded).Guard(t.Context(), extents))
	return storage
}

// add appends events at one time.
func add(storage core.Storage, events int) error {
	entries := make([]core.Entry, events)
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	for i := range entries {
		entries[i].Event = core.Event{ID: core.RandomID(at), Type: "a", Version: 1, OccurredAt: at, Source: "test", Payload: []byte(`1`)}
	}
	return storage.Append(context.Background(), at, []core.Batch{{Org: core.ID{1}, Stream: stream, Entries: entries}})
}

func initialize(t *testing.T, u *url.URL) (told []string) {
	t.Helper()
	require.NoError(t, jetstream.Init(t.Context(), u, func(text string) { told = append(told, text) }))
	return told
}

// lose makes the partition anew, as an engine does that lost everything.
func lose(t *testing.T, u *url.URL) {
	t.Helper()
	conn, err := nats.Connect("nats://" + u.Host)
	require.NoError(t, err)
	defer conn.Close()
	answer, err := conn.Request("$JS.API.STREAM.DELETE.guarded-0", nil, 10*time.Second)
	require.NoError(t, err)
	var deleted struct{ Success bool }
	require.NoError(t, json.Unmarshal(answer.Data, &deleted))
	require.True(t, deleted.Success)
}

// A partition that is missing is never made by opening it, and one that was made anew is
// never written to: offsets would be given twice.
func TestAPartitionThatWentBackIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	u, extents := alone(t, sound), memory.NewCatalog()
	_, err := jetstream.Open(t.Context(), u)
	require.ErrorContains(t, err, "'eventflow init' makes it")
	require.Equal(t, []string{"made guarded-0"}, initialize(t, u))
	require.Equal(t, []string{"found guarded-0"}, initialize(t, u))

	before := guarded(t, u, extents)
	for range 3 {
		require.NoError(t, add(before, 2))
	}
	require.Equal(t, []error{nil}, core.CheckShards(t.Context(), before))
	require.NoError(t, before.Close())
	kept, err := extents.Extents(t.Context(), "guarded")
	require.NoError(t, err)
	require.Equal(t, map[int]uint64{0: 5}, kept, "the marker, three blocks, and the mark of a new stream")

	lose(t, u)
	_, err = jetstream.Open(t.Context(), u)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	require.ErrorContains(t, err, "it is lost")
	initialize(t, u)
	after := guarded(t, u, extents)
	refused := add(after, 1)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(refused))
	require.ErrorContains(t, refused, "ends at sequence 1, and it had come to 5")
	require.ErrorContains(t, after.Check(t.Context()), "Nothing is written to it")
	require.Equal(t, 1, after.(core.Guarded).Lost())
	require.ErrorIs(t, core.CheckShards(t.Context(), after)[0], core.ErrLost)
	for what, ask := range questions(after) {
		err := ask(t.Context())
		require.ErrorIs(t, err, core.ErrLost, what)
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err), what)
	}

	unguarded := open(t, u, nil)
	t.Cleanup(func() { require.NoError(t, unguarded.Close()) })
	bounds, err := unguarded.Bounds(t.Context(), []core.ID{stream})
	require.NoError(t, err)
	require.Zero(t, bounds[0], "nothing was stored")
	for range 3 {
		require.NoError(t, add(unguarded, 1), "without the extents nobody would know")
	}
	require.Eventually(t, func() bool { return after.(core.Guarded).Lost() == 0 }, time.Minute, 10*time.Millisecond,
		"the leader knows as much as there was, which is seen without anybody's asking")
	require.NoError(t, add(after, 1))
	require.NoError(t, after.Check(t.Context()))
}

// questions are those to which a log that has lost its end has no answer.
func questions(storage core.Storage) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"read": func(ctx context.Context) error { _, err := storage.Read(ctx, stream, core.Scan{Limit: 10}); return err },
		"read backward": func(ctx context.Context) error {
			_, err := storage.Read(ctx, stream, core.Scan{Limit: 10, Backward: true})
			return err
		},
		"read all": func(ctx context.Context) error {
			_, err := storage.ReadAll(ctx, core.ID{1}, core.AllScan{Limit: 10})
			return err
		},
		"bounds": func(ctx context.Context) error { _, err := storage.Bounds(ctx, []core.ID{stream}); return err },
		"offset": func(ctx context.Context) error { _, err := storage.OffsetAt(ctx, stream, time.Now()); return err },
		"logs":   func(ctx context.Context) error { _, err := storage.(core.Copyable).Logs(ctx); return err },
	}
}

// A reader that has read what there is of a log is not told that it has come to the end.
func TestTheEndOfALogThatWentBackIsNotBelieved(t *testing.T) {
	t.Parallel()
	u, extents := alone(t, sound), memory.NewCatalog()
	initialize(t, u)
	storage := guarded(t, u, extents)
	require.NoError(t, add(storage, 3))
	events, err := storage.Read(t.Context(), stream, core.Scan{Limit: 10})
	require.NoError(t, err)
	require.Len(t, events, 3)
	require.NoError(t, extents.KeepExtents(t.Context(), "guarded", map[int]uint64{0: 100}))
	again := guarded(t, u, extents)
	events, err = again.Read(t.Context(), stream, core.Scan{Limit: 3})
	require.NoError(t, err, "what is left can be read")
	require.Len(t, events, 3)
	_, err = again.Read(t.Context(), stream, core.Scan{Limit: 4})
	require.ErrorIs(t, err, core.ErrLost)
	_, err = again.Read(t.Context(), stream, core.Scan{From: 3, Limit: 1})
	require.ErrorIs(t, err, core.ErrLost)
}

// A process that has seen more than the leader has does not need the catalog to know.
func TestAServerSeesThatItsPartitionWentBack(t *testing.T) {
	t.Parallel()
	u := alone(t, sound)
	initialize(t, u)
	storage := open(t, u, nil)
	t.Cleanup(func() { require.NoError(t, storage.Close()) })
	for range 3 {
		require.NoError(t, add(storage, 1))
	}
	lose(t, u)
	initialize(t, u)
	require.Error(t, add(storage, 1))
	refused := add(storage, 1)
	require.Equal(t, core.CodeUnavailable, core.CodeOf(refused))
	require.ErrorContains(t, refused, "has lost the end of it")
}

func TestCheckSaysWhatIsRelaxed(t *testing.T) {
	t.Parallel()
	u := alone(t, func(n *jetstreamtest.Node) { n.Relaxed = true })
	initialize(t, u)
	err := guarded(t, u, memory.NewCatalog()).Check(t.Context())
	require.ErrorIs(t, err, core.ErrRelaxedDurability)
	require.ErrorContains(t, err, "server n1 acknowledges before it flushes: set jetstream.sync_interval to always")

	query := u.Query()
	query.Del("monitor")
	u.RawQuery = query.Encode()
	err = guarded(t, u, memory.NewCatalog()).Check(t.Context())
	require.ErrorIs(t, err, core.ErrRelaxedDurability)
	require.ErrorContains(t, err, "name their monitoring addresses")
}

// Servers that have come to their bounds choose no leader, so somebody must hear of it before.
func TestCheckSaysThatAServerIsNearlyFull(t *testing.T) {
	t.Parallel()
	u := alone(t, func(n *jetstreamtest.Node) { n.Room = 20_000 })
	initialize(t, u)
	storage := guarded(t, u, memory.NewCatalog())
	require.NoError(t, add(storage, 20))
	require.NoError(t, storage.Check(t.Context()))
	for storage.Check(t.Context()) == nil {
		require.NoError(t, add(storage, 1))
	}
	err := storage.Check(t.Context())
	require.ErrorIs(t, err, core.ErrDegraded)
	require.ErrorContains(t, err, "of the 20000 bytes that its max_file allows")
}

// Retention looks at every stream every hour, and a purge is work for every replica.
func TestTrimPurgesOnlyWhatIsThere(t *testing.T) {
	t.Parallel()
	u := alone(t, sound)
	initialize(t, u)
	storage := guarded(t, u, memory.NewCatalog())
	require.NoError(t, add(storage, 3))
	conn, err := nats.Connect("nats://" + u.Host)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	purges, err := conn.SubscribeSync("$JS.API.STREAM.PURGE.>")
	require.NoError(t, err)
	require.NoError(t, conn.Flush())
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC) // as add has it
	for _, c := range []struct {
		before time.Time
		purges int // so far
	}{{at, 0}, {at.Add(time.Hour), 2}, {at.Add(time.Hour), 2}} {
		require.NoError(t, storage.(core.Trimmer).Trim(t.Context(), stream, c.before))
		require.NoError(t, conn.Flush())
		asked, _, err := purges.Pending()
		require.NoError(t, err)
		require.Equal(t, c.purges, asked)
	}
}

// A JetStream stream that somebody has changed does not keep what a log must keep.
func TestAPartitionThatForgetsIsRefused(t *testing.T) {
	t.Parallel()
	u := alone(t, sound)
	initialize(t, u)
	conn, err := nats.Connect("nats://" + u.Host)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	js, err := conn.JetStream()
	require.NoError(t, err)
	info, err := js.StreamInfo("guarded-0")
	require.NoError(t, err)
	info.Config.MaxAge = time.Hour
	_, err = js.UpdateStream(&info.Config)
	require.NoError(t, err)
	_, err = jetstream.Open(t.Context(), u)
	require.ErrorContains(t, err, "max_age is 3600000000000, and must be 0")
}

func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	u := alone(t, sound)
	initialize(t, u)
	here, there := open(t, u, nil), open(t, u, nil)
	t.Cleanup(func() { require.NoError(t, here.Close()); require.NoError(t, there.Close()) })
	heard := make(chan core.ID, 1000)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		there.(core.Notifier).Listen(ctx, func(stream core.ID) { heard <- stream })
	}()
	require.Eventually(t, func() bool { // that a subscription has begun shows in nothing else
		require.NoError(t, here.(core.Notifier).Notify(t.Context(), []core.ID{{1}, {2}}))
		select {
		case one := <-heard:
			return one == core.ID{1} && <-heard == core.ID{2}
		case <-time.After(50 * time.Millisecond):
			return false
		}
	}, 20*time.Second, time.Millisecond)
	stop()
	<-ended
}

func TestAWrongURLIsRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for text, reason := range map[string]string{
		"nats:":                             "names no server",
		"nats://u:hunter2@h/x":              "must have no path",
		"nats://u:hunter2@h?name=a.b":       "name must be",
		"nats://u:hunter2@h?replicas=2":     "replicas must be 1, 3 or 5",
		"nats://u:hunter2@h?partitions=0":   "partitions must be 1 to 512",
		"nats://u:hunter2@h?partitions=x":   "partitions must be",
		"nats://u:hunter2@h?monitor=h:8222": "monitor must be addresses",
		"nats://u:hunter2@h?partition=8":    `"partition" is unknown`,
	} {
		u, err := url.Parse(text)
		require.NoError(t, err)
		_, err = jetstream.Open(t.Context(), u)
		require.ErrorContains(t, err, reason)
		require.NotContains(t, err.Error(), "hunter2")
	}
}
