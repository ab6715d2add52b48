package chaos_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
)

// What so many streams may cost: of one processor's time until a server is ready, which
// takes as long on a machine that has nothing else to do, of one processor while nothing
// happens, and of memory, the server of NATS and that of EventFlow together. What a start
// asks of NATS does not grow with the streams.
const (
	manyPartitions = 8
	manyOpen       = 5 * time.Second
	manyIdle       = 0.05
	manyMiB        = 1536
	manyQuestions  = 1000
)

// numbered has streams whose ids end in a number, which says on which partition they are.
type numbered struct{}

func (numbered) id(n int) core.ID {
	id := core.ID{0x01, 0x90, 6: 0x70, 8: 0x80}
	id[13], id[14], id[15] = byte(n>>16), byte(n>>8), byte(n)
	return id
}

// HomesOf implements core.Homes.
func (numbered) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	homes := make([]int, len(streams))
	for i, stream := range streams {
		homes[i] = (int(stream[13])<<16 | int(stream[14])<<8 | int(stream[15])) % manyPartitions
	}
	return homes, nil
}

// make chaos-long names the number of streams. They are on one server of NATS.
func TestManyStreamsOnJetStream(t *testing.T) {
	t.Parallel()
	many, err := strconv.Atoi(os.Getenv("EVENTFLOW_TEST_STREAMS"))
	if err != nil {
		t.Log("make chaos-long makes a hundred thousand streams")
		return
	}
	nodes, err := jetstreamtest.Nodes(t.TempDir(), 1)
	require.NoError(t, err)
	nats, err := nodes[0].Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = nats.Kill() }) // it may be gone
	require.NoError(t, nodes[0].Await(t.Context()))
	store := jetstreamtest.URL(nodes, natsName, manyPartitions, 1)
	require.NoError(t, jetstream.Init(t.Context(), store, func(string) {}))
	catalog := pgtest.URL(t)
	n := newNode(t, store.String(), "EVENTFLOW_CATALOG="+catalog.String())
	n.start()
	client := n.client(n.key())
	createStreams(t, client, streams[0])
	n.end(syscall.SIGTERM)
	fillMany(t, store, nameMany(t, catalog.String(), many), many)
	require.NoError(t, nats.Kill())
	nats, err = nodes[0].Start()
	require.NoError(t, err)
	begun := time.Now()
	require.NoError(t, nodes[0].Await(t.Context()))
	recovered := time.Since(begun)

	begins := asked(t, nodes[0])
	opened := n.start()
	questions := asked(t, nodes[0]) - begins
	t.Logf("%d streams: NATS ready in %s, EventFlow in %s, after %d messages to NATS", many, recovered.Round(time.Millisecond), opened.Round(time.Millisecond), questions)
	page, err := client.EventsPage(t.Context(), "many-"+strconv.Itoa(many/2), core.EventQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)

	pids := []int{nats.Pid(), n.process.Process.Pid}
	opening := processorTimes(t, pids)[1]
	n.sweeps() // retention looks at all streams, at the start and every hour
	swept, looks := processorTimes(t, pids), asked(t, nodes[0])-begins
	hourly := (swept[0] + swept[1]).Seconds() / time.Hour.Seconds()
	t.Logf("the look of retention at all streams ended %s after the start: %d messages, at most %s of a processor", time.Since(begun).Round(time.Second),
		looks, (swept[0] + swept[1]).Round(time.Second))
	<-time.After(5 * time.Second) // what a start leaves to the collectors
	const calm = 20 * time.Second
	before, worked := asked(t, nodes[0]), processorTimes(t, pids)
	<-time.After(calm)
	var idle [2]float64
	for i, used := range processorTimes(t, pids) {
		idle[i] = float64(used-worked[i]) / float64(calm)
	}
	memory := residentMiB(t, pids)
	t.Logf("idle, NATS takes %.1f %% of a processor and EventFlow %.1f %%, with %d messages; they have %d and %d MiB",
		100*idle[0], 100*idle[1], asked(t, nodes[0])-before, memory[0], memory[1])
	require.Less(t, questions, manyQuestions)
	require.Less(t, looks, 8*many+manyQuestions, "retention asks no more of a stream")
	require.Less(t, opening, manyOpen)
	require.Less(t, idle[0]+idle[1]+hourly, manyIdle)
	require.Less(t, memory[0]+memory[1], manyMiB)
}

