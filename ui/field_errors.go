package ui

import (
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// fieldErrors hands an error's details to the fields of a form. Whatever no field
// has asked for is shown by rest, so that no reason is lost: the server may object
// to a part of a field, or to something that the form has no field for.
type fieldErrors struct {
	err   error
	taken []string
}

// of returns what is wrong with a field, or "". Every field asks before rest is
// called.
func (f *fieldErrors) of(field string) string {
	f.taken = append(f.taken, field)
	var reasons []string
	for _, detail := range detailsOf(f.err) {
		if detail.Field == field {
			reasons = append(reasons, detail.Reason)
		}
	}
	return strings.Join(reasons, "; ")
}

// rest shows the details that no field has taken. An error without details is shown
// as a whole.
func (f *fieldErrors) rest() app.UI {
	details := detailsOf(f.err)
	if len(details) == 0 {
		return actError(f.err)
	}
	left := slices.DeleteFunc(slices.Clone(details), func(detail core.Detail) bool { return slices.Contains(f.taken, detail.Field) })
	if len(left) == 0 {
		return app.Span()
	}
	return app.Div().Class("note", "bad").Role("alert").Body(icon("warn"), app.Div().Body(detailLines(left)...))
}

// detailLines writes what is wrong with each field on a line of its own.
func detailLines(details []core.Detail) []app.UI {
	lines := make([]app.UI, len(details))
	for i, detail := range details {
		lines[i] = app.Div().Body(app.Code().Text(detail.Field), app.Text(" "+detail.Reason))
	}
	return lines
}
