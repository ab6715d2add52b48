package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// link is what a page was opened with: a ticket that works once.
type link struct {
	kind  core.TicketKind
	token string
	// dead says that the server does not take it any more.
	dead bool
}

// ask asks when the page opens whether the link still works: nobody is to fill a form
// for nothing. Where there is no answer, the form shows later what is wrong.
func (l *link) ask(ctx app.Context, s *session) {
	if l.token == "" {
		return
	}
	ctx.Async(func() {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := s.client.CheckLink(limited, rest.LinkRequest{Kind: l.kind, Token: l.token})
		s.dispatch(func(app.Context) { l.dead = core.CodeOf(err) == core.CodeUnauthorized })
	})
}

// linkError is the error of a form behind a link that works once. A link that is used
// up is no reason to sign in again: another says what to do instead.
func linkError(wrong *fieldErrors, another ...app.UI) app.UI {
	if core.CodeOf(wrong.err) != core.CodeUnauthorized {
		return wrong.rest()
	}
	return deadLink(another...)
}

// deadLink says that a link does not work, and what to do.
func deadLink(another ...app.UI) app.UI {
	dead := note("bad", "This link does not work: it was used before, has expired, or was replaced by a newer one.")
	return app.Div().Class("stack", "tight").Role("alert").Body(append([]app.UI{dead}, another...)...)
}
