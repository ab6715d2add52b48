package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// SessionsOf returns the sessions of whoever makes the request, newest first.
func (a *Accounts) SessionsOf(ctx context.Context, who core.Principal) ([]core.Session, error) {
	if who.User.IsZero() {
		return nil, core.Errorf(core.CodeForbidden, "a key has no sessions")
	}
	sessions, err := a.Sessions.LiveSessions(ctx, who.User, a.now.Stamp())
	return sessions, core.StoreFailed(err)
}

// EndSession ends one of the sessions of whoever makes the request and knows the
// password: who has found a browser open ends nobody's sign-in but that one. A
// zero session ends all but the one at hand.
func (a *Accounts) EndSession(ctx context.Context, from core.Visitor, who core.Principal, session core.ID, password string) error {
	sessions, err := a.SessionsOf(ctx, who)
	if err != nil {
		return err
	}
	if err := a.confirm(ctx, who, password); err != nil {
		return err
	}
	if session.IsZero() {
		a.Record(ctx, from.Record(who, core.AuditSessionEnded, "user", who.User))
		return a.endAll(ctx, who.User, who.Session)
	}
	for i := range sessions {
		if sessions[i].ID == session {
			a.Record(ctx, from.Record(who, core.AuditSessionEnded, "session", session))
			return a.end(ctx, session, nil)
		}
	}
	return core.Errorf(core.CodeNotFound, "there is no such session")
}

// EndSessionsOf ends all sessions of a user of the organization. Whose own they
// are uses [Accounts.EndSession], which asks for the password.
func (a *Accounts) EndSessionsOf(ctx context.Context, from core.Visitor, who core.Principal, id string) error {
	user, err := a.openUser(ctx, who, id, core.ActionWriteUsers)
	if err != nil {
		return err
	}
	if user.ID == who.User {
		return errOwnSessions
	}
	if err := a.endAll(ctx, user.ID, core.ID{}); err != nil {
		return err
	}
	a.Record(ctx, from.Record(who, core.AuditSessionEnded, "user", user.ID))
	return nil
}

var errOwnSessions = core.Errorf(core.CodeConflict, "these are your own sessions: end them where you see them, with your password")

// confirm holds a user who is signed in to the password.
func (a *Accounts) confirm(ctx context.Context, who core.Principal, password string) error {
	if err := a.Throttle(ctx, "login "+who.Label); err != nil {
		return err
	}
	user, err := a.Users.User(ctx, who.Org, who.User)
	if err != nil {
		return core.StoreFailed(err)
	}
	if len(password) > 4*core.MaxPasswordLength {
		password = ""
	}
	good, err := a.Hasher.Verify(ctx, user.PasswordHash, password)
	if err != nil {
		return core.StoreFailed(err)
	}
	if !good {
		return core.Invalid("password", "is not the present one")
	}
	return nil
}
