package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestTheChecklistEnds(t *testing.T) {
	t.Parallel()
	require.Len(t, checklist(overall{}), 5)
	done := overall{Keys: 1, Sum: core.Summary{Streams: 1, Stored: 1, Groups: 1, Consumed: true}}
	require.Nil(t, checklist(done))
	done.Sum.Consumed = false
	require.NotNil(t, checklist(done))
}
