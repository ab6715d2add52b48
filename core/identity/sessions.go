package identity

import (
	"context"
	"slices"

	"github.com/eventflow-go/eventflow/core"
)

var errOwnSessions = core.Errorf(core.CodeConflict, "these are your own sessions: end them in your own list of sessions, with your password")

// Sessions returns the sessions of whoever makes the request, newest first, in
// whichever organization they are used.
func (s *SignIns) Sessions(ctx context.Context, who core.Principal) ([]core.Session, error) {
	if who.User.IsZero() {
		return nil, core.Errorf(core.CodeForbidden, "a key has no sessions")
	}
	own, err := s.own(ctx, who)
	if err != nil {
		return nil, err
	}
	var all []core.Session
	for _, user := range own {
		sessions, err := s.sessions.LiveSessions(everywhere(ctx), user.ID, s.now.Stamp())
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		all = append(all, sessions...)
	}
	slices.SortStableFunc(all, func(a, b core.Session) int { return b.CreatedAt.Compare(a.CreatedAt) })
	return all[:min(len(all), core.MaxPageSize)], nil
}

// own returns the users that are the person who makes the request.
func (s *SignIns) own(ctx context.Context, who core.Principal) ([]core.User, error) {
	user, err := s.users.User(ctx, who.Org, who.User)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	return s.people.of(ctx, user)
}

// End ends one of the sessions of whoever makes the request. A zero session ends
// all but the one that makes the request. It asks for the password: a stranger
// who finds a browser open can end that session and no other.
func (s *SignIns) End(ctx context.Context, who core.Principal, session core.ID, password string) error {
	sessions, err := s.Sessions(ctx, who)
	if err != nil {
		return err
	}
	if err := s.confirm(ctx, who, password); err != nil {
		return err
	}
	if session.IsZero() {
		own, err := s.own(ctx, who)
		if err != nil {
			return err
		}
		if err := s.presence.endAll(ctx, idsOf(own), who.Session); err != nil {
			return err
		}
		s.record.Record(ctx, who.Did(core.AuditSessionEnded, "user", who.User))
		return nil
	}
	if !slices.ContainsFunc(sessions, func(own core.Session) bool { return own.ID == session }) {
		return core.Errorf(core.CodeNotFound, "there is no such session")
	}
	if err := s.presence.end(ctx, session); err != nil {
		return err
	}
	s.record.Record(ctx, who.Did(core.AuditSessionEnded, "session", session))
	return nil
}

// EndAllOf ends all sessions of another user of the organization. Those in which the
// person works for another organization go on there. Users end their own sessions with [SignIns.End], which asks for the password.
func (s *SignIns) EndAllOf(ctx context.Context, who core.Principal, id string) error {
	user, err := findUser(ctx, s.users, s.authorizer, who, id, core.ActionWriteUsers)
	if err != nil {
		return err
	}
	if user.ID == who.User {
		return errOwnSessions
	}
	if err := s.presence.signOut(ctx, user); err != nil {
		return err
	}
	s.record.Record(ctx, who.Did(core.AuditSessionEnded, "user", user.ID))
	return nil
}

// confirm makes a user who is signed in prove it with the password. It counts
// as an attempt to sign in.
func (s *SignIns) confirm(ctx context.Context, who core.Principal, password string) error {
	if err := s.throttle.admit(ctx, "login "+who.Label); err != nil {
		return err
	}
	user, err := s.users.User(ctx, who.Org, who.User)
	if err != nil {
		return core.StoreFailed(err)
	}
	own, err := s.people.whose(ctx, []core.User{user}, password)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return core.Invalid("password", "is not the current password")
	}
	return nil
}
