package ui

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// errorPanel says what went wrong, what to do, and the id by which the server's
// log knows the request.
func errorPanel(err error, again func(app.Context)) app.UI {
	title, advice := explain(err)
	parts := []app.UI{app.H2().Body(icon("warn"), app.Text(title)), app.P().Text(advice)}
	parts = append(parts, detailLines(detailsOf(err))...)
	var answered *rest.Error
	if errors.As(err, &answered) && answered.RequestID != "" {
		parts = append(parts, app.P().Class("quiet").Body(app.Text("Request "), app.Code().Text(answered.RequestID)))
	}
	if again != nil {
		parts = append(parts, app.Div().Class("row").Body(&retry{Again: again, Err: err}))
	}
	return app.Div().Class("panel", "error").Role("alert").Body(parts...)
}

// explain puts an error into words for people: a title and a sentence.
func explain(err error) (title, advice string) {
	if noAnswer(err) {
		return "Server unreachable", "Check that the server is running and that this device is online."
	}
	message := sentence(rest.Public(err).Message)
	switch core.CodeOf(err) {
	case core.CodeForbidden:
		return "Permission denied", message + " An admin can change your role."
	case core.CodeNotFound:
		return "Not found", message + " It may have been deleted."
	case core.CodeRateLimited:
		return "Too many requests", message
	case core.CodeUnauthorized:
		return "Sign in again", message
	case core.CodeConflict:
		return "Conflict", message
	case core.CodePreconditionFailed:
		return "Changed by someone else", message
	case core.CodeValidation, core.CodeSchemaMismatch:
		return "Invalid input", message
	case core.CodeUnavailable:
		return "Temporarily unavailable", message
	}
	return "Something went wrong", message
}

func retryAfter(err error) time.Duration {
	if core.CodeOf(err) == core.CodeRateLimited {
		return rest.Public(err).RetryAfter
	}
	return 0
}

// actError is the error of an action beside its button, or nothing.
func actError(err error) app.UI {
	if err == nil {
		return app.Span()
	}
	title, advice := explain(err)
	return app.Div().Class("note", "bad").Role("alert").Body(icon("warn"), app.Span().Text(title+": "+advice))
}

func detailsOf(err error) []core.Detail {
	if public := rest.Public(err); public != nil {
		return public.Details
	}
	return nil
}

// noAnswer reports whether an error means that no server answered. An error of the
// server or of the dashboard itself is a [core.Error]. A request that was cancelled
// says nothing about the server.
func noAnswer(err error) bool {
	var known *core.Error
	return err != nil && !errors.As(err, &known) && !errors.Is(err, context.Canceled)
}

// sentence begins a message with a capital and ends it with a full stop.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(message)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(message[size:], ".") + "."
}
