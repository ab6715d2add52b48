package ui

import (
	"encoding/json"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// outKey is the name under which the browser keeps when its user has signed out. It is
// there for the other tabs: a browser tells each tab what another one keeps.
const outKey = "eventflow signed out"

// tellTabs tells the other tabs that the user has signed out.
func tellTabs(ctx app.Context) { _ = ctx.LocalStorage().Set(outKey, time.Now()) }

// leftElsewhere reports whether a tab has to let go of what it shows to a user, because
// of what another tab has kept under a key: the user has signed out there, or somebody
// else has signed in. A session that has expired is neither. Its page is kept for when
// the user signs in again.
func leftElsewhere(key, kept string, me rest.Me) bool {
	switch {
	case me.User == nil || kept == "":
		return false
	case key == outKey:
		return true
	case key == meKey:
		var other rest.Me
		return json.Unmarshal([]byte(kept), &other) == nil && other.User != nil && other.User.ID != me.User.ID
	}
	return false
}

// switchedElsewhere reports whether the user has gone on in another organization in
// another tab. The session is one of that organization now, so this tab follows.
func switchedElsewhere(key, kept string, me rest.Me) bool {
	var other rest.Me
	return key == meKey && me.User != nil && json.Unmarshal([]byte(kept), &other) == nil && other.User != nil &&
		other.User.ID != me.User.ID && other.User.Email == me.User.Email
}

// watchTabs ends the session of this tab when another one calls for it.
func (sh *shell) watchTabs(ctx app.Context) (stop func()) {
	return listen(app.Window(), "storage", func(e app.Value) {
		key, kept := textOf(e.Get("key")), textOf(e.Get("newValue"))
		ctx.Dispatch(func(ctx app.Context) {
			switch {
			case switchedElsewhere(key, kept, sh.s.me):
				sh.s.over.Store(true)
				beginAnew()
			case leftElsewhere(key, kept, sh.s.me):
				sh.leave(ctx)
			}
		})
	})
}

// textOf is a text of the browser's, or "" where there is none.
func textOf(value app.Value) string {
	if value == nil || !value.Truthy() {
		return ""
	}
	return value.String()
}

// leave lets go of all that the tab holds of its user. The server is asked nothing: the
// tab where it began has done that.
func (sh *shell) leave(ctx app.Context) {
	s := sh.s
	s.over.Store(true)
	forgetLists(ctx)
	sh.anonymous(ctx, s)
}

// anonymous begins anew with nobody signed in, after a session is over.
func (sh *shell) anonymous(ctx app.Context, s *session) {
	sh.s, sh.palette = newSession(s.origin), false
	sh.s.shell, sh.s.state, sh.s.heard = s.shell, anonymous, s.heard
	ctx.Navigate("/login")
}
