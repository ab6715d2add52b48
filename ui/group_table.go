package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// modeText is a group's mode in short, or that the server itself reads it.
func modeText(group core.Group) string {
	if group.Processor {
		return "processor"
	}
	if group.OrderingKey != "" {
		return string(group.Mode) + " by key"
	}
	return string(group.Mode)
}

// groupTable lists groups with their lag.
func groupTable(groups []core.GroupOverview, trends *trends, withStream bool) app.UI {
	columns := []column{
		{name: "Group"},
		{name: "Stream", minor: true},
		{name: "Mode", minor: true},
		{name: "Lag", number: true, told: true},
		{name: "Trend", minor: true, unsaid: true},
		{name: "Oldest unread", number: true, told: true},
		{name: "In flight", number: true, minor: true},
		{name: "Retrying", number: true, minor: true},
		{name: "Dead letters", number: true, told: true},
	}
	if !withStream {
		columns = append(columns[:1:1], columns[2:]...)
	}
	rows := make([]app.UI, len(groups))
	for i, group := range groups {
		flight, waiting := app.Text(count(group.Status.Leased)), app.Text(count(group.Status.Waiting))
		if group.Unavailable {
			flight, waiting = app.Text("–"), app.Text("–")
		}
		cells := []app.UI{
			app.A().Class("name").Href(groupPath(group)).Body(named(group.Name)),
			named(group.StreamName), app.Text(modeText(group.Group)), groupLag(group), sparkline(trends.of[group.ID]),
			app.Text(age(group.Status)), flight, waiting, app.Text(count(group.Status.DeadLetters)),
		}
		if !withStream {
			cells = append(cells[:1:1], cells[2:]...)
		}
		rows[i] = card(columns, cells...)
	}
	return cards("Consumer groups", columns, rows...)
}
