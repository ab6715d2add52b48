package e2e

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// A type gets a schema, its next version is held to it, and an event that does not fit is
// mended: on a laptop and on a phone.
func TestSchemasGrow(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	for i := range 3 {
		_, err := p.client().Publish(t.Context(), "demo", rest.NewEvent{Type: "order.paid", Payload: json.RawMessage([]string{`{"n":1}`, `{"n":2}`, `{"n":3,"note":"x"}`}[i])})
		require.NoError(t, err)
	}
	page := p.signIn(adminEmail)
	page.Allow("409 (Conflict)")
	page.Allow("400 (Bad Request)")
	page.Go("/streams/demo/schema")
	page.Click("Register a version…")
	page.Fill("Event type", "order.paid")
	page.Click("Infer from events")
	page.Await("the schema is inferred", `document.getElementById("version-schema").value.includes("integer")`)
	page.Click("Check against the last events")
	page.See("3 of the last 3 events fit.")
	page.Click("Register")
	page.See("order.paid, version 1")
	page.Click("Next version…")
	page.Fill("Its next schema", `{"type":"object","properties":{"n":{"type":"integer","maximum":2},"note":{"type":"string"}},"required":["n"]}`)
	page.Click("Check against the last events")
	page.See("2 of the last 3 events fit.")
	page.See("demands maximum 2, which version 1 does not")
	looked(page, "schema-check")
	page.Click("Register")
	page.Choose("Compatibility", "none")
	page.Click("Register")
	page.See("order.paid, version 2, compared with 1")
	page.Choose("An event that does not fit", "is kept in quarantine")
	page.Click("Save schema")
	page.See("Schema saved.")
	looked(page, "schema-versions")

	receipt, err := p.client().Publish(t.Context(), "demo", rest.NewEvent{Type: "order.paid", Version: 2, Payload: json.RawMessage(`{"n":7}`)})
	require.NoError(t, err)
	require.Equal(t, core.InQuarantine, receipt.Status)
	page.Go("/publish?stream=demo")
	page.Fill("Type", "order.paid")
	page.Fill("Payload", `{"n":"two"}`)
	page.Click("Publish")
	page.See("kept in quarantine")
	page.Click("kept in quarantine")
	page.Click("Discard…")
	page.Click("Discard")
	page.Go("/streams/demo/quarantine")
	page.See("order.paid")
	looked(page, "quarantine")
	page.ClickOn("tbody a.name")
	page.See("Event in quarantine")
	looked(page, "quarantined")
	page.Click("Ingest")
	page.See("maximum")
	page.Fill("Payload", `{"n":2}`)
	page.Click("Ingest")
	page.See("Nothing in quarantine")
	stats, err := p.client().StreamStats(t.Context(), "demo")
	require.NoError(t, err)
	require.Equal(t, int64(4), stats.Events)
}

// looked takes pictures of a page on a laptop and on a phone, and holds it to axe.
func looked(page *browser.Page, name string) {
	page.Axe(name)
	page.Screenshot("full/" + name)
	page.Size(390, 844)
	page.Axe(name + " on a phone")
	page.Screenshot("phone/" + name)
	page.Size(1280, 800)
}
