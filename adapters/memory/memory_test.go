package memory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

func TestStorage(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) core.Storage {
		storage, err := memory.Open(t.Context(), nil)
		require.NoError(t, err)
		return storage
	}, storetest.Features{Copies: true, Moves: true})
}
