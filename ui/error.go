package ui

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

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

// actError is the error of an action beside its button, or nothing.
func actError(err error) app.UI {
	if err == nil {
		return app.Span()
	}
	title, advice := explain(err)
	return app.Div().Class("note", "bad").Role("alert").Body(icon("warn"), app.Span().Text(title+": "+advice))
}

// fieldError returns what the server said of a field, or "".
func fieldError(err error, field string) string {
	for _, detail := range detailsOf(err) {
		if detail.Field == field {
			return detail.Reason
		}
	}
	return ""
}

func detailsOf(err error) []core.Detail {
	if public := rest.Public(err); public != nil {
		return public.Details
	}
	return nil
}

// answeredError reports whether an error is the server's own.
func answeredError(err error) bool {
	var answered *rest.Error
	return errors.As(err, &answered) || errors.Is(err, context.Canceled)
}

// sentence begins a message with a capital and ends it with a full stop.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	return strings.ToUpper(message[:1]) + message[1:] + "."
}
