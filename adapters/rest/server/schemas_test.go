package server_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

const ordersSchemas = "/api/v1/streams/orders/schemas"

func TestSchemasAreRegisteredAndRead(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	got := f.do("POST", ordersSchemas, strings.NewReader(`{"event_type":"order/paid %","schema":{"required":["n"]}}`))
	require.Equal(t, http.StatusCreated, got.StatusCode, "%s", got.body)
	place := got.Header.Get("Location")
	require.Equal(t, ordersSchemas+"/order%2Fpaid%20%25/1", place)
	var version core.SchemaVersion
	require.NoError(t, json.Unmarshal(f.do("GET", place, nil).body, &version))
	require.Equal(t, "order/paid %", version.EventType)
	require.JSONEq(t, `{"required":["n"]}`, string(version.Schema))
	require.Equal(t, core.CompatibilityBackward, version.Compatibility)

	again := f.do("POST", ordersSchemas, strings.NewReader(`{"event_type":"order/paid %","schema":{ "required":["n"]}}`))
	require.Equal(t, http.StatusOK, again.StatusCode)
	refused := f.do("POST", ordersSchemas, strings.NewReader(`{"event_type":"order/paid %","schema":{"required":["n","m"]}}`))
	require.Equal(t, http.StatusConflict, refused.StatusCode)
	require.Equal(t, "schema/required", refused.problem(t).Details[0].Field)
	none := core.CompatibilityNone
	second, err := f.client.RegisterSchema(t.Context(), "orders", core.SchemaSpec{
		EventType: "order/paid %", Schema: json.RawMessage(`{"required":["n","m"]}`), Compatibility: &none,
	})
	require.NoError(t, err)
	require.Equal(t, int32(2), second.Version)
	page, err := f.client.SchemasPage(t.Context(), "orders", core.SchemaQuery{EventType: "order/paid %", Limit: 1})
	require.NoError(t, err)
	require.True(t, page.Pagination.HasMore)
	page, err = f.client.SchemasPage(t.Context(), "orders", core.SchemaQuery{EventType: "order/paid %", Cursor: page.Pagination.NextCursor})
	require.NoError(t, err)
	require.Equal(t, []core.SchemaVersion{second}, page.Items)
	stream, err := f.client.Stream(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, 2, stream.SchemaVersions)

	f.publish("orders", 3)
	verdict, err := f.client.CheckSchema(t.Context(), "orders", core.SchemaTrial{Schema: json.RawMessage(`{"required":["never"]}`)})
	require.NoError(t, err)
	require.Equal(t, 3, verdict.Events.Failed)
	inferred, err := f.client.InferSchema(t.Context(), "orders", core.SchemaSamples{Samples: []json.RawMessage{json.RawMessage(`{"a":1}`)}})
	require.NoError(t, err)
	require.Contains(t, string(inferred.Schema), `"integer"`)
}

func TestBadSchemaRequestsAreRefused(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stream("orders")
	for _, c := range []struct{ path, body, field string }{
		{"", `{}`, "event_type"},
		{"", `{"event_type":"a"}`, "schema"},
		{"", `{"event_type":"a","schema":null}`, "schema"},
		{"", `{"event_type":"a","schema":{},"compatibility":"both"}`, "compatibility"},
		{"", `{"event_type":"a","schema":{},"compatibility":1}`, "compatibility"},
		{"", `{"event_type":"a","schema":{},"version":0}`, "version"},
		{"", `{"event_type":"a","schema":{},"version":99999999999}`, "version"},
		{"", `{"event_type":"a","schema":{},"mode":"none"}`, "mode"},
		{"/check", `{"schema":{},"last":-1}`, "last"},
		{"/check", `{"schema":{},"last":1001}`, "last"},
		{"/check", `{}`, "schema"},
		{"/check", `{"version":1}`, "event_type"},
		{"/infer", `{"last":0}`, "last"},
		{"/infer", `{"samples":{}}`, "samples"},
	} {
		got := f.do("POST", ordersSchemas+c.path, strings.NewReader(c.body))
		require.Equal(t, http.StatusBadRequest, got.StatusCode, "%s %s: %s", c.path, c.body, got.body)
		require.Equal(t, c.field, got.problem(t).Details[0].Field, "%s", c.body)
	}
	require.Equal(t, http.StatusNotFound, f.do("GET", ordersSchemas+"/a/1", nil).StatusCode)
	require.Equal(t, http.StatusBadRequest, f.do("GET", ordersSchemas+"/a/one", nil).StatusCode)
	require.Equal(t, http.StatusBadRequest, f.do("GET", ordersSchemas+"?cursor=x", nil).StatusCode)
	require.Equal(t, http.StatusBadRequest, f.do("GET", "/api/v1/streams/orders/quarantine/x", nil).StatusCode)
	got := f.do("PATCH", "/api/v1/streams/orders", strings.NewReader(`{"enforcement":"ignore"}`))
	require.Equal(t, "enforcement", got.problem(t).Details[0].Field)
	page, err := f.client.SchemasPage(t.Context(), "orders", core.SchemaQuery{})
	require.NoError(t, err)
	require.Empty(t, page.Items)
}

