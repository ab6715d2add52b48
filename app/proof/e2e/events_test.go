package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/core"
)

// fill makes a stream with so many events: the words of those at some offsets,
// an order of a number for the others.
func (p *program) fill(stream string, events int, words map[int]string) {
	p.t.Helper()
	_, err := p.client().CreateStream(p.t.Context(), core.StreamSpec{Name: stream})
	require.NoError(p.t, err)
	batch := make([]rest.NewEvent, 0, events)
	for i := range events {
		batch = append(batch, rest.NewEvent{Type: "order.paid", Source: "shop", Payload: fmt.Appendf(nil, `{"n":%d,"items":[{"sku":"S %d"}],"note":%q}`, i, i%3, words[i])})
	}
	for len(batch) > 0 {
		n := min(len(batch), 5000)
		_, err := p.client().PublishBatch(p.t.Context(), stream, batch[:n])
		require.NoError(p.t, err)
		batch = batch[n:]
	}
}

// parameter is one of the page's address.
func parameter(page *browser.Page, name string) string {
	address, _ := url.Parse(page.URL())
	return address.Query().Get(name)
}

// The histogram shows all that is kept, or as much as one chooses; a bar, and its
// line of the table, leads to its time.
func TestTheHistogramLeadsToATime(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 120, nil)
	page := p.signIn(adminEmail)
	page.Go("/streams/orders/events")
	page.See("120 events · ")
	page.See("All time")
	page.Screenshot("histogram")
	page.Choose("Time range", "Last 15 minutes")
	page.See("120 events · 15 s per bar")
	require.Equal(t, "15m", parameter(page, "span"))
	page.Reload()
	page.See("120 events · 15 s per bar")

	// By the mouse, where the bar is.
	page.Eval(`(() => { const bar = [...document.querySelectorAll('.bars rect:not(.hint)')].pop(); const box = bar.getBoundingClientRect();
		bar.dispatchEvent(new MouseEvent('click', {bubbles: true, clientX: box.x + box.width / 2, clientY: box.y + 1})) })()`, nil)
	page.See("15 minutes around")
	from, err := time.Parse(time.RFC3339, parameter(page, "from"))
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), from, 5*time.Minute)
	require.Zero(t, from.Second()%15)
	page.Await("the first row", "document.querySelector("+text(eventRows)+")?.innerText === '0'")
	page.Axe("histogram around a time")
	page.Screenshot("histogram-around")

	// By the keyboard, from the table.
	page.Choose("Start from", "Oldest first")
	page.See("First 15 minutes")
	page.Click("View as table")
	page.Eval(`document.querySelector('.slim table button').focus()`, nil)
	page.Press(browser.Enter)
	page.See("15 minutes around")
	require.NotEmpty(t, parameter(page, "from"))
	page.Go("/streams/orders/events?from=60")
	page.Await("the mark of an offset", `!!document.querySelector('.bars path')`)
	page.Go("/streams/demo/events")
	page.See("No events yet")
	require.Zero(t, page.Count(".bars"), "nothing came, and nothing is drawn")
}

// The keys work in the list, and nowhere where one types or is asked.
func TestTheEventBrowserIsUsedByKeys(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 90, nil)
	page := p.signIn(adminEmail)
	page.Go("/streams/orders/events")
	page.See("order.paid")
	page.Press("?")
	page.See("focus the filter")
	page.Axe("help")
	page.Screenshot("help")
	page.Press("?")
	page.Gone("focus the filter")
	const row = `document.activeElement.closest('tr.chosen')`
	for range 40 {
		page.Press("j")
	}
	page.Await("the focus in the chosen row", `!!`+row+` && document.activeElement.innerText === '50'`)
	page.Await("the chosen row in view", `(() => { const box = `+row+`.getBoundingClientRect(); return box.top >= 52 && box.bottom <= innerHeight })()`)
	page.Screenshot("chosen")
	page.Press("k")
	page.Await("the row above", row+` && document.activeElement.innerText === '51'`)
	page.Eval(`addEventListener('keydown', e => window.prevented = e.defaultPrevented)`, nil)
	page.Press("/")
	page.Await("the focus in the filter", `document.activeElement.id === 'filter' && window.prevented`)
	page.Press("jjo/?")
	page.Await("keys as text", `document.activeElement.value === 'jjo/?'`)
	require.Equal(t, "/streams/orders/events", strings.Split(page.URL(), "?")[0])
	page.Eval(`document.activeElement.blur()`, nil)
	page.PressControl("k")
	page.Await("the dialog", "!!document.querySelector('dialog h2')")
	page.Eval(`document.querySelector('dialog h2').tabIndex = 0; document.querySelector('dialog h2').focus()`, nil)
	page.Press("j")
	page.Press("o")
	page.Press(browser.Escape)
	page.Await("no dialog", `!document.querySelector('dialog')`)
	require.Equal(t, 1, page.Count(".inspector"), "Escape was for the dialog")
	page.Press(browser.Escape)
	page.Await("no inspector", `!document.querySelector('.inspector')`)
	page.Await("the focus where it was", `document.activeElement.innerText === '51'`)
	page.Press("j")
	page.Await("the next row", row+` && document.activeElement.innerText === '50'`)
	page.Press(browser.Enter)
	page.See("Event 50 of orders")
	page.Eval(`history.back()`, nil)
	page.Await("the list, and the row that is chosen in it", `document.querySelector('tr.chosen .offset')?.innerText === '50'`)
	page.Press("j")
	page.Press("o")
	page.See("Event 49 of orders")
	require.Contains(t, page.URL(), "/streams/orders/events/")
}

