package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A source is made, used, looked at and deleted in the dashboard.
func TestASourceFromTheDashboard(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 1, nil)
	page := p.signIn(adminEmail)
	page.Allow("400 (Bad Request)")
	for _, size := range sizes {
		page.Size(size[0], size[1])
		name := "ci " + fmt.Sprint(size[0])
		page.Go("/sources")
		page.Click("New source")
		page.Fill("Name", name)
		page.Choose("Sender", "GitHub")
		page.Fill("Stream", "nothing")
		page.Fill("Signing secret", "hush")
		page.Screenshot("sources form " + fmt.Sprint(size[0]))
		page.Axe("the form of a source")
		page.Click("Create source")
		page.See("There is no such stream")
		page.Fill("Stream", "orders")
		page.Click("Create source")
		page.See("Copy the address now")
		page.Screenshot("sources once " + fmt.Sprint(size[0]))
		var address string
		page.Eval("document.querySelector('dialog code').innerText", &address)
		require.True(t, strings.HasPrefix(address, p.base+"/api/v1/in/in_"), address)
		response, err := http.Post(address, "application/json", strings.NewReader("{}"))
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		page.Click("I have copied it")

		page.Click("Refusals of " + name)
		page.See("X-Hub-Signature-256 is missing")
		page.ClickOn("dialog summary")
		page.Screenshot("sources refusals " + fmt.Sprint(size[0]))
		page.Axe("the refusals of a source")
		page.Click("Close")
		page.Click("Pause " + name)
		page.See("Resume") // the list has what the notice has told already
		page.Screenshot("sources list " + fmt.Sprint(size[0]))
		page.Axe("the list of sources")
		page.Click("Change " + name)
		page.See("If the address has leaked")
		page.Screenshot("sources change " + fmt.Sprint(size[0]))
		page.Axe("the change of a source")
		page.Click("Delete the source")
		page.Click("Delete")
		page.See("No sources yet")
	}
}

// The list says why a source fetches nothing.
func TestTheListOfSourcesSaysWhatFails(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	client := p.client()
	p.fill("orders", 1, nil)
	made, err := client.CreateSource(t.Context(), core.SourceSpec{
		Name: "legacy", Stream: "orders", Preset: core.PresetKafka, From: []byte(`{"brokers":["127.0.0.1:1"],"topics":["orders"],"tls":false}`),
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		source, err := client.Source(t.Context(), made.ID.String())
		return err == nil && source.Feed.Error != ""
	}, patience, 100*time.Millisecond)
	page := p.signIn(adminEmail)
	for _, size := range sizes {
		page.Size(size[0], size[1])
		page.Go("/sources")
		page.See("failing")
		page.See("broker")
		fitsTheScreen(t, page, "/sources")
		page.Screenshot("sources failing " + fmt.Sprint(size[0]))
	}
}
