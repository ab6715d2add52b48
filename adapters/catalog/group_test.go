package catalog

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/grouptest"
)

func TestGroupsOnSQLite(t *testing.T) {
	t.Parallel()
	testGroups(t, func(t testing.TB) *url.URL { return &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(t.TempDir())} })
}

func TestGroupsOnPostgres(t *testing.T) {
	t.Parallel()
	testGroups(t, pgtest.URL)
}

func testGroups(t *testing.T, place func(testing.TB) *url.URL) {
	open := func(t *testing.T) core.GroupStore {
		opened, err := Open(t.Context(), place(t))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, opened.Close()) })
		return opened
	}
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		grouptest.Run(t, open)
	})
	t.Run("delivery", func(t *testing.T) {
		t.Parallel()
		grouptest.RunDelivery(t, func(t *testing.T) (core.EventLog, core.GroupStore) {
			storage, err := memory.Open(t.Context(), nil)
			require.NoError(t, err)
			return storage, open(t)
		}, 0)
	})
}
