package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// sparkline draws numbers as a small line without axes.
func sparkline(values []int64) app.UI {
	if len(values) < 2 {
		return app.Span().Class("spark")
	}
	const width, height = 96.0, 22.0
	top := max(slices.Max(values), 1)
	points := make([]string, len(values))
	for i, value := range values {
		points[i] = fmt.Sprintf("%.1f,%.1f", float64(i)*width/float64(len(values)-1), height-1-float64(value)*(height-2)/float64(top))
	}
	return app.Raw(fmt.Sprintf(`<svg class="spark" viewBox="0 0 %g %g" aria-hidden="true" preserveAspectRatio="none"><polyline points="%s"/></svg>`,
		width, height, strings.Join(points, " ")))
}

// barSlots is the number of bars that a chart has room for at least.
const barSlots = 60

// bars draws numbers as a chart, the newest at the right. People who cannot see it
// need a table of the same numbers, which the caller adds.
func bars(label string, values []int64) app.UI {
	if missing := barSlots - len(values); missing > 0 {
		values = append(make([]int64, missing), values...)
	}
	return barBox(label, drawBars(values), values)
}

// The size of a chart in its own units. The page stretches it.
const chartWidth, chartHeight = 600.0, 80.0

// barBox puts a drawing into a chart that is labelled with the largest value.
func barBox(label, drawing string, values []int64) app.HTMLDiv {
	return app.Div().Class("bars").Body(
		app.Raw(fmt.Sprintf(`<svg viewBox="0 0 %g %g" role="img" aria-label="%s" preserveAspectRatio="none">%s</svg>`,
			chartWidth, chartHeight, escape(label), drawing)),
		app.Span().Class("bars-top").Text(count(slices.Max(values))),
	)
}

func drawBars(values []int64) string {
	top, step := slices.Max(values), chartWidth/float64(len(values))
	var drawn strings.Builder
	for i, value := range values {
		if value == 0 {
			continue
		}
		tall := max(float64(value)*chartHeight/float64(top), 1.5)
		fmt.Fprintf(&drawn, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`, float64(i)*step+0.5, chartHeight-tall, max(step-1, 0.5), tall)
	}
	return drawn.String()
}

// drawHints lays an area as high as the chart behind each bar. It shows the bar's
// hint.
func drawHints(hints []string) string {
	step := chartWidth / float64(len(hints))
	var drawn strings.Builder
	for i, hint := range hints {
		fmt.Fprintf(&drawn, `<rect class="hint" x="%.2f" width="%.2f" height="%g"><title>%s</title></rect>`, float64(i)*step, step, chartHeight, escape(hint))
	}
	return drawn.String()
}

// drawMark draws a vertical line. at is its place, from 0 at the left to 1.
func drawMark(at float64) string {
	return fmt.Sprintf(`<path d="M%.2f 0V%g"/>`, at*chartWidth, chartHeight)
}

// escape makes a text safe in a drawing and in its attributes.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(text)
}

// chartTable is a folded table of a chart's numbers.
func chartTable(caption string, names []app.UI, values []int64) app.UI {
	rows := make([]app.UI, len(values))
	columns := []column{{name: "Time"}, {name: "Events", number: true}}
	for i := range values {
		rows[i] = row(columns, names[i], app.Text(count(values[i])))
	}
	return app.Details().Class("fold").Body(app.Summary().Text("View as table"), table(caption, columns, rows...))
}

// hourChart shows how many events came in the last hour, by minute. The chart is
// empty while the numbers are not known yet, so that the page does not move when
// they come. more says which events are counted, unless all are.
func hourChart(hour *load[core.Histogram], more string) app.UI {
	if !hour.have() {
		to := time.Now().Truncate(time.Minute).Add(time.Minute)
		return hourPanel(core.Histogram{From: to.Add(-time.Hour), To: to, Counts: make([]int64, 60)}, "–", app.Span())
	}
	h := hour.value
	width := h.To.Sub(h.From) / time.Duration(max(len(h.Counts), 1))
	names := make([]app.UI, len(h.Counts))
	var total int64
	for i, n := range h.Counts {
		names[i] = app.Text(h.From.Add(time.Duration(i) * width).Local().Format("15:04"))
		total += n
	}
	return hourPanel(h, strings.TrimSpace(plural(total, "event")+" "+more), chartTable("Events by minute", names, h.Counts))
}

func hourPanel(h core.Histogram, words string, numbers app.UI) app.UI {
	return app.Section().Class("panel").Aria("label", "Events by minute").Body(
		app.Div().Class("head").Body(app.H2().Text("Last hour"), app.Span().Class("quiet").Text(words)),
		bars("Last hour by minute: "+words, h.Counts),
		app.Div().Class("axis").Body(app.Span().Text(h.From.Local().Format("15:04")), app.Span().Text(h.To.Local().Format("15:04"))),
		numbers,
	)
}
