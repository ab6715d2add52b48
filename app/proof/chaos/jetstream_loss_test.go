package chaos_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// Two of three servers come back with empty disks, and then all three, and somebody makes
// the streams anew. Nobody is shown an empty log, nothing is stored, and health and metrics
// name what was lost. With their disks back everything is there.
func TestServersOfJetStreamLoseTheirDisks(t *testing.T) {
	t.Parallel()
	if _, ok := jetstreamFaults(t); !ok {
		return
	}
	f := newFleet(t, t.TempDir(), natsReplicas)
	f.run()
	f.load.progress(someEvents())
	recorded := f.load.end()
	f.settle()
	f.kill(f.all()...)
	saved := t.TempDir()
	require.NoError(t, os.CopyFS(saved, os.DirFS(f.folder)))
	f.empty(1, 2)
	f.start(f.all()...)
	f.showsNothing()
	f.kill(f.all()...)
	f.empty(f.all()...)
	f.start(f.all()...)
	f.showsNothing()
	until(t, "the streams can be made", func() bool { return jetstream.Init(t.Context(), f.store(), func(string) {}) == nil })
	f.showsNothing()
	until(t, "health names what was lost", func() bool {
		return strings.Contains(f.second.get("/api/v1/health"), "it had come to")
	})
	// The two streams are in two of the partitions; nothing was ever in the others.
	until(t, "the metric tells of it", func() bool { return strings.Contains(f.second.get("/metrics"), "\neventflow_store_lost_shards 2") })

	f.kill(f.all()...)
	f.empty(f.all()...)
	require.NoError(t, os.CopyFS(f.folder, os.DirFS(saved)))
	f.start(f.all()...)
	until(t, "the servers are ready again", func() bool { return f.first.ready() && f.second.ready() })
	f.load.holds(recorded, logsOf(t, f.client))
	_, err := post(t.Context(), f.client, streams[0], f.load.events(1))
	require.NoError(t, err)
}

// empty takes the data of servers that do not run.
func (f *fleet) empty(which ...int) {
	f.t.Helper()
	for _, i := range which {
		require.NoError(f.t, os.RemoveAll(f.nodes[i].Dir))
	}
}

// showsNothing asks for a while: every answer is a 503.
func (f *fleet) showsNothing() {
	f.t.Helper()
	for range 5 {
		for _, stream := range streams {
			_, err := f.client.EventsPage(f.t.Context(), stream, core.EventQuery{Limit: 10})
			f.refuses(err)
			_, err = post(f.t.Context(), f.client, stream, f.load.events(1))
			f.refuses(err)
		}
	}
}

func (f *fleet) refuses(err error) {
	f.t.Helper()
	var answered *rest.Error
	require.ErrorAs(f.t, err, &answered)
	require.Equal(f.t, http.StatusServiceUnavailable, answered.Status, "%v", err)
}

// get asks a server.
func (n *node) get(path string) string {
	n.t.Helper()
	answer, err := http.Get("http://" + n.addr + path)
	require.NoError(n.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(n.t, err)
	return string(text)
}
