package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// lagText shows a lag. Its colour tells a small one from a large one.
func lagText(lag int64) app.UI {
	if lag == 0 {
		return badge("ok", "0")
	}
	if lag > 10_000 {
		return badge("bad", count(lag))
	}
	return badge("warn", count(lag))
}

// groupLag shows the lag of a group, or that nobody knows it.
func groupLag(group core.GroupOverview) app.UI { return knownLag(group.Unavailable, group.Status) }

// knownLag is lagText for a status that may be unavailable.
func knownLag(unavailable bool, status core.GroupStatus) app.UI {
	if unavailable {
		return badge("bad", "unavailable")
	}
	return lagText(status.Lag)
}

// age is the age of the oldest event that a group has not settled.
func age(status core.GroupStatus) string {
	if status.Lag == 0 {
		return "–"
	}
	return span(time.Duration(status.LagSeconds * float64(time.Second)))
}
