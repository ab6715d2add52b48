package ui

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// sessionState is how far the dashboard is with knowing its user.
type sessionState int

const (
	// starting: it is not known whether somebody is.
	starting sessionState = iota
	// anonymous: nobody is signed in.
	anonymous
	signedIn
	// expired: somebody was, and signs in again on top of the page.
	expired
)

// session is who uses the dashboard, and the way to the server. The access
// token is in memory alone; the refresh token is the browser's cookie, which no
// script can read.
type session struct {
	client *rest.Client
	state  sessionState
	me     rest.Me
	// origin is the server's address, as commands to copy name it.
	origin string
	// met: the server has said who that is; meeting: it is being asked.
	met, meeting bool
	// over: somebody has signed out. Whatever is still answered is for nobody.
	over atomic.Bool
	// rev counts what pages must be drawn anew for.
	rev int
	// shell is the context of what is always there: a button, a dialog or a page
	// may be gone when the answer comes that it asked for.
	shell app.Context
	// offline: the last request found no server. heard is when one last
	// answered.
	offline bool
	heard   time.Time

	mu sync.Mutex
	// generation counts the access tokens; refused is why there is no further one.
	generation int
	refused    error
}

func newSession(origin string) *session {
	return &session{client: rest.NewClient(origin, ""), origin: origin}
}

// dispatch runs f where the dashboard is drawn, and draws the page anew.
func (s *session) dispatch(f func(app.Context)) {
	s.shell.Dispatch(func(ctx app.Context) {
		if s.over.Load() {
			return
		}
		f(ctx)
		s.rev++
	})
}

// meet notes who is signed in.
func (s *session) meet(ctx app.Context, me rest.Me) {
	s.me, s.met = me, true
	remember(ctx, me)
}

// may reports whether the user's role permits an action. The server decides all
// the same; this only hides what would be refused.
func (s *session) may(action core.Action) bool {
	return action == "" || slices.Contains(s.me.Permissions, action)
}

// writable reports whether an action is permitted and there is a server.
func (s *session) writable(action core.Action) bool { return s.may(action) && !s.offline }

// known reports whether it is known who is signed in, or was last.
func (s *session) known() bool { return s.me.User != nil }

// do runs a request, with a fresh access token where there is none, or the one
// at hand has expired.
func (s *session) do(ctx context.Context, request func(context.Context, *rest.Client) error) error {
	if s.over.Load() {
		return context.Canceled
	}
	generation := s.token()
	if generation > 0 {
		if err := request(ctx, s.client); core.CodeOf(err) != core.CodeUnauthorized {
			return err
		}
	}
	if failed := s.refresh(ctx, generation); failed != nil {
		return failed
	}
	return request(ctx, s.client)
}

func (s *session) token() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// gotToken notes that the client has another access token.
func (s *session) gotToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	s.refused = nil
}

// refreshTimeout bounds what all other requests wait for.
const refreshTimeout = 10 * time.Second

// refresh gets the next access token, unless another request has got one since,
// or was told that there is none.
func (s *session) refresh(ctx context.Context, generation int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if generation != s.generation || s.refused != nil {
		return s.refused
	}
	limited, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	_, err := s.client.Refresh(limited, rest.RefreshRequest{})
	switch {
	case err == nil:
		s.generation++
	case core.CodeOf(err) == core.CodeUnauthorized:
		s.refused = err
	}
	return err
}

// heardOf notes how a request ended.
func (s *session) heardOf(err error) {
	if s.offline = noAnswer(err); !s.offline {
		s.heard = time.Now()
	}
	if core.CodeOf(err) == core.CodeUnauthorized && s.state == signedIn {
		s.state = expired
	}
}

// email is the address of who is signed in.
func (s *session) email() string {
	if s.me.User == nil {
		return ""
	}
	return s.me.User.Email
}
