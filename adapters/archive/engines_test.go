package archive_test

import (
	"context"
	"net/url"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

// engines returns, for each engine, a new place for a store, which is opened again and
// again.
var engines = map[string]func(*testing.T) func(context.Context) (core.Storage, error){
	"SQLite": func(t *testing.T) func(context.Context) (core.Storage, error) {
		folder := t.TempDir()
		return func(ctx context.Context) (core.Storage, error) {
			return sqlite.Open(ctx, &url.URL{Scheme: "sqlite", Opaque: folder})
		}
	},
	"PostgreSQL": func(t *testing.T) func(context.Context) (core.Storage, error) {
		u := pgtest.URL(t)
		return func(ctx context.Context) (core.Storage, error) { return postgres.Open(ctx, u) }
	},
}

// place is where a store is, and what is in its archive.
type place struct {
	under    func(context.Context) (core.Storage, error)
	segments core.Segments
	bucket   archive.Bucket
	keyed    *keyed
}

// places remembers where the suite's storages are.
type places struct {
	engine func(*testing.T) func(context.Context) (core.Storage, error)
	// atOnce has events leave the store as soon as they can.
	atOnce bool
	known  sync.Map
}

func (p *places) make(t *testing.T) core.Storage {
	t.Helper()
	return p.open(t, place{under: p.engine(t), segments: memory.NewCatalog(), bucket: newBox(), keyed: &keyed{}})
}

func (p *places) open(t *testing.T, at place) core.Storage {
	t.Helper()
	under, err := at.under(t.Context())
	require.NoError(t, err)
	storage := opened(t, under, at.segments, at.bucket)
	if p.atOnce {
		storage = &eager{Storage: storage, Copyable: storage.(core.Copyable), keyed: at.keyed}
	}
	p.known.Store(storage, at)
	return storage
}

// again opens what a storage is over once more, as another server does.
func (p *places) again(t *testing.T, storage core.Storage) core.Storage {
	t.Helper()
	at, _ := p.known.Load(storage)
	return p.open(t, at.(place))
}

func (p *places) reopen(t *testing.T, storage core.Storage) core.Storage {
	t.Helper()
	require.NoError(t, storage.Close())
	return p.again(t, storage)
}

// TestStorageOverEngines holds a tier over databases to the whole contract, twice: as it
// is, and with next to nothing left in the database. That takes a minute: `make chaos` does
// it.
func TestStorageOverEngines(t *testing.T) {
	t.Parallel()
	if os.Getenv("EVENTFLOW_TEST_ARCHIVE") == "" {
		return
	}
	for name, engine := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &places{engine: engine}
			storetest.Run(t, p.make, storetest.Features{Reopen: p.reopen, Second: p.again, Copies: true, Tiered: true})
		})
		t.Run(name+" that hands over at once", func(t *testing.T) {
			t.Parallel()
			p := &places{engine: engine, atOnce: true}
			storetest.Run(t, p.make, storetest.Features{Reopen: p.reopen, Second: p.again, Copies: true})
		})
	}
}