// Words are looked for in what was read. The page says so, and looks further
// until it finds one, or the end, or enough.
func TestWordsAreLookedForFurther(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 4000, map[int]string{3500: "one refund", 3490: "a refund", 50: "late"})
	page := p.signIn(adminEmail)
	page.Go("/streams/orders/events?q=refund")
	page.See("None of 100 events contains “refund”.")
	require.Zero(t, page.Count(eventRows))
	page.Axe("none of these")
	page.Screenshot("look-further")
	page.Click("Search more")
	page.See("1 of 100 events contains “refund”.")
	page.See("one refund")
	page.Click("Next")
	page.See("a refund")
	page.Click("Previous")
	page.See("one refund")

	page.Fill("Filter", "late")
	page.Click("Apply")
	page.See("None of 100 events contains “late”.")
	page.Click("Search more")
	page.See("None of 2,100 events contains “late”.")
	page.Click("Search more")
	page.See("1 of 100 events contains “late”.")
	page.Go("/streams/orders/events?q=nowhere&from=3950")
	page.See("None of 50 events contains “nowhere”, and there are no more.")

	// It can be stopped: each page takes a while on this line.
	page.Go("/streams/orders/events?q=nowhere")
	page.See("None of 100 events")
	page.See("unfiltered") // the chart, which moves what is below it
	page.Throttle(-1, 5*time.Second)
	page.Click("Search more")
	page.See("Searched")
	page.Click("Stop")
	page.See("contains “nowhere”.")
	page.Throttle(-1, 0)
	require.False(t, page.Shows("None of 2,100"))
}

// What is wrong in the filter is said, and what is seen is a click away from
// being asked for.
func TestAFilterIsMadeOfWhatIsSeen(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	p.fill("orders", 30, nil)
	page := p.signIn(adminEmail)
	page.Go("/streams/orders/events")
	for text, wrong := range map[string]string{
		"payload:": "needs a path and a value, such as payload.amount:12.5", "name:ann": `in quotes: "name:ann"`, "type:": "such as type:order.paid",
	} {
		page.Fill("Filter", text)
		page.Click("Apply")
		page.See(wrong)
		page.Await("the field marked as wrong", `document.getElementById('filter').getAttribute('aria-invalid') === 'true'`)
	}
	page.Axe("wrong filter")
	page.Screenshot("wrong-filter")
	page.Fill("Filter", "shop")
	page.Click("Apply")
	page.See("30 of 30 events contain “shop”.")
	page.Press(browser.Tab)
	page.ClickOn("tbody .offset[aria-label='Show event 29']")
	page.See("Deliveries")
	page.Eval(`document.querySelector('.leaf .by').focus()`, nil)
	page.Screenshot("filter-by")
	page.Click(`Filter by payload.items.0.sku:"S 2"`)
	page.See("10 of 10 events contain “shop”.")
	require.Equal(t, `shop payload.items.0.sku:"S 2"`, parameter(page, "q"))
	page.Await("the bar", `document.getElementById('filter').value === 'shop payload.items.0.sku:"S 2"'`)
	page.Click("Details")
	page.Click("Filter by type:order.paid")
	page.See("10 of 10 events contain “shop”.")
	require.Equal(t, `shop payload.items.0.sku:"S 2" type:order.paid`, parameter(page, "q"))
	page.Axe("filter by")
	page.Go("/streams/orders/events/7")
	page.Click("Filter by payload.n:7")
	page.Await("the event alone", "document.querySelectorAll("+text(eventRows)+").length === 1")
	require.Equal(t, "payload.n:7", parameter(page, "q"))
}

