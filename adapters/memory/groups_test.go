package memory

import (
	"testing"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/grouptest"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	grouptest.Run(t, func(*testing.T) core.GroupStore { return NewGroups() })
	for range 10 {
		grouptest.RunDelivery(t, func(t *testing.T) (core.EventLog, core.GroupStore) {
			storage, err := Open(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return storage, NewGroups()
		}, 0)
	}
}
