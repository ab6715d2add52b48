package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// What is in no stream has no id and no offset: zeros would be those of another event. The
// rest of it is as it was sent.
func TestAnEventInQuarantineShowsNoPlace(t *testing.T) {
	t.Parallel()
	f := start(t)
	apart := core.EnforceQuarantine
	_, err := f.client.CreateStream(t.Context(), core.StreamSpec{Name: "orders", Schema: []byte(`{"required":["total"]}`), Enforcement: &apart})
	require.NoError(t, err)
	sent := f.do("POST", rest.StreamEventsPath("orders"), strings.NewReader(event(`{"note":"<b>&"}`)), "Content-Type: application/json")
	require.Equal(t, http.StatusAccepted, sent.StatusCode, "%s", sent.body)
	page, err := f.client.QuarantinePage(t.Context(), "orders", core.QuarantineQuery{})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	id := page.Items[0].ID.String()
	again := f.do("POST", rest.QuarantinedPath("orders", id)+"/ingest", strings.NewReader(`{}`), "Content-Type: application/json")
	for what, answer := range map[string]reply{
		"the receipt": sent, "who tries again": again,
		"the list": f.do("GET", rest.QuarantinePath("orders"), nil), "one": f.do("GET", rest.QuarantinedPath("orders", id), nil),
	} {
		require.NotContains(t, string(answer.body), "event_id", what)
		require.NotContains(t, string(answer.body), `"offset":0`, what)
		require.NotContains(t, string(answer.body), core.ID{}.String(), what)
	}
	one, err := f.client.Quarantined(t.Context(), "orders", id)
	require.NoError(t, err)
	require.JSONEq(t, `{"note":"<b>&"}`, string(one.Event.Payload))
	require.Equal(t, "order.paid", one.Event.Type)
	mended := f.do("POST", rest.QuarantinedPath("orders", id)+"/ingest", strings.NewReader(`{"payload":{"total":1}}`), "Content-Type: application/json")
	require.Contains(t, string(mended.body), `"event_id":"`)
	require.Contains(t, string(mended.body), `"offset":0`)
}
