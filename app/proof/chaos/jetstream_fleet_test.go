package chaos_test

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
)

// fleet is servers of JetStream, each with a wall before each other one, and two servers
// of EventFlow on them under load.
type fleet struct {
	t *testing.T
	// folder has the servers' folders.
	folder  string
	nodes   []jetstreamtest.Node
	running []*jetstreamtest.Process
	// walls has what stands between a server and one that it reaches.
	walls         map[[2]int]*hole
	first, second *node
	client        *rest.Client
	load          *workload
	// slowest is how long nothing was acknowledged after a fault, at most.
	slowest time.Duration
}

// natsPatience is how long one fault may take altogether, on a busy machine: a few hundred
// events while it lasts, the start of servers, and the choice of a leader, which takes ten
// seconds.
const natsPatience = 2 * time.Minute

const (
	natsReplicas, natsPartitions = 3, 4
	// natsName begins the names of JetStream's streams.
	natsName = "chaos"
)

// jetstreamFaults is how often something happens to servers of JetStream: as often as
// `make chaos` and `make chaos-long` say. Where they do not say it, ok is false, because
// servers take seconds to choose another leader.
func jetstreamFaults(t *testing.T) (n int, ok bool) {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_JETSTREAM")
	if text == "" {
		t.Log("make chaos does it to servers of JetStream")
		return 0, false
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n, true
}

// harm has a fault happen to three servers of JetStream as often as is asked for.
func harm(t *testing.T, fault func(*fleet)) {
	t.Helper()
	if times, ok := jetstreamFaults(t); ok {
		f := newFleet(t, t.TempDir(), natsReplicas)
		f.run()
		f.suffer(times, func() { fault(f) })
	}
}

// newFleet starts servers that keep their data in folders of one folder, each of which is
// prepared before.
func newFleet(t *testing.T, folder string, servers int, prepare ...func(folder string)) *fleet {
	t.Helper()
	f := &fleet{t: t, folder: folder, running: make([]*jetstreamtest.Process, servers), walls: map[[2]int]*hole{}}
	var err error
	f.nodes, err = jetstreamtest.Nodes(folder, servers)
	require.NoError(t, err)
	for i, one := range f.nodes {
		require.NoError(t, os.MkdirAll(one.Dir, 0o700))
		for _, do := range prepare {
			do(one.Dir)
		}
		f.nodes[i].Walled, f.nodes[i].Routes = true, nil
		for j, other := range f.nodes {
			if i != j {
				f.walls[[2]int{i, j}] = f.wall(i, other.Route)
			}
		}
	}
	f.keepIfFailed()
	t.Cleanup(func() {
		for _, one := range f.running {
			_ = one.Kill() // it may be gone
		}
	})
	f.start(f.all()...)
	require.NoError(t, jetstream.Init(t.Context(), f.store(), func(string) {}))
	return f
}

// wall has a server reach another one's port through a hole.
func (f *fleet) wall(from, port int) *hole {
	h := newHole(f.t, &url.URL{Scheme: "nats", Host: "127.0.0.1:" + strconv.Itoa(port)})
	at, err := strconv.Atoi(h.listener.Addr().String()[len("127.0.0.1:"):])
	require.NoError(f.t, err)
	f.nodes[from].Routes = append(f.nodes[from].Routes, at)
	return h
}

func (f *fleet) store() *url.URL {
	return jetstreamtest.URL(f.nodes, natsName, natsPartitions, natsReplicas)
}

func (f *fleet) all() []int {
	which := make([]int, len(f.nodes))
	for i := range which {
		which[i] = i
	}
	return which
}

// keepIfFailed copies the servers' folders and logs to where EVENTFLOW_TEST_JETSTREAM_KEEP
// says, if the test fails.
func (f *fleet) keepIfFailed() {
	f.t.Helper()
	folder := os.Getenv("EVENTFLOW_TEST_JETSTREAM_KEEP")
	if folder == "" {
		return
	}
	folder, err := os.MkdirTemp(folder, f.t.Name()+"-")
	require.NoError(f.t, err)
	for i := range f.nodes {
		f.nodes[i].Log = filepath.Join(folder, f.nodes[i].Name+".log")
	}
	f.t.Cleanup(func() {
		if !f.t.Failed() {
			_ = os.RemoveAll(folder) // it is only of use after a failure
			return
		}
		for _, one := range f.nodes {
			if err := os.CopyFS(filepath.Join(folder, one.Name), os.DirFS(one.Dir)); err != nil {
				f.t.Logf("keeping the folder of %s: %v", one.Name, err)
			}
		}
		f.t.Logf("the servers' folders and logs are in %s", folder)
	})
}

// start starts servers, all of them before it waits for them.
func (f *fleet) start(which ...int) {
	f.t.Helper()
	f.launch(which...)
	for _, i := range which {
		require.NoError(f.t, f.nodes[i].Await(f.t.Context()))
	}
}

// launch starts servers and does not wait for them.
func (f *fleet) launch(which ...int) {
	f.t.Helper()
	for _, i := range which {
		var err error
		f.running[i], err = f.nodes[i].Start()
		require.NoError(f.t, err)
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
	f.first, f.second = newNode(f.t, f.store().String(), catalog), newNode(f.t, f.store().String(), catalog)
	f.first.start()
	f.second.start()
	key := f.second.key()
	f.client = f.second.client(key)
	createStreams(f.t, f.client, streams...)
	f.load = startLoad(f.t, f.first.client(key), f.client)
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
		require.Less(f.t, f.slowest, natsPatience, "nothing, or little, was acknowledged for so long")
	}
	f.load.progress(someEvents())
	f.settle()
	f.t.Logf("%d times, acknowledged again after %s at most", times, f.slowest.Round(time.Millisecond))
	f.load.check(f.client)
}

// settle waits until every partition has all its replicas, none of which is behind. While one
// is, the loss of another one may leave two that cannot go on: one does not have all that was
// acknowledged, and the other one waits for a leader to give it what it misses.
func (f *fleet) settle() {
	f.t.Helper()
	for p := range natsPartitions {
		until(f.t, "all replicas are there", func() bool {
			at, err := f.placement(p)
			return err == nil && at.Leader != "" && len(at.Followers) == natsReplicas-1 && len(at.Behind) == 0
		})
	}
}

func (f *fleet) placement(partition int) (jetstreamtest.Placement, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return jetstreamtest.PlacementOf(ctx, f.nodes, partitionName(partition))
}

// partitionName is the name of a partition's JetStream stream.
func partitionName(partition int) string { return natsName + "-" + strconv.Itoa(partition) }

// leader waits for a partition's leader.
func (f *fleet) leader(partition int) (which int) {
	f.t.Helper()
	until(f.t, "there is a leader", func() bool {
		at, err := f.placement(partition)
		which = f.numberOf(at.Leader)
		return err == nil && which >= 0
	})
	return which
}

func (f *fleet) numberOf(name string) int {
	return slices.IndexFunc(f.nodes, func(n jetstreamtest.Node) bool { return n.Name == name })
}

// isolate cuts a server off from all others, but not from its clients.
func (f *fleet) isolate(which int) {
	for between, h := range f.walls {
		if slices.Contains(between[:], which) {
			h.open()
		}
	}
}

// reunite ends all partitions of the network.
func (f *fleet) reunite() {
	for _, h := range f.walls {
		h.close()
	}
}
