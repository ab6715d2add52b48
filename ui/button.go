package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// button has a name and, unless iconName is empty, an icon.
func button(label, iconName string, click app.EventHandler) app.HTMLButton {
	return app.Button().Class("button").Type("button").OnClick(click, app.EventScope(label)).Body(iconAnd(iconName, label)...)
}

// mainButton is the button for the main action of a page.
func mainButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return button(label, iconName, click).Class("main")
}

// dangerButton is the button for what cannot be undone.
func dangerButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return button(label, iconName, click).Class("danger")
}

// submitButton sends its form.
func submitButton(label string, busy bool) app.HTMLButton {
	return app.Button().Class("button", "main").Type("submit").Disabled(busy).Aria("busy", busy).Text(label)
}

// iconButton shows an icon alone. Its name is a hint, and is read out to people who
// cannot see the icon.
func iconButton(label, iconName string, click app.EventHandler) app.HTMLButton {
	return app.Button().Class("button", "bare").Type("button").Aria("label", label).Title(label).
		OnClick(click, app.EventScope(label)).Body(icon(iconName))
}

// linkButton is a link that looks like a button.
func linkButton(label, iconName, href string) app.HTMLA {
	return app.A().Class("button").Href(href).Body(iconAnd(iconName, label)...)
}

func iconAnd(iconName, label string) []app.UI {
	if iconName == "" {
		return []app.UI{app.Text(label)}
	}
	return []app.UI{icon(iconName), app.Span().Text(label)}
}
