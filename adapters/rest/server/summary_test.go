package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestTheSummaryAndTheNamesOfStreams(t *testing.T) {
	t.Parallel()
	f := start(t)
	orders, mails := f.stream("orders"), f.stream(`m"ails`)
	page, err := f.client.AllEventsPage(t.Context(), core.EventQuery{})
	require.NoError(t, err)
	require.Empty(t, page.Items)
	require.Equal(t, map[core.ID]string{}, page.Streams)
	for _, stream := range []core.Stream{orders, mails} {
		_, err := f.client.Publish(t.Context(), stream.ID.String(), rest.NewEvent{Type: "made", Payload: []byte(`1`)})
		require.NoError(t, err)
	}
	page, err = f.client.AllEventsPage(t.Context(), core.EventQuery{Descending: true})
	require.NoError(t, err)
	require.Len(t, page.Items, 2)
	require.Equal(t, map[core.ID]string{orders.ID: "orders", mails.ID: `m"ails`}, page.Streams)
	one, err := f.client.EventsPage(t.Context(), "orders", core.EventQuery{})
	require.NoError(t, err)
	require.Len(t, one.Items, 1)

	sum, err := f.client.Summary(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 2, sum.Streams)
	require.EqualValues(t, 2, sum.Stored)
	require.Len(t, sum.Busiest, 2)
}
