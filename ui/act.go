package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// act is what a button does. Where it fails, a message beside the button says why.
type act struct {
	busy bool
	err  error
}

// run starts the act, unless it runs already. It calls then after success.
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
			if core.CodeOf(err) == core.CodeUnauthorized && s.state == expired { // the form that signs in again says so, and the user tries again after that
				a.err = nil
			}
			if err == nil && then != nil {
				then(ctx)
			}
		})
	})
}

// ask is run for somebody who has no session yet, and begins none. A refusal is final.
func (a *act) ask(ctx app.Context, s *session, do func(context.Context, *rest.Client) error, then func(app.Context)) {
	if a.busy {
		return
	}
	a.busy, a.err = true, nil
	ctx.Async(func() {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := do(limited, s.client)
		s.dispatch(func(ctx app.Context) {
			s.heardOf(err)
			a.busy, a.err = false, err
			if err == nil {
				then(ctx)
			}
		})
	})
}

// runAnonymously is run for somebody who has no session yet. A refusal is final, so
// no other token is asked for. Where then is given, success has begun a session: the
// server is asked whose it is before then is called.
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
