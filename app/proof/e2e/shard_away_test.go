package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/app/proof/frail"
	"github.com/eventflow-go/eventflow/core"
)

// While a shard is away every screen shows what is known of the other one and names what is
// missing. Those of the lost stream alone say that it cannot be read.
func TestScreensShowWhatIsKnownWithoutAShard(t *testing.T) {
	t.Parallel()
	p := place(t)
	p.shared = []string{"EVENTFLOW_STORE=sharded:frail:./first,frail:./second"}
	p.runNode(freeAddress(t))
	p.setUp()
	ctx, client := t.Context(), p.client()
	for at, name := range []string{"orders", "clicks"} {
		_, err := client.CreateStream(ctx, core.StreamSpec{Name: name, Shard: &at})
		require.NoError(t, err)
		_, err = client.CreateGroup(ctx, name, core.GroupSpec{Name: name + "-group"})
		require.NoError(t, err)
		_, err = client.CreateProcessor(ctx, name, core.ProcessorSpec{
			GroupSpec: core.GroupSpec{Name: name + "-log"}, Start: &core.Start{}, Destination: []byte(`{"type":"log"}`),
		})
		require.NoError(t, err)
		_, err = client.Publish(ctx, name, rest.NewEvent{Type: name + ".made", Payload: []byte(`{"n":1}`)})
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(filepath.Join(p.folder, "second"+frail.Away), nil, 0o600))
	page := p.signInHome(adminEmail)
	page.Allow("503 (Service Unavailable)")
	for _, s := range []struct {
		screen
		wrong bool // the page as a whole is an error
	}{
		{screen{"/", "home", "Missing here: clicks"}, false},
		{screen{"/", "home", "orders.made"}, false},
		{screen{"/streams", "streams", "unavailable"}, false},
		{screen{"/consumers", "consumers", "unavailable"}, false},
		{screen{"/processors", "processors", "unavailable"}, false},
		{screen{"/events", "events", "Missing here: clicks"}, false},
		{screen{"/events", "events", "orders.made"}, false},
		{screen{"/dead-letters", "dead-letters", "end up here"}, false},
		{screen{"/streams/orders/events", "known-events", "orders.made"}, false},
		{screen{"/streams/clicks", "lost", "Shard 1 of the store"}, true},
		{screen{"/streams/clicks", "lost", `"event_type":"order.paid"`}, true}, // an example all the same
		{screen{"/streams/clicks/events", "lost-events", "Shard 1 of the store"}, true},
		{screen{"/consumers/clicks/clicks-group", "lost-group", "Shard 1 of the store"}, true},
	} {
		for _, width := range []int64{1280, 390} {
			page.Size(width, 844)
			page.Visit(s.path)
			page.See(s.sees)
			require.Equal(t, s.wrong, hasErrorPanel(page), s.path)
			fitsTheScreen(t, page, s.path)
			page.Screenshot(map[int64]string{1280: "shard-away/", 390: "shard-away-phone/"}[width] + s.name)
		}
		page.Axe(s.name)
	}
}

func hasErrorPanel(page *browser.Page) (found bool) {
	page.Eval(`!!document.querySelector('.panel.error')`, &found)
	return found
}