// A page that nobody sees holds no connection. When it is seen again it shows
// what came meanwhile.
func TestAHiddenPageHoldsNoConnection(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	line := newLine(t, p)
	page := p.signIn(adminEmail)
	page.Go("/streams/demo/events?live=1")
	page.See("Waiting for events")
	require.Eventually(t, func() bool { return line.open() == 1 }, patience, 10*time.Millisecond)
	hide(page, true)
	require.Eventually(t, func() bool { return line.open() == 0 }, patience, 10*time.Millisecond)
	total := 0
	publish := func(n int) {
		var events []rest.NewEvent
		for range n {
			events = append(events, rest.NewEvent{Type: "came", Payload: fmt.Appendf(nil, `{"n":"event %d.","even":%t}`, total, total%2 == 0)})
			total++
		}
		_, err := p.client().PublishBatch(t.Context(), "demo", events)
		require.NoError(t, err)
	}
	publish(3) // the first ever, which a tail from the end would not see
	require.Zero(t, line.open())
	hide(page, false)
	page.See("3 events")
	require.Equal(t, 1, line.open())
	publish(4)
	page.See("7 events")
	for range 3 {
		hide(page, true)
		require.Eventually(t, func() bool { return line.open() == 0 }, patience, 10*time.Millisecond)
		publish(5)
		hide(page, false)
		page.See(fmt.Sprint(total, " events"))
	}
	for i := range total {
		require.True(t, page.Shows(fmt.Sprintf("event %d.", i)), "event %d was lost", i)
	}
	require.Equal(t, total, page.Count("tbody tr"), "each once")

	// Stop keeps the rows, and what came since is there when it goes on.
	page.Click("Stop")
	page.See("Stopped")
	require.Eventually(t, func() bool { return line.open() == 0 }, patience, 10*time.Millisecond)
	publish(2)
	hide(page, true)
	hide(page, false)
	require.Equal(t, total-2, page.Count("tbody tr"))
	page.Axe("stopped")
	page.Screenshot("stopped")
	require.Zero(t, line.open(), "stopped is stopped")
	page.Click("Reconnect")
	page.See(fmt.Sprint(total, " events"))

	// More than a page can catch up with is counted.
	hide(page, true)
	require.Eventually(t, func() bool { return line.open() == 0 }, patience, 10*time.Millisecond)
	for range 3 {
		publish(4000)
	}
	hide(page, false)
	page.See("11,500 skipped")
	page.See(fmt.Sprintf("%d events", total-11_500))

	// Paths apply here as well.
	page.Fill("Filter", "payload.even:true")
	page.Click("Apply")
	page.See("Waiting for events")
	require.Eventually(t, func() bool { return line.open() == 1 }, patience, 10*time.Millisecond)
	publish(6)
	page.See("3 events")
}

// hide has the page believe that it is seen, or not, as when its tab changes.
func hide(page *browser.Page, hidden bool) {
	page.Eval(fmt.Sprintf(`Object.defineProperty(document, 'hidden', {value: %t, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))`, hidden), nil)
}

// line is the way between the browser and the program. It knows how many live
// tails are open.
type line struct {
	mu    sync.Mutex
	tails int
}

func (l *line) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tails
}

// newLine puts a line in front of a program.
func newLine(t *testing.T, p *program) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	behind := strings.TrimPrefix(p.base, "http://")
	p.base = "http://" + listener.Addr().String()
	l := &line{}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go l.carry(conn, behind)
		}
	}()
	return l
}

// carry carries one connection until one of its ends closes it.
func (l *line) carry(browser net.Conn, behind string) {
	defer browser.Close()
	server, err := net.Dial("tcp", behind)
	if err != nil {
		return
	}
	defer server.Close()
	var once sync.Once
	count := func(by int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.tails += by
	}
	live := false
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_, _ = io.Copy(browser, server)
		_ = browser.Close()
	}()
	_, _ = io.Copy(server, io.TeeReader(browser, writer(func(b []byte) {
		if bytes.Contains(b, []byte("/events/live")) && bytes.HasPrefix(b, []byte("GET ")) {
			once.Do(func() { live = true; count(1) })
		}
	})))
	_ = server.Close()
	<-answered
	if live {
		count(-1)
	}
}

type writer func([]byte)

