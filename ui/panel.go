package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// skeleton stands in for content that is being loaded.
func skeleton() app.UI {
	return app.Div().Class("skeleton").Role("status").Aria("label", "Loading").Body(
		app.Div(), app.Div(), app.Div(), app.Div(), app.Div(),
	)
}

// emptyPanel says that there is nothing, why, and what to do about it: a command to
// copy, unless it is empty, and actions.
func emptyPanel(what, why, command string, actions ...app.UI) app.UI {
	var example app.UI
	if command != "" {
		example = &copyBox{Text: command}
	}
	return emptyWith(what, why, example, actions...)
}

// emptyWith is emptyPanel with an example that is more than a text, or nil.
func emptyWith(what, why string, example app.UI, actions ...app.UI) app.UI {
	parts := []app.UI{app.H2().Text(what), app.P().Text(why)}
	if example != nil {
		parts = append(parts, example)
	}
	if len(actions) > 0 {
		parts = append(parts, app.Div().Class("row").Body(actions...))
	}
	return app.Div().Class("empty").Body(parts...)
}

// tile shows a number with its name, and more about it.
func tile(name, value, more string) app.UI { return tileOf(name, value, app.Text(more)) }

// tileOf is tile for more than a text.
func tileOf(name, value string, more ...app.UI) app.UI {
	return app.Div().Class("tile").Body(
		app.Div().Class("tile-name").Text(name),
		app.Div().Class("tile-value").Text(value),
		app.Div().Class("tile-more").Body(more...),
	)
}

// forbidden stands in for a page that the role does not permit.
func forbidden(action core.Action, role core.Role) app.UI {
	return app.Div().Class("panel", "error").Role("alert").Body(
		app.H2().Body(icon("role"), app.Text("Permission denied")),
		app.P().Body(app.Text("This page needs the permission "), app.Code().Text(string(action)),
			app.Text(", which the role "+string(role)+" does not have. An admin can change your role.")),
	)
}
