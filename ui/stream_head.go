package ui

import (
	"net/url"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// streamTabs are the links between the pages of a stream.
func streamTabs(p Page) app.UI {
	tabs := []place{
		{"/streams/{stream}", "Overview", "", "", ""},
		{"/streams/{stream}/events", "Events", "", core.ActionReadEvents, ""},
		{"/streams/{stream}/consumers", "Consumers", "", core.ActionReadGroups, ""},
		{"/streams/{stream}/processors", "Processors", "", core.ActionReadProcessors, ""},
		{"/streams/{stream}/schema", "Schema", "", "", ""},
		{"/streams/{stream}/quarantine", "Quarantine", "", core.ActionReadEvents, ""},
		{"/streams/{stream}/settings", "Settings", "", "", ""},
	}
	var links []app.UI
	shown, _ := url.PathUnescape(p.Path) // find has unescaped it before
	for _, tab := range tabs {
		if !p.s.may(tab.action) {
			continue
		}
		link := app.A().Href(address(tab.path, p.stream())).Text(tab.name)
		if shown == strings.Replace(tab.path, "{stream}", p.stream(), 1) {
			link = link.Aria("current", "page")
		}
		links = append(links, link)
	}
	return app.Nav().Class("tabs").Aria("label", "Stream").Body(links...)
}

// streamHead is the title of a page of a stream, with actions and the tabs.
func streamHead(p Page, actions ...app.UI) app.UI {
	return app.Div().Class("stack", "tight").Body(
		app.Div().Class("head").Body(append([]app.UI{app.H1().TabIndex(-1).Body(app.Bdi().Text(p.stream()))}, actions...)...),
		streamTabs(p),
	)
}
