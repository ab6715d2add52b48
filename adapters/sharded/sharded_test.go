package sharded_test

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sharded"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

// byID is homes that follow from the last byte of an id, for tests of the storage alone.
type byID int

func (n byID) HomesOf(_ context.Context, streams []core.ID) ([]int, error) {
	shards := make([]int, len(streams))
	for i, stream := range streams {
		shards[i] = int(stream[15]) % int(n)
	}
	return shards, nil
}

// on makes a stream on a shard.
func (n byID) on(shard int) (stream core.ID) {
	_, _ = rand.Read(stream[:])
	stream[15] = byte(shard)
	return stream
}

// opener opens one shard, again and again the same data.
type opener func(ctx context.Context) (core.Storage, error)

func inMemory(*testing.T) opener {
	return func(ctx context.Context) (core.Storage, error) { return memory.Open(ctx, nil) }
}

func inSQLite(t *testing.T) opener {
	folder := t.TempDir()
	return func(ctx context.Context) (core.Storage, error) {
		return sqlite.Open(ctx, &url.URL{Scheme: "sqlite", Opaque: folder})
	}
}

func inPostgres(t *testing.T) opener {
	u := pgtest.URL(t)
	return func(ctx context.Context) (core.Storage, error) { return postgres.Open(ctx, u) }
}

func open(t *testing.T, openers []opener) core.Storage {
	t.Helper()
	storage, err := newStorage(t.Context(), openers)
	require.NoError(t, err)
	storage.SetHomes(byID(len(openers)))
	return storage
}

func newStorage(ctx context.Context, openers []opener) (*sharded.Storage, error) {
	var shards []sharded.Shard
	for i, one := range openers {
		shards = append(shards, sharded.Shard{Name: "the store " + string(rune('A'+i)), Open: one})
	}
	return sharded.New(ctx, shards)
}

func TestStorage(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) core.Storage {
		return open(t, []opener{inMemory(t), inMemory(t), inMemory(t)})
	}, storetest.Features{Copies: true, Shards: byID(3).on})
}

// TestStorageOverEngines holds shards in databases to the whole contract, which takes
// minutes: `make chaos` does.
func TestStorageOverEngines(t *testing.T) {
	t.Parallel()
	if os.Getenv("EVENTFLOW_TEST_SHARDED") == "" {
		return
	}
	for name, engines := range map[string][]func(*testing.T) opener{
		"two SQLite":            {inSQLite, inSQLite},
		"two PostgreSQL":        {inPostgres, inPostgres},
		"SQLite and PostgreSQL": {inSQLite, inPostgres},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var places sync.Map
			remember := func(t *testing.T, openers []opener) core.Storage {
				storage := open(t, openers)
				places.Store(storage, openers)
				return storage
			}
			again := func(t *testing.T, storage core.Storage) core.Storage {
				openers, _ := places.Load(storage)
				return remember(t, openers.([]opener))
			}
			storetest.Run(t, func(t *testing.T) core.Storage {
				var openers []opener
				for _, engine := range engines {
					openers = append(openers, engine(t))
				}
				return remember(t, openers)
			}, storetest.Features{
				Reopen: func(t *testing.T, storage core.Storage) core.Storage {
					require.NoError(t, storage.Close())
					return again(t, storage)
				},
				Second: again, Copies: true, Shards: byID(len(engines)).on,
			})
		})
	}
}
