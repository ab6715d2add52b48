package e2e

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/ui"
)

// BenchmarkDashboard measures what somebody at a line of 10 Mbit/s and 40 ms
// waits for, and what a live tail of 200 events a second costs the browser.
// EVENTFLOW_TEST_TAIL_SECONDS is for how long: 60 where nothing is said.
func BenchmarkDashboard(b *testing.B) {
	p := start(b)
	p.setUp()
	site, err := ui.NewSite()
	require.NoError(b, err)
	program, others := site.Load()
	for b.Loop() { // one round is enough: it is long
		page := browser.Open(b, p.base)
		page.Before(keepProgram)
		page.Throttle(10e6, 40*time.Millisecond)
		page.Go("/login")
		b.ReportMetric(usable(page, "document.getElementById('email')"), "usable-ms")
		b.ReportMetric(paint(page), "first-paint-ms")
		page.Throttle(-1, 0)
		page.Fill("Email", adminEmail)
		page.Fill("Password", password)
		page.Click("Sign in")
		page.See("Newest events")
		page.Await("the worker", "navigator.serviceWorker.ready.then(() => true)")
		page.Throttle(10e6, 40*time.Millisecond)
		page.Go("/streams")
		page.See("Highest lag")
		page.Reload()
		b.ReportMetric(usable(page, "document.querySelector('td')"), "repeat-ms")
		page.Throttle(-1, 0)
		tailFor(b, p, page)
	}
	b.ReportMetric(float64(program)/1e6, "program-MB")
	b.ReportMetric(float64(others)/1e3, "rest-kB")
	b.ReportMetric(0, "ns/op")
}

// usable is how many milliseconds after its start a page had what an expression
// finds.
func usable(page *browser.Page, expression string) (took float64) {
	page.Eval(`new Promise(done => { const look = () => (`+expression+`) ? done(performance.now()) : setTimeout(look, 10); look() })`, &took)
	return took
}

// paint is when something was seen first.
func paint(page *browser.Page) (at float64) {
	page.Eval(`performance.getEntriesByName('first-contentful-paint')[0].startTime`, &at)
	return at
}

// tailFor follows a stream that gets 200 events a second.
func tailFor(b *testing.B, p *program, page *browser.Page) {
	b.Helper()
	seconds, err := strconv.Atoi(os.Getenv("EVENTFLOW_TEST_TAIL_SECONDS"))
	if err != nil {
		seconds = 60
	}
	page.Go("/streams/demo/events?live=1")
	page.See("Waiting for events")
	page.Eval(`window.longest = 0; new PerformanceObserver(list => list.getEntries().forEach(entry => {
		window.longest = Math.max(window.longest, entry.duration) })).observe({type: 'longtask'}); undefined`, nil)
	client, events := p.client(), make([]rest.NewEvent, 20)
	var early, late float64
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range seconds * 10 {
		for j := range events {
			events[j] = rest.NewEvent{Type: "page.viewed", Payload: fmt.Appendf(nil, `{"n":%d,"path":"/products/%d","agent":"a browser with a long name"}`, i*20+j, j)}
		}
		if _, err := client.PublishBatch(b.Context(), "demo", events); err != nil {
			b.Fatal(err)
		}
		if i == seconds*10/3 {
			early = held(page)
		}
		<-tick.C
	}
	page.See(fmt.Sprintf("%d,", seconds*200/1000)) // thousands came
	late = held(page)
	var longest float64
	page.Eval("window.longest", &longest)
	b.ReportMetric(longest, "longest-task-ms")
	b.ReportMetric(late-early, "tail-growth-MB")
	b.ReportMetric(late, "tail-memory-MB")
}

// keepProgram makes the program's memory known to the page.
const keepProgram = `for (const name of ['instantiate', 'instantiateStreaming']) {
	const original = WebAssembly[name];
	WebAssembly[name] = async (...given) => { const made = await original(...given); window.program = made.instance ?? made; return made };
}`

// held is what the page holds, of JavaScript and of the program, after what is
// not needed was given back.
func held(page *browser.Page) (megabytes float64) {
	page.Collect()
	page.Eval(`(performance.memory.usedJSHeapSize + window.program.exports.mem.buffer.byteLength) / 1e6`, &megabytes)
	return megabytes
}