// Write implements io.Writer.
func (w writer) Write(b []byte) (int, error) {
	w(b)
	return len(b), nil
}

// Streams are found by what their names begin with, however many there are.
func TestStreamsAreFoundByTheirBeginning(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	for i := range 120 {
		for _, name := range []string{"order", "Order"} {
			_, err := p.client().CreateStream(t.Context(), core.StreamSpec{Name: fmt.Sprintf("%s-%03d", name, i)})
			require.NoError(t, err)
		}
	}
	page := p.signIn(adminEmail)
	page.Go("/streams")
	page.See("Order-000")
	page.Fill("Filter by name", "order-11")
	page.See("order-110")
	page.Gone("Order-000")
	require.Equal(t, 10, page.Count("tbody tr"))
	require.Equal(t, "order-11", parameter(page, "prefix"))
	page.Axe("streams by prefix")
	page.Screenshot("streams-prefix")
	page.Reload()
	page.See("order-110")
	require.Equal(t, 10, page.Count("tbody tr"))
	page.Fill("Filter by name", "order-")
	page.See("order-000")
	page.Click("Next")
	page.See("order-060")
	require.False(t, page.Shows("Order-"))
	page.Fill("Filter by name", "%")
	page.See("Nothing matches")
	page.Click("Clear")
	page.See("Order-000")

	page.PressControl("k")
	page.Fill("Page, stream or group", "order-11")
	page.Await("the streams that begin so", `[...document.querySelectorAll('.choices li')].map(li => li.innerText.trim()).slice(0, 10).join() === 'order-110,order-111,order-112,order-113,order-114,order-115,order-116,order-117,order-118,order-119'`)
	page.Press(browser.Escape)

	// To publish to one of so many.
	page.Go("/publish?stream=order-115")
	page.Await("the stream that was asked for", `document.getElementById('stream')?.value === 'order-115'`)
	page.Fill("Stream", "order-11")
	page.Await("the streams that begin so", `[...document.querySelectorAll('#streams option')].map(option => option.value).join() === 'order-110,order-111,order-112,order-113,order-114,order-115,order-116,order-117,order-118,order-119'`)
	page.Axe("publish to one of many")
	page.Screenshot("publish-to-one-of-many")
	page.Fill("Stream", "order-116")
	page.Fill("Type", "order.paid")
	page.Fill("Payload", "{}")
	page.Click("Publish")
	page.See("Stored at offset 0")
	stats, err := p.client().StreamStats(t.Context(), "order-116")
	require.NoError(t, err)
	require.EqualValues(t, 1, stats.Events)

	// From the events of one stream to those of another.
	page.Go("/streams/order-000/events")
	page.See("No events yet")
	page.Click("Switch stream")
	page.Fill("Filter by name", "order-07")
	page.Await("the stream", `[...document.querySelectorAll('.choices li')].some(li => li.innerText.trim() === 'order-077')`)
	page.Axe("another stream")
	page.Screenshot("another-stream")
	page.Fill("Filter by name", "order-077")
	page.Press(browser.Enter)
	page.Await("the events of the other stream", `location.pathname === '/streams/order-077/events'`)
	page.See("No events yet")
}

// Another address of the same page is shown as it is, whatever was shown before.
func TestAnotherAddressIsAnotherView(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.setUp()
	page := p.signInHome(adminEmail)
	const empty = "document.querySelector('#filter').value === ''"
	page.Visit("/streams/demo/events?q=type:nothing")
	page.See("Nothing matches")
	page.Visit("/streams/demo/events?live=1")
	page.See("Waiting for events")
	page.Await("an empty filter", empty)
	require.Equal(t, "/streams/demo/events?live=1", page.URL())
	page.Visit("/streams/demo/events?q=type:nothing")
	page.Click("Clear")
	page.See("No events yet")
	page.Await("an empty filter", empty)
	page.Visit("/audit?action=key.revoked&from=2020-01-01T00:00&who=x")
	page.Choose("Action", "All actions")
	page.Fill("Actor: email or key label", "")
	page.Click("Apply")
	page.Await("what happened", "document.querySelectorAll('tbody tr').length > 0")
	require.NotContains(t, page.URL(), "action")
	require.NotContains(t, page.URL(), "who")
	page.Visit("/audit?to=2020-01-01T00:00")
	page.Click("Clear")
	page.Await("all", "document.querySelectorAll('tbody tr').length > 0")
	page.Await("no time", "document.querySelector('#trail-to').value === ''")
}
