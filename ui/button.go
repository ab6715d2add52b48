package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// button is one with a name and, where it helps, an icon.
func button(label, iconName string, click app.EventHandler) app.HTMLButton {
	return app.Button().Class("button").Type("button").OnClick(click, app.EventScope(label)).Body(iconAnd(iconName, label)...)
}

// mainButton is the one that a page is there for.
func mainButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return button(label, iconName, click).Class("main")
}

// dangerButton takes something away.
func dangerButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return button(label, iconName, click).Class("danger")
}

// submitButton sends its form.
func submitButton(label string, busy bool) app.HTMLButton {
	return app.Button().Class("button", "main").Type("submit").Disabled(busy).Aria("busy", busy).Text(label)
}

// iconButton shows its name to those who cannot see its icon, and as a hint.
func iconButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return app.Button().Class("button", "bare").Type("button").Aria("label", label).Title(label).
		OnClick(click, app.EventScope(label)).Body(icon(iconName))
}

// linkButton looks like a button and leads to an address.
func linkButton(label, iconName, href string) app.HTMLA {
	return app.A().Class("button").Href(href).Body(iconAnd(iconName, label)...)
}

func iconAnd(iconName, label string) []app.UI {
	if iconName == "" {
		return []app.UI{app.Text(label)}
	}
	return []app.UI{icon(iconName), app.Span().Text(label)}
}
