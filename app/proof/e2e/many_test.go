package e2e

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// manyStreams is how many there are where the dashboard must not be slower for
// it.
const manyStreams = 100_000

// An organization of very many streams is looked through like a small one.
func TestAHundredThousandStreams(t *testing.T) {
	t.Parallel()
	p := place(t)
	p.nodes = 1 // the streams are written into its SQLite
	fillCatalog(t, p)
	p.run("127.0.0.1:0")
	p.setUp()
	_, err := p.client().Publish(t.Context(), "s-099999", rest.NewEvent{Type: "far.away", Payload: []byte(`{"n":1}`)})
	require.NoError(t, err)
	_, err = p.client().CreateGroup(t.Context(), "s-099999", core.GroupSpec{Name: "billing"})
	require.NoError(t, err)

	page := p.signIn(adminEmail)
	page.Allow("/api/v1/summary: Failed to load resource: the server responded with a status of 503") // still being counted, where a machine does much else: home asks again
	page.Before(longTasks)
	quick := func(what, path, sees string) {
		began := time.Now()
		page.Go(path)
		page.See(sees)
		t.Logf("%s after %s", what, time.Since(began).Round(time.Millisecond))
		require.Less(t, page.Count("*"), 5000, "elements of "+path)
	}
	quick("home", "/", "far.away")
	page.See("in 100,001 streams") // with the demo
	page.Click("far.away")
	page.See("Send again")
	require.Equal(t, "/streams/s-099999/events/0", page.URL())
	quick("events", "/events", "far.away")
	quick("consumers", "/consumers", "billing")
	quick("publish", "/publish", "Ctrl+Enter")
	quick("streams", "/streams", "s-000000")
	rows := page.Count("tbody tr")
	firstOf := func(n int) string {
		return fmt.Sprintf("document.querySelector('td').innerText === 's-%06d'", (n-1)*rows-1)
	} // the demo is before all
	for n := range 5 {
		page.Click("Next")
		page.Await(fmt.Sprint("page ", n+2), firstOf(n+2))
	}
	page.Click("Previous")
	page.Await("page 5", firstOf(5))
	page.Eval("document.querySelectorAll('.pager button').forEach(button => button.innerText.trim() === 'Next' && (button.click(), button.click()))", nil)
	page.Await("page 6", firstOf(6))
	page.See("Page 6") // two clicks at once are one

	page.PressControl("k")
	page.Fill("Page, stream or group", "s-077777")
	page.See("s-077777")
	page.Press(browser.Enter)
	page.See("no events yet")
	require.Equal(t, "/streams/s-077777", page.URL())
	var longest float64
	page.Eval("window.longest", &longest)
	t.Logf("the longest task of the pages took %.0f ms", longest)
	require.Less(t, longest, 10_000.0, "milliseconds of a task of the page, on a machine that does much else")
}

// longTasks notes how long a page was busy at once, from when it is loaded.
const longTasks = `window.longest = 0; addEventListener('load', () => new PerformanceObserver(list => list.getEntries().forEach(entry => {
	window.longest = Math.max(window.longest, entry.duration) })).observe({type: 'longtask'}))`

// fillCatalog makes the streams before the program starts, in one statement.
func fillCatalog(t *testing.T, p *program) {
	t.Helper()
	folder := filepath.Join(p.folder, "eventflow_data")
	opened, err := catalog.Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: url.PathEscape(folder)})
	require.NoError(t, err)
	first, err := identity.FirstOrganization(t.Context(), opened, time.Now())
	require.NoError(t, err)
	require.NoError(t, opened.Close())
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, catalog.FileName))
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `with recursive n (i) as (select 0 union all select i + 1 from n where i + 1 < ?1)
		insert into streams (id, org, name, description, retention_days, idempotency_window, schema, revision, created_at, updated_at)
		select printf('0198c0de-0000-7000-8000-%012x', i), ?2, printf('s-%06d', i), '', 30, 0, '', 1, ?3, ?3 from n`,
		manyStreams, first.ID.String(), time.Now().UnixMicro())
	require.NoError(t, err)
	require.NoError(t, db.Close())
}
