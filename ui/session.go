package ui

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// sessionState is how much the dashboard knows about its user.
type sessionState int

// The states of a session. A session is starting at first. It becomes anonymous or
// signedIn, and from then on changes between signedIn and expired. Signing out ends
// the session: the shell makes another.
const (
	// starting: the dashboard does not know yet whether somebody is signed in.
	starting sessionState = iota
	// anonymous: nobody is signed in.
	anonymous
	// signedIn: me is signed in, as far as the browser remembers or the server said.
	signedIn
	// expired: me was signed in, and signs in again on top of the page.
	expired
)

// session is who uses the dashboard, and the way to the server. It holds the access
// token in memory alone, within the client. The refresh token is a cookie of the
// browser's, which no script can read.
//
// The fields above mu belong to the pages, but for client and over. They are written
// only where the dashboard is drawn: in the handlers of events, and in the functions
// that dispatch runs there one after the other. Requests run beside that, and call
// dispatch with what they found out.
type session struct {
	// client is safe to use from anywhere.
	client *rest.Client
	state  sessionState
	// me is the user. Before met it is what the browser remembers of the last visit,
	// and permissions may have changed since.
	me rest.Me
	// met says that the server has told who the user is. meeting says that it is being
	// asked.
	met, meeting bool
	// over says that the user has signed out. It is set once and stays: from then on
	// no request begins, no answer is shown or kept, and whatever still comes is for
	// nobody. Requests read it wherever they run, so it is atomic.
	over atomic.Bool
	// origin is the address of the server, for commands that users copy.
	origin string
	// rev grows with everything that dispatch has run. Pages are given it, and are
	// drawn anew when it differs.
	rev int
	// shell is the context of the shell, which is mounted as long as the dashboard is.
	// The button, dialog or page that sent a request may be gone when its answer
	// comes.
	shell app.Context
	// offline says that no server answered the last request. heard is when a server
	// answered last.
	offline bool
	heard   time.Time
	// pinging says that the server is being asked whether it is there.
	pinging bool
	// said is the notice about what the user has done last, and sayings counts them.
	said    string
	sayings int
	// waiting are the fetches that were refused because the session had ended.
	waiting []func(app.Context)
	// stranded are the fetches that no server answered. They are made again once one does.
	stranded []func(app.Context)

	// mu guards the fields below. It is held while the server is asked for another
	// access token. So of all the requests whose token has expired one asks, and the
	// others wait for it and share the answer.
	mu sync.Mutex
	// generation counts the access tokens that the client was given. At 0 it has none.
	// A request that was refused compares it with the generation it was sent with, and
	// asks for another token only if there has been none since.
	generation int
	// user is whose tokens they are, or zero before anybody is known. A token of
	// anybody else ends the session: pages must not show one organization what is
	// another's.
	user core.ID
	// refused is why the server gives no further token. It stays until the user has
	// signed in again, and no request asks before that.
	refused error
}

func newSession(origin string) *session {
	return &session{client: rest.NewClient(origin, ""), origin: origin}
}

// dispatch runs f where the dashboard is drawn, after what was dispatched before, and
// draws the page anew. After a sign-out it does nothing.
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
	s.whose(me)
	remember(ctx, me)
}

// may reports whether the user's role permits an action. It only hides what the
// server would refuse: the server decides for itself.
func (s *session) may(action core.Action) bool {
	return action == "" || slices.Contains(s.me.Permissions, action)
}

// writable reports whether an action is permitted and the server can be reached.
func (s *session) writable(action core.Action) bool { return s.may(action) && !s.offline }

// known reports whether the session has a user, who may be remembered only.
func (s *session) known() bool { return s.me.User != nil }

// do runs a request. Where the client has no access token, or the server refuses it,
// do gets another one and runs the request with that, a second time at most.
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

// gotToken notes that the client was given an access token by a sign-in.
func (s *session) gotToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.generation++
	s.refused = nil
}

// refreshTimeout bounds how long one request for a token keeps all others waiting.
const refreshTimeout = 10 * time.Second

// refresh gets the next access token for a request that was sent with the one of a
// generation. It asks nobody where another request has got a token since, or was told
// that there will be none. It asks by a client of its own, so that no request presents
// a token before it is known whose it is: in another tab, the user may have switched
// to another organization, or somebody else may have signed in.
func (s *session) refresh(ctx context.Context, generation int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over.Load() {
		return context.Canceled
	}
	if generation != s.generation || s.refused != nil {
		return s.refused
	}
	limited, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	client := rest.NewClient(s.origin, "")
	signedIn, err := client.Refresh(limited, rest.RefreshRequest{})
	switch {
	case err == nil && !s.user.IsZero() && signedIn.User.ID != s.user:
		s.become(limited, client)
		return context.Canceled
	case err == nil:
		s.client.Present(signedIn.AccessToken)
		s.generation++
	case core.CodeOf(err) == core.CodeUnauthorized:
		s.refused = err
	}
	return err
}

// heardOf notes what the end of a request says about the server and the session. An
// error of the dashboard's own says nothing about either.
func (s *session) heardOf(err error) {
	var answer *rest.Error
	switch {
	case noAnswer(err):
		s.offline = true
	case err == nil || errors.As(err, &answer):
		s.offline, s.heard = false, time.Now()
		for _, again := range s.stranded {
			s.dispatch(again)
		}
		s.stranded = nil
	}
	if core.CodeOf(err) == core.CodeUnauthorized && s.state == signedIn {
		s.state = expired
	}
}

// noticeFor is how long a notice can be read.
const noticeFor = 6 * time.Second

// say shows a notice about what the user has done.
func (s *session) say(text string) {
	s.sayings++
	saying := s.sayings
	s.said = text
	time.AfterFunc(noticeFor, func() {
		s.dispatch(func(app.Context) {
			if s.sayings == saying {
				s.said = ""
			}
		})
	})
}

// resume goes on after the user has signed in again: it fetches what was refused
// meanwhile.
func (s *session) resume(ctx app.Context) {
	waiting := s.waiting
	s.waiting = nil
	for _, fetch := range waiting {
		fetch(ctx)
	}
}

// email is the address of the user, or "".
func (s *session) email() string {
	if s.me.User == nil {
		return ""
	}
	return s.me.User.Email
}