func TestAProducerLearnsOfTheQuarantine(t *testing.T) {
	t.Parallel()
	f := start(t)
	apart := core.EnforceQuarantine
	_, err := f.client.CreateStream(t.Context(), core.StreamSpec{Name: "orders", Schema: json.RawMessage(`{"required":["n"]}`), Enforcement: &apart})
	require.NoError(t, err)
	got := f.do("POST", ordersEvents, strings.NewReader(`{"event_type":"a","payload":{}}`))
	require.Equal(t, http.StatusAccepted, got.StatusCode)
	var receipt core.Receipt
	require.NoError(t, json.Unmarshal(got.body, &receipt), "%s", got.body)
	require.Equal(t, core.InQuarantine, receipt.Status)
	require.Equal(t, core.NoOffset, receipt.Offset)
	require.NotEmpty(t, receipt.Reasons)
	require.NotContains(t, string(got.body), "event_id")

	for body, status := range map[string]int{
		`[{"event_type":"a","payload":{"n":1}},{"event_type":"a","payload":{}}]`: http.StatusMultiStatus,
		`[{"event_type":"a","payload":{}},{"event_type":"a","payload":{}}]`:      http.StatusMultiStatus,
		`[{"event_type":"a","payload":{"n":1}}]`:                                 http.StatusAccepted,
	} {
		require.Equal(t, status, f.do("POST", ordersBatch, strings.NewReader(body)).StatusCode, body)
	}
	result, err := f.client.PublishBatch(t.Context(), "orders", []rest.NewEvent{{Type: "a", Payload: []byte(`{}`)}, {Payload: []byte(`{}`)}})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 1}, []int{result.Accepted, result.Rejected, result.Quarantined})
	require.Equal(t, core.InQuarantine, result.Results[0].Status)

	page, err := f.client.QuarantinePage(t.Context(), "orders", core.QuarantineQuery{Limit: 2})
	require.NoError(t, err)
	require.True(t, page.Pagination.HasMore)
	id := receipt.Quarantine.String()
	_, err = f.client.IngestQuarantined(t.Context(), "orders", id, core.Mend{})
	require.Equal(t, core.CodeSchemaMismatch, core.CodeOf(err))
	mended, err := f.client.IngestQuarantined(t.Context(), "orders", id, core.Mend{Payload: json.RawMessage(`{"n":1}`)})
	require.NoError(t, err)
	require.Equal(t, core.Accepted, mended.Status)
	other := slices.IndexFunc(page.Items, func(one core.Quarantined) bool { return one.ID != receipt.Quarantine })
	require.NoError(t, f.client.DiscardQuarantined(t.Context(), "orders", page.Items[other].ID.String()))
	_, err = f.client.Quarantined(t.Context(), "orders", id)
	require.Equal(t, core.CodeNotFound, core.CodeOf(err))
	require.Equal(t, int64(3), f.events("orders"))
}
