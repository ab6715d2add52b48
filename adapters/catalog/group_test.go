package catalog

import (
	"context"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/grouptest"
)

func TestGroupsOnSQLite(t *testing.T) {
	t.Parallel()
	testGroups(t, sqlite.Open, tabled)
}

func TestGroupsOnPostgres(t *testing.T) {
	t.Parallel()
	testGroups(t, postgres.Open, pgtest.NewRooms(t).URL)
}

// testGroups tests groups as they run in production: beside the log of the same
// kind of database.
func testGroups(t *testing.T, openLog func(context.Context, *url.URL) (core.Storage, error), place func(testing.TB) *url.URL) {
	open := func(t *testing.T, u *url.URL) core.GroupStore {
		opened, err := Open(t.Context(), u)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, opened.Close()) })
		return opened
	}
	t.Run("store", func(t *testing.T) {
		t.Parallel()
		grouptest.Run(t, func(t *testing.T) core.GroupStore { return open(t, place(t)) })
	})
	t.Run("delivery", func(t *testing.T) {
		t.Parallel()
		grouptest.RunDelivery(t, func(t *testing.T) (core.EventLog, core.GroupStore) {
			u := place(t)
			storage, err := openLog(t.Context(), u)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, storage.Close()) })
			return storage, open(t, u)
		}, 0)
	})
}
