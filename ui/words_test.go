package ui

import (
	"strings"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1234: "−1,234"} {
		require.Equal(t, want, count(n))
	}
	require.Equal(t, "1 event", plural(1, "event"))
	require.Equal(t, "2,000 events", plural(2000, "event"))
	for d, want := range map[time.Duration]string{
		3 * time.Millisecond: "3 ms", 42 * time.Second: "42 s", 90 * time.Second: "1 min", 5 * time.Hour: "5 h", 49 * time.Hour: "2 d",
	} {
		require.Equal(t, want, span(d))
	}
	now := time.Now()
	require.Equal(t, "now", ago(now.Add(-500*time.Millisecond), now))
	require.Equal(t, "5 s ago", ago(now.Add(-5*time.Second), now))
	require.Equal(t, "in 2 h", ago(now.Add(2*time.Hour), now))
	for perSecond, want := range map[float64]string{0: "0/s", 0.25: "0.3/s", 9.94: "9.9/s", 1234.4: "1,234/s"} {
		require.Equal(t, want, rate(perSecond))
	}
	for n, want := range map[int]string{12: "12 B", 1536: "1.5 KiB", 3 << 20: "3.0 MiB"} {
		require.Equal(t, want, size(n))
	}
	require.Equal(t, `'it'\''s'`, quote("it's"))
}

func TestAddressesAreFound(t *testing.T) {
	t.Parallel()
	for _, r := range routes {
		here := address(r.pattern, "a b/c", "ü?%")
		found, params, ok := find(here)
		require.True(t, ok, here)
		require.Equal(t, r.pattern, found.pattern, here)
		for name, value := range params {
			require.Contains(t, []string{"a b/c", "ü?%"}, value, name)
		}
	}
	for _, nowhere := range []string{"/nowhere", "/streams/a/b/c/d", "/streams/%zz", "/settings", "/Streams"} {
		_, _, ok := find(nowhere)
		require.False(t, ok, nowhere)
	}
	r, params, _ := find("/streams/orders/events/12")
	require.Equal(t, "12", crumbTitle(r, params))
}

func TestTheScopeIsAQuery(t *testing.T) {
	t.Parallel()
	apply := func(s scope) (core.EventQuery, error) {
		var query core.EventQuery
		err := s.apply(&query)
		return query, err
	}
	query, err := apply(scope{kind: "newest"})
	require.NoError(t, err)
	require.True(t, query.Descending)
	query, err = apply(scope{"offset", "7"})
	require.NoError(t, err)
	require.Equal(t, core.Offset(6), *query.After)
	query, err = apply(scope{"offset", "0"})
	require.NoError(t, err)
	require.Nil(t, query.After)
	query, err = apply(scope{"time", "2026-01-02T03:04:05Z"})
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), query.From.UTC())
	for _, wrong := range []scope{{"offset", "-1"}, {"offset", "x"}, {"time", "soon"}} {
		_, err := apply(wrong)
		require.Error(t, err)
	}
}

func TestASchemaIsInferred(t *testing.T) {
	t.Parallel()
	schema, err := inferSchema([]byte(`{"id":"A","n":1.5,"ok":true,"none":null,"items":[{"sku":"x"}],"empty":[]}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["empty","id","items","n","none","ok"],
		"properties":{"id":{"type":"string"},"n":{"type":"number"},"ok":{"type":"boolean"},"none":{},"empty":{"type":"array"},
		"items":{"type":"array","items":{"type":"object","properties":{"sku":{"type":"string"}},"required":["sku"]}}}}`, schema)
	_, err = inferSchema([]byte(`{`))
	require.Error(t, err)
}

func TestJSONIsDrawnAsItIs(t *testing.T) {
	t.Parallel()
	tree, ok := jsonTree(`{"z":1,"a":12345678901234567890,"t":"<b>&\"","n":null,"l":[],"o":{"deep":[true]}}`, nil)
	require.True(t, ok)
	drawn := app.HTMLString(tree)
	require.Less(t, strings.Index(drawn, "&#34;z&#34;"), strings.Index(drawn, "&#34;a&#34;"), "in the order of the text")
	require.Contains(t, drawn, "12345678901234567890", "with all digits")
	require.NotContains(t, drawn, "<b>")
	_, ok = jsonTree(`{"a":`, nil)
	require.False(t, ok)
}

func TestRatesAndTrendsAreBounded(t *testing.T) {
	t.Parallel()
	var r rates
	var trend trends
	id, now := core.ID{1}, time.Now()
	require.Zero(t, r.perSecond(id))
	for i := range 200 {
		r.note(id, int64(i)*50, now.Add(time.Duration(i)*5*time.Second))
		trend.note(id, int64(i))
	}
	require.InDelta(t, 10, r.perSecond(id), 0.01)
	require.Len(t, r.line(id), keptReaches-1)
	require.Len(t, trend.of[id], keptReaches)
}

func TestTheTailIsBounded(t *testing.T) {
	t.Parallel()
	var followed tail
	for i := range 5000 {
		followed.add(t.Context(), restItem(i), narrowing{})
	}
	followed.take()
	require.Len(t, followed.rows, keptRows)
	require.Equal(t, core.Offset(4999), followed.rows[0].Offset, "the newest is on top")
	require.Equal(t, int64(5000), followed.total+followed.skipped)
	followed.paused = true
	followed.add(t.Context(), restItem(5000), narrowing{})
	followed.take()
	require.Equal(t, core.Offset(4999), followed.rows[0].Offset)
	require.Equal(t, 1, followed.waiting())
	followed.paused = false
	followed.take()
	require.Equal(t, core.Offset(5000), followed.rows[0].Offset)
	require.Len(t, followed.shown(), drawnRows)
}

func TestATailKeepsSoMuchOnly(t *testing.T) {
	t.Parallel()
	var followed tail
	for i := range 100 {
		item := restItem(i)
		item.Event.Payload = make([]byte, 1<<20)
		followed.add(t.Context(), item, narrowing{})
		require.LessOrEqual(t, sizeOf(followed.arrived), 2*keptBytes)
	}
	followed.take()
	require.Len(t, followed.rows, keptBytes>>20)
	require.Equal(t, core.Offset(99), followed.rows[0].Offset)
	require.Equal(t, int64(100), followed.total+followed.skipped)
	item := restItem(100)
	item.Event.Payload = make([]byte, keptBytes+1)
	followed.add(t.Context(), item, narrowing{})
	followed.take()
	require.Len(t, followed.rows, 1, "one is always shown")
}

func TestTheChecklistEnds(t *testing.T) {
	t.Parallel()
	require.Len(t, checklist(overall{}), 5)
	done := overall{Keys: 1, Sum: core.Summary{Streams: 1, Stored: 1, Groups: 1, Consumed: true}}
	require.Nil(t, checklist(done))
	done.Sum.Consumed = false
	require.NotNil(t, checklist(done))
}

func restItem(offset int) rest.TailItem {
	return rest.TailItem{Event: core.Event{Offset: core.Offset(offset), Payload: []byte(`{}`)}}
}

func TestBrowsersAreNamed(t *testing.T) {
	t.Parallel()
	for agent, name := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36":                           "Chrome on Linux",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0":           "Edge on Windows",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15":                   "Safari on macOS",
		"Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0":                                                                    "Firefox on Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1": "Safari on iPhone",
		"Go-http-client/1.1": "Go-http-client/1.1",
		"":                   "",
	} {
		require.Equal(t, name, browserName(agent))
	}
}
