package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

func TestTheChecklistEnds(t *testing.T) {
	t.Parallel()
	require.Len(t, checklist(overall{}), 5)
	require.Equal(t, "/consumers", checklist(overall{})[4].href)
	behind := overall{Sum: core.Summary{Furthest: []core.GroupOverview{{Group: core.Group{Name: "reader"}, StreamName: "demo"}}}}
	require.Equal(t, "/consumers/demo/reader", checklist(behind)[4].href, "the page with the commands")
	done := overall{Keys: 1, Sum: core.Summary{Streams: 1, Stored: 1, Groups: 1, Consumed: true}}
	require.Nil(t, checklist(done))
	done.Sum.Consumed = false
	require.NotNil(t, checklist(done))
}
