package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// act is something that a button does: it fails with a message beside the
// button.
type act struct {
	busy bool
	err  error
}

// run starts it; then is called when it succeeded.
func (a *act) run(ctx app.Context, s *session, do func(context.Context, *rest.Client) error, then func(app.Context)) {
	if a.busy {
		return
	}
	a.busy, a.err = true, nil
	ctx.Async(func() {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := s.do(limited, do)
		s.dispatch(func(ctx app.Context) {
			s.heardOf(err)
			a.busy, a.err = false, err
			if err == nil && then != nil {
				then(ctx)
			}
		})
	})
}

// runAnonymously is run for what ends with a session: it asks for no other
// token, and learns who is signed in.
func (a *act) runAnonymously(ctx app.Context, s *session, do func(context.Context, *rest.Client) error, then func(app.Context)) {
	if a.busy {
		return
	}
	a.busy, a.err = true, nil
	ctx.Async(func() {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := do(limited, s.client)
		var me rest.Me
		if err == nil && then != nil {
			s.gotToken()
			me, err = s.client.Me(limited)
		}
		s.dispatch(func(ctx app.Context) {
			s.heardOf(err)
			a.busy, a.err = false, err
			if err == nil && then != nil {
				s.state = signedIn
				s.meet(ctx, me)
				then(ctx)
			}
		})
	})
}
