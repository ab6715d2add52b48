package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/grouptest"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	grouptest.Run(t, func(*testing.T) core.GroupStore { return memory.NewCatalog() })
	for range 4 {
		grouptest.RunDelivery(t, func(t *testing.T) (core.EventLog, core.GroupStore) {
			storage, err := memory.Open(t.Context(), nil)
			require.NoError(t, err)
			return storage, memory.NewCatalog()
		}, 0)
	}
}