// sweeps waits until retention has looked at all streams.
func (n *node) sweeps() {
	n.t.Helper()
	swept := regexp.MustCompile(`(?m)^eventflow_retention_last_sweep_timestamp_seconds [1-9]`)
	require.Eventually(n.t, func() bool { return swept.MatchString(n.get("/metrics")) }, 30*time.Minute, time.Second, "retention has looked at all streams")
}

// nameMany makes streams in the catalog, like the one that is there, and returns their
// organization.
func nameMany(t *testing.T, catalog string, many int) (org core.ID) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), catalog)
	require.NoError(t, err)
	_, err = conn.Exec(t.Context(), `insert into streams select made.* from streams s, generate_series(0, $2::int - 1) n,
		lateral jsonb_populate_record(null::streams, to_jsonb(s) || jsonb_build_object(
			'id', '01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'), 'name', 'many-' || n, 'shard', n % $1::int)) made`, manyPartitions, many)
	require.NoError(t, err)
	var text string
	require.NoError(t, conn.QueryRow(t.Context(), `select org from streams limit 1`).Scan(&text))
	require.NoError(t, conn.Close(t.Context()))
	org, err = core.ParseID(text)
	require.NoError(t, err)
	return org
}

// fillMany stores an event in each stream.
func fillMany(t *testing.T, store *url.URL, org core.ID, many int) {
	t.Helper()
	log, err := jetstream.Open(t.Context(), store)
	require.NoError(t, err)
	log.(core.Homed).SetHomes(numbered{})
	at := time.Now().UTC().Truncate(time.Microsecond)
	const group = 1500
	for p := range manyPartitions {
		var batches []core.Batch
		for n := p; n < many; n += manyPartitions {
			entry := core.Entry{Event: core.Event{ID: core.RandomID(at), Type: "a", Version: 1, OccurredAt: at, Source: "test", Payload: []byte(`1`)}}
			batches = append(batches, core.Batch{Org: org, Stream: numbered{}.id(n), Entries: []core.Entry{entry}})
			if len(batches) == group || n+manyPartitions >= many {
				require.NoError(t, log.Append(t.Context(), at, batches))
				batches = nil
			}
		}
	}
	require.NoError(t, log.Close())
}

// asked is how many messages a server of NATS has got.
func asked(t *testing.T, node jetstreamtest.Node) (messages int) {
	t.Helper()
	answer, err := http.Get("http://127.0.0.1:" + strconv.Itoa(node.Monitor) + "/varz")
	require.NoError(t, err)
	defer answer.Body.Close()
	var told struct {
		In int `json:"in_msgs"`
	}
	require.NoError(t, json.NewDecoder(answer.Body).Decode(&told))
	return told.In
}

// processorTimes are what processes have used, by /proc.
func processorTimes(t *testing.T, pids []int) (all []time.Duration) {
	t.Helper()
	for _, pid := range pids {
		var used time.Duration
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		require.NoError(t, err)
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		for _, field := range fields[11:13] { // by itself, and by the system for it
			ticks, err := strconv.Atoi(field)
			require.NoError(t, err)
			used += time.Duration(ticks) * 10 * time.Millisecond
		}
		all = append(all, used)
	}
	return all
}

// residentMiB is the memory that each of the processes holds.
func residentMiB(t *testing.T, pids []int) (all []int) {
	t.Helper()
	for _, pid := range pids {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
		require.NoError(t, err)
		_, rest, _ := strings.Cut(string(text), "VmRSS:")
		kib, err := strconv.Atoi(strings.Fields(rest)[0])
		require.NoError(t, err)
		all = append(all, kib/1024)
	}
	return all
}
