package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// errNoMembership is also the answer where the person belonged to the organization
// once, or has yet to accept an invitation.
var errNoMembership = core.Errorf(core.CodeNotFound, "there is no such organization among yours")

// Switch rotates a refresh token as [SignIns.Refresh] does, and makes its session one
// of another organization that the person belongs to. It wants the refresh token,
// because it gives one: an access token must not be worth more than its fifteen
// minutes. Access tokens of the organization before are good no longer.
func (s *SignIns) Switch(ctx context.Context, from core.Visitor, token string, organization core.ID) (core.SignIn, error) {
	id, generation, ok := s.parseRefresh(token)
	if !ok {
		return core.SignIn{}, errBadSession
	}
	for {
		session, user, err := s.open(ctx, id)
		if err != nil {
			return core.SignIn{}, err
		}
		if !s.showsLatest(session, generation) {
			return core.SignIn{}, s.reused(ctx, from, session, user)
		}
		own, err := s.people.of(ctx, user)
		if err != nil {
			return core.SignIn{}, err
		}
		next, found := in(active(own), organization)
		if !found || organization.IsZero() {
			return core.SignIn{}, errNoMembership
		}
		signIn, err := s.move(ctx, from, session, next, own)
		if core.CodeOf(err) == core.CodePreconditionFailed && ctx.Err() == nil {
			continue // another tab was faster
		}
		return signIn, err
	}
}

// move makes a session that of another user of the same person.
func (s *SignIns) move(ctx context.Context, from core.Visitor, session core.Session, next core.User, own []core.User) (core.SignIn, error) {
	organizations, err := s.people.list(ctx, own)
	if err != nil {
		return core.SignIn{}, err
	}
	now := s.now.Stamp()
	err = s.sessions.MoveSession(ctx, session.ID, session.Generation, next.Org, next.ID, now)
	s.presence.live.Drop(session.ID) // also after an error: the catalog may have moved it
	if core.IsNotFound(err) {
		return core.SignIn{}, errNoMembership
	}
	if err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	if err := s.users.TouchUser(ctx, next.Org, next.ID, now); err != nil {
		return core.SignIn{}, core.StoreFailed(err)
	}
	next.LastLoginAt = &now
	s.record.Record(ctx, next.Principal().At(from).Did(core.AuditSwitched, "user", next.ID))
	session.Org, session.User = next.Org, next.ID
	signIn, err := s.issue(next, session, session.Generation+1)
	signIn.Organizations = organizations
	return signIn, err
}
