package core

import (
	"context"
)

// SessionsOf returns the sessions of whoever makes the request, newest first.
func (a *Accounts) SessionsOf(ctx context.Context, who Principal) ([]Session, error) {
	if who.User.IsZero() {
		return nil, Errorf(CodeForbidden, "a key has no sessions")
	}
	sessions, err := a.Sessions.LiveSessions(ctx, who.User, a.now.Stamp())
	return sessions, StoreFailed(err)
}

// EndSession ends one of the sessions of whoever makes the request and knows the
// password: who has found a browser open ends nobody's sign-in but that one. A
// zero session ends all but the one at hand.
func (a *Accounts) EndSession(ctx context.Context, from Visitor, who Principal, session ID, password string) error {
	sessions, err := a.SessionsOf(ctx, who)
	if err != nil {
		return err
	}
	if err := a.confirm(ctx, who, password); err != nil {
		return err
	}
	if session.IsZero() {
		a.Record(ctx, from.record(who, AuditSessionEnded, "user", who.User))
		return a.endAll(ctx, who.User, who.Session)
	}
	for i := range sessions {
		if sessions[i].ID == session {
			a.Record(ctx, from.record(who, AuditSessionEnded, "session", session))
			return a.end(ctx, session, nil)
		}
	}
	return Errorf(CodeNotFound, "there is no such session")
}

// EndSessionsOf ends all sessions of a user of the organization. Whose own they
// are uses [Accounts.EndSession], which asks for the password.
func (a *Accounts) EndSessionsOf(ctx context.Context, from Visitor, who Principal, id string) error {
	user, err := a.openUser(ctx, who, id, ActionWriteUsers)
	if err != nil {
		return err
	}
	if user.ID == who.User {
		return errOwnSessions
	}
	if err := a.endAll(ctx, user.ID, ID{}); err != nil {
		return err
	}
	a.Record(ctx, from.record(who, AuditSessionEnded, "user", user.ID))
	return nil
}

var errOwnSessions = Errorf(CodeConflict, "these are your own sessions: end them where you see them, with your password")

// confirm holds a user who is signed in to the password.
func (a *Accounts) confirm(ctx context.Context, who Principal, password string) error {
	if err := a.Throttle(ctx, "login "+who.Label); err != nil {
		return err
	}
	user, err := a.Users.User(ctx, who.Org, who.User)
	if err != nil {
		return StoreFailed(err)
	}
	if len(password) > 4*MaxPasswordLength {
		password = ""
	}
	good, err := a.Hasher.Verify(ctx, user.PasswordHash, password)
	if err != nil {
		return StoreFailed(err)
	}
	if !good {
		return Invalid("password", "is not the present one")
	}
	return nil
}
