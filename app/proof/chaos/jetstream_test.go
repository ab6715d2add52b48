package chaos_test

import (
	"math/rand/v2"
	"net/url"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
)

// jetstreamFaults is how often something happens to servers of JetStream: as often as
// `make chaos` and `make chaos-long` say. Where they do not say it, ok is false, because
// servers take seconds to choose another leader.
func jetstreamFaults(t *testing.T) (n int, ok bool) {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_JETSTREAM")
	if text == "" {
		t.Log("make chaos kills servers of JetStream")
		return 0, false
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n, true
}

// fleet is three servers of JetStream, and two of EventFlow on them under load.
type fleet struct {
	t       *testing.T
	nodes   []jetstreamtest.Node
	running []*jetstreamtest.Process
	store   *url.URL
	client  *rest.Client
	load    *workload
	// slowest is how long nothing was acknowledged after a fault, at most.
	slowest time.Duration
}

const natsServers, natsPartitions = 3, 4

// newFleet starts servers that keep their data in folders of one folder, each of which is
// prepared before.
func newFleet(t *testing.T, folder string, prepare ...func(folder string)) *fleet {
	t.Helper()
	f := &fleet{t: t}
	var err error
	f.nodes, err = jetstreamtest.Nodes(folder, natsServers)
	require.NoError(t, err)
	for _, one := range f.nodes {
		require.NoError(t, os.MkdirAll(one.Dir, 0o700))
		for _, do := range prepare {
			do(one.Dir)
		}
	}
	for i := range f.nodes {
		f.nodes[i].Log = os.Getenv("EVENTFLOW_TEST_JETSTREAM_LOG") != ""
	}
	f.running = make([]*jetstreamtest.Process, natsServers)
	t.Cleanup(func() {
		for _, one := range f.running {
			_ = one.Kill() // it may be gone
		}
	})
	f.start(0, 1, 2)
	f.store = jetstreamtest.URL(f.nodes, "chaos", natsPartitions, natsServers)
	require.NoError(t, jetstream.Init(t.Context(), f.store, func(string) {}))
	return f
}

// start starts servers, all of them before it waits for them.
func (f *fleet) start(which ...int) {
	f.t.Helper()
	for _, i := range which {
		var err error
		f.running[i], err = f.nodes[i].Start()
		require.NoError(f.t, err)
	}
	for _, i := range which {
		require.NoError(f.t, f.nodes[i].Await(f.t.Context()))
	}
}

func (f *fleet) kill(which ...int) {
	f.t.Helper()
	for _, i := range which {
		require.NoError(f.t, f.running[i].Kill())
	}
}

// run starts two servers of EventFlow and a load on both.
func (f *fleet) run() {
	f.t.Helper()
	catalog := "EVENTFLOW_CATALOG=" + pgtest.URL(f.t).String()
	first, second := newNode(f.t, f.store.String(), catalog), newNode(f.t, f.store.String(), catalog)
	first.start()
	second.start()
	key := second.key()
	f.client = second.client(key)
	createStreams(f.t, f.client, streams...)
	f.load = startLoad(f.t, first.client(key), f.client)
}

// suffer has a fault happen again and again, whatever the servers are doing, and
// compares the record with the log.
func (f *fleet) suffer(times int, fault func()) {
	f.t.Helper()
	for range times {
		f.load.progress(someEvents())
		begun := time.Now()
		fault()
		f.load.progress(1)
		f.slowest = max(f.slowest, time.Since(begun))
	}
	f.load.progress(someEvents())
	f.t.Logf("%d times, acknowledged again after %s at most", times, f.slowest.Round(time.Millisecond))
	f.load.check(f.client)
}

func TestAServerOfJetStreamIsKilled(t *testing.T) {
	t.Parallel()
	times, ok := jetstreamFaults(t)
	if !ok {
		return
	}
	f := newFleet(t, t.TempDir())
	f.run()
	f.suffer(times, func() {
		which := rand.IntN(natsServers)
		f.kill(which)
		f.load.progress(someEvents()) // two of three go on
		f.start(which)
	})
}

func TestAllServersOfJetStreamAreKilled(t *testing.T) {
	t.Parallel()
	times, ok := jetstreamFaults(t)
	if !ok {
		return
	}
	f := newFleet(t, t.TempDir())
	f.run()
	f.suffer(times, func() {
		f.kill(0, 1, 2)
		f.start(0, 1, 2)
	})
}

func TestAServerOfJetStreamIsPaused(t *testing.T) {
	t.Parallel()
	times, ok := jetstreamFaults(t)
	if !ok {
		return
	}
	f := newFleet(t, t.TempDir())
	f.run()
	f.suffer(times, func() {
		one := f.running[rand.IntN(natsServers)]
		require.NoError(t, one.Pause())
		f.load.progress(someEvents()) // two of three go on
		require.NoError(t, one.Continue())
	})
}
