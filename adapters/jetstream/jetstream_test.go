package jetstream_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/fnv"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest"
	"github.com/eventflow-go/eventflow/adapters/jetstreamtest/natsserver"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

// shape is what the suite runs on.
type shape struct{ servers, partitions int }

// shapes are one server with four partitions, or those that the environment names, like
// "1x1,3x4".
func shapes(t *testing.T) (all []shape) {
	t.Helper()
	named := os.Getenv("EVENTFLOW_TEST_JETSTREAM_SHAPES")
	if named == "" {
		named = "1x4"
	}
	for one := range strings.SplitSeq(named, ",") {
		servers, partitions, _ := strings.Cut(one, "x")
		var s shape
		var err error
		s.servers, err = strconv.Atoi(servers)
		require.NoError(t, err)
		s.partitions, err = strconv.Atoi(partitions)
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

// spread sends streams to partitions by a hash of their ids.
type spread int

// HomesOf implements core.Homes.
func (s spread) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	homes := make([]int, len(streams))
	for i, stream := range streams {
		homes[i] = s.home(stream)
	}
	return homes, nil
}

func (s spread) home(stream core.ID) int {
	sum := fnv.New32a()
	_, _ = sum.Write(stream[:])
	return int(sum.Sum32() % uint32(s))
}

// on makes a stream whose home is a partition.
func (s spread) on(shard int) core.ID {
	for {
		id := core.RandomID(time.Now())
		if s.home(id) == shard {
			return id
		}
	}
}

func open(t testing.TB, u *url.URL, homes core.Homes) core.Storage {
	t.Helper()
	storage, err := jetstream.Open(t.Context(), u)
	require.NoError(t, err)
	storage.(core.Homed).SetHomes(homes)
	return storage
}

// stores remembers where the suite's storages are.
type stores struct{ sync.Map }

func (s *stores) open(t testing.TB, u *url.URL, homes core.Homes) core.Storage {
	storage := open(t, u, homes)
	s.Store(storage, u)
	return storage
}

func (s *stores) of(storage core.Storage) *url.URL {
	u, _ := s.Load(storage)
	return u.(*url.URL)
}

func TestStorage(t *testing.T) {
	t.Parallel()
	for _, on := range shapes(t) {
		t.Run(fmt.Sprintf("%dx%d", on.servers, on.partitions), func(t *testing.T) {
			t.Parallel()
			nodes, err := jetstreamtest.Nodes(t.TempDir(), on.servers)
			require.NoError(t, err)
			stop, err := natsserver.Within(nodes)
			require.NoError(t, err)
			t.Cleanup(stop)
			var s stores
			homes := spread(on.partitions)
			storetest.Run(t, func(t *testing.T) core.Storage {
				u := jetstreamtest.URL(nodes, strings.ToLower(rand.Text()), on.partitions, on.servers)
				require.NoError(t, jetstream.Init(t.Context(), u, func(string) {}))
				return s.open(t, u, homes)
			}, storetest.Features{
				Reopen: func(t *testing.T, storage core.Storage) core.Storage {
					require.NoError(t, storage.Close())
					return s.open(t, s.of(storage), homes)
				},
				Copies: true, Shards: homes.on,
				Second: func(t *testing.T, storage core.Storage) core.Storage { return s.open(t, s.of(storage), homes) },
			})
		})
	}
}
