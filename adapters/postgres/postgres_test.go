package postgres_test

import (
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

func open(t testing.TB, u *url.URL) core.Storage {
	t.Helper()
	storage, err := postgres.Open(t.Context(), u)
	require.NoError(t, err)
	return storage
}

// schemas remembers where the suite's storages are.
type schemas struct{ sync.Map }

func (s *schemas) open(t *testing.T, u *url.URL) core.Storage {
	t.Helper()
	storage := open(t, u)
	s.Store(storage, u)
	return storage
}

func (s *schemas) of(storage core.Storage) *url.URL {
	u, _ := s.Load(storage)
	return u.(*url.URL)
}

func TestStorage(t *testing.T) {
	t.Parallel()
	var s schemas
	storetest.Run(t, func(t *testing.T) core.Storage { return s.open(t, pgtest.URL(t)) }, storetest.Features{
		Reopen: func(t *testing.T, storage core.Storage) core.Storage {
			require.NoError(t, storage.Close())
			return s.open(t, s.of(storage))
		},
		Copies: true, Moves: true,
		Second: func(t *testing.T, storage core.Storage) core.Storage { return s.open(t, s.of(storage)) },
	})
}
