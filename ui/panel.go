package ui

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// skeleton stands where something is to come.
func skeleton() app.UI {
	return app.Div().Class("skeleton").Role("status").Aria("label", "Loading").Body(
		app.Div(), app.Div(), app.Div(), app.Div(), app.Div(),
	)
}

// emptyPanel says that there is nothing, and how that changes. command may be
// empty.
func emptyPanel(what, why, command string, actions ...app.UI) app.UI {
	parts := []app.UI{app.H2().Text(what), app.P().Text(why)}
	if command != "" {
		parts = append(parts, &copyBox{Text: command})
	}
	if len(actions) > 0 {
		parts = append(parts, app.Div().Class("row").Body(actions...))
	}
	return app.Div().Class("empty").Body(parts...)
}

// errorPanel says what went wrong, what to do, and by which id the server's log
// knows it.
func errorPanel(err error, again func(app.Context)) app.UI {
	title, advice := explain(err)
	parts := []app.UI{app.H2().Body(icon("warn"), app.Text(title)), app.P().Text(advice)}
	for _, detail := range detailsOf(err) {
		parts = append(parts, app.P().Body(app.Code().Text(detail.Field), app.Text(" "+detail.Reason)))
	}
	var answered *rest.Error
	if errors.As(err, &answered) && answered.RequestID != "" {
		parts = append(parts, app.P().Class("quiet").Body(app.Text("Request "), app.Code().Text(answered.RequestID)))
	}
	if again != nil {
		parts = append(parts, app.Div().Class("row").Body(&retry{Again: again, Err: err}))
	}
	return app.Div().Class("panel", "error").Role("alert").Body(parts...)
}

// explain puts an error into words for people.
func explain(err error) (title, advice string) {
	if !answeredError(err) {
		return "The server cannot be reached", "Check that it runs and that this device is connected. What you see is what was last known."
	}
	message := rest.Public(err).Message
	switch core.CodeOf(err) {
	case core.CodeForbidden:
		return "Your role does not permit this", message + ". An admin can change your role."
	case core.CodeNotFound:
		return "There is nothing here", message + ". It may have been deleted, or never existed."
	case core.CodeRateLimited:
		return "Too many requests", message
	case core.CodeUnauthorized:
		return "Sign in again", message
	case core.CodeConflict, core.CodePreconditionFailed:
		return "It was changed meanwhile", message
	case core.CodeValidation, core.CodeSchemaMismatch:
		return "The server does not take this", message
	case core.CodeUnavailable:
		return "The server is busy or its store is away", message
	}
	return "Something went wrong", message
}

func retryAfter(err error) time.Duration {
	if core.CodeOf(err) == core.CodeRateLimited {
		return rest.Public(err).RetryAfter
	}
	return 0
}

// retry is the button that tries again, once it may.
type retry struct {
	app.Compo
	Again func(app.Context)
	// Err is what went wrong. With another one it waits anew.
	Err error

	of    error
	until time.Time
}

// OnMount implements [app.Mounter].
func (r *retry) OnMount(ctx app.Context) { every(ctx, time.Second, func(app.Context) {}) }

// Render implements [app.Composer].
func (r *retry) Render() app.UI {
	if r.of != r.Err { //nolint:errorlint // another answer, not another kind
		r.of, r.until = r.Err, time.Now().Add(retryAfter(r.Err))
	}
	label, wait := "Try again", time.Until(r.until)
	if wait > 0 {
		label = fmt.Sprintf("Try again in %.0f s", math.Ceil(wait.Seconds()))
	}
	return button(label, "refresh", func(ctx app.Context, _ app.Event) { r.Again(ctx) }).Disabled(wait > 0)
}

// actError is the error of an action beside its button, or nothing.
func actError(err error) app.UI {
	if err == nil {
		return app.Span()
	}
	title, advice := explain(err)
	return app.Div().Class("note", "bad").Role("alert").Body(icon("warn"), app.Span().Text(title+": "+advice))
}

// note is a remark of a kind: ok, warn, bad, info.
func note(kind, text string) app.UI {
	return app.Div().Class("note", kind).Body(icon(kind), app.Span().Text(text))
}

// badge is a state in a word, with a colour and an icon of its kind: ok, warn,
// bad, wait, info.
func badge(kind, text string) app.UI {
	return app.Span().Class("badge", kind).Body(icon(kind), app.Text(text))
}

// tile is a number with its name.
func tile(name, value, more string) app.UI {
	return app.Div().Class("tile").Body(
		app.Div().Class("tile-name").Text(name),
		app.Div().Class("tile-value").Text(value),
		app.Div().Class("tile-more").Text(more),
	)
}
