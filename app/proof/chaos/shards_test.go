package chaos_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// shardFaults is how often something happens to a store of two shards: as often as
// `make chaos` and `make chaos-long` say. Where they do not say it, ok is false, because
// it takes two clusters and moves of seconds.
func shardFaults(t *testing.T) (n int, ok bool) {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_SHARDS")
	if text == "" {
		t.Log("make chaos kills servers and shards while streams move")
		return 0, false
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n, true
}

// shardedStore is a server on two primaries, one stream on each, under load.
type shardedStore struct {
	t        *testing.T
	clusters []*pgtest.Cluster
	node     *node
	client   *rest.Client
	load     *workload
}

// The server, or the database of one shard, is killed, or a stream moves to the other shard,
// again and again. A move that was interrupted is begun anew, to wherever. What was
// acknowledged is in the log of its stream once, in its order, wherever that is now.
func TestServersAndShardsAreKilledWhileStreamsMove(t *testing.T) {
	t.Parallel()
	times, ok := shardFaults(t)
	if !ok {
		return
	}
	s := &shardedStore{t: t, clusters: []*pgtest.Cluster{pgtest.Private(t), pgtest.Private(t)}}
	s.node = newNode(t, "sharded:"+s.clusters[0].URL()+","+s.clusters[1].URL())
	s.node.start()
	create := exec.Command(s.node.program, "key", "create", "--label", "moves", "--role", "admin")
	create.Env, create.Stderr = s.node.environ, s.node.log
	key, err := create.Output()
	require.NoError(t, err)
	s.client = s.node.client(strings.TrimSpace(string(key)))
	for shard, name := range streams {
		_, err := s.client.CreateStream(t.Context(), core.StreamSpec{Name: name, Shard: &shard})
		require.NoError(t, err)
	}
	s.load = startLoad(t, s.client)
	moved, died := 0, 0
	for range times {
		s.load.progress(someEvents())
		switch rand.IntN(4) {
		case 0:
			s.node.kill()
			s.node.start()
			died++
		case 1:
			one := s.clusters[rand.IntN(len(s.clusters))]
			one.Kill()
			require.NoError(t, one.Restart(t.Context()))
			died++
		case 2:
			s.move(streams[rand.IntN(len(streams))], rand.IntN(2))
			continue // and on, while it moves
		default:
			moved++
		}
		for _, name := range streams {
			s.move(name, rand.IntN(2))
		}
		s.settled()
	}
	s.load.progress(someEvents())
	s.settled()
	t.Logf("%d times killed, %d times moved both to their end in peace", died, moved)
	s.load.check(s.client)
}

// move begins to move a stream. One that is there already is released, and what is left of
// it elsewhere removed.
func (s *shardedStore) move(stream string, to int) {
	s.t.Helper()
	until(s.t, "a move begins", func() bool {
		_, err := s.client.MoveStream(s.t.Context(), stream, to)
		return err == nil
	})
}

// settled waits until no stream moves. A move that failed because a database was away is
// begun again.
func (s *shardedStore) settled() {
	s.t.Helper()
	for _, name := range streams {
		looks := 0
		until(s.t, "a move ends", func() bool {
			stream, err := s.client.Stream(s.t.Context(), name)
			if looks++; err == nil && stream.Moving != nil && looks%5000 == 0 {
				s.move(name, stream.Shard)
			}
			return err == nil && stream.Moving == nil
		})
	}
}
