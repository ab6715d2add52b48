package sqlite_test

import (
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

func open(t testing.TB, folder string) core.Storage {
	t.Helper()
	storage, err := sqlite.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: folder})
	require.NoError(t, err)
	return storage
}

// folders remembers where the suite's storages are.
type folders struct{ sync.Map }

func (f *folders) open(t *testing.T, folder string) core.Storage {
	t.Helper()
	storage := open(t, folder)
	f.Store(storage, folder)
	return storage
}

func (f *folders) of(storage core.Storage) string {
	folder, _ := f.Load(storage)
	return folder.(string)
}

func TestStorage(t *testing.T) {
	t.Parallel()
	var f folders
	storetest.Run(t, func(t *testing.T) core.Storage { return f.open(t, t.TempDir()) }, storetest.Features{
		Reopen: func(t *testing.T, storage core.Storage) core.Storage {
			require.NoError(t, storage.Close())
			return f.open(t, f.of(storage))
		},
		Copies: true, Moves: true,
		Second: func(t *testing.T, storage core.Storage) core.Storage { return f.open(t, f.of(storage)) },
	})
}
