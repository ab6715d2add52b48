package identity

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// presence knows who is signed in, and ends sessions. It remembers users and
// sessions for a moment, so that a request with an access token seldom asks the
// catalog.
type presence struct {
	catalog  core.Users
	sessions core.Sessions
	orgs     tenants
	now      core.Clock
	// users and live are good for presenceTTL. A change made on another node is
	// seen after that time. A change made on this node is seen at once, because
	// whoever makes it calls forget afterwards: after the catalog has the change,
	// or a request between the two would remember the old state again. The two are
	// dropped together, because a user who changes may lose all sessions.
	users *cache.Cache[core.ID, knownUser]
	live  *cache.Cache[core.ID, core.Session]
}

// knownUser is a user as presence remembers them, with the limit that their
// organization sets for each of its people.
type knownUser struct {
	core.User
	limit core.Limit
}

// presenceTTL is the time for which the state of a user or a session is trusted,
// presenceSize how many of each are kept.
const (
	presenceTTL  = time.Second
	presenceSize = 50_000
)

func newPresence(users core.Users, sessions core.Sessions, organizations core.Organizations, now core.Clock) *presence {
	return &presence{
		catalog: users, sessions: sessions, orgs: newTenants(organizations, now), now: now,
		users: cache.New[core.ID, knownUser](now, presenceTTL, presenceSize),
		live:  cache.New[core.ID, core.Session](now, presenceTTL, presenceSize),
	}
}

// session returns a session that is said to be a user's. If it is another one's as
// far as is remembered, it may have been switched on another node, so the catalog is
// asked.
func (p *presence) session(ctx context.Context, id, user core.ID) (core.Session, error) {
	read := func(core.Session) (core.Session, error) { return p.sessions.Session(ctx, id) }
	session, err := p.live.Get(ctx, id, read, core.IsNotFound)
	if err == nil && session.User != user {
		p.live.Drop(id)
		session, err = p.live.Get(ctx, id, read, core.IsNotFound)
	}
	return session, err
}

func (p *presence) user(ctx context.Context, org, id core.ID) (knownUser, error) {
	return p.users.Get(ctx, id, func(knownUser) (knownUser, error) {
		user, err := p.catalog.User(ctx, org, id)
		if err != nil {
			return knownUser{}, err
		}
		org, err := p.orgs.get(ctx, user.Org)
		return knownUser{user, org.UserRate.Limit()}, err
	}, core.IsNotFound)
}

// forget drops what is remembered of a user who was changed. Nothing says which
// sessions are the user's, so all of them are read again.
func (p *presence) forget(user core.ID) {
	p.users.Drop(user)
	p.live.Clear()
}

// end ends one session, which may be one of another organization by now.
func (p *presence) end(ctx context.Context, session core.ID) error {
	if err := p.sessions.RevokeSession(everywhere(ctx), session, p.now.Stamp()); err != nil {
		return core.StoreFailed(err)
	}
	p.live.Drop(session)
	return nil
}

// endAll ends all sessions of a person's users but one, which may be zero.
func (p *presence) endAll(ctx context.Context, users []core.ID, except core.ID) error {
	for _, user := range users {
		err := p.sessions.RevokeSessions(everywhere(ctx), user, except, p.now.Stamp())
		p.forget(user) // also after an error: the catalog may have ended them
		if err != nil {
			return core.StoreFailed(err)
		}
	}
	return nil
}

// signOut ends all sessions of a user. The sessions that the person has begun as a
// user of other organizations go on, but cannot be switched to this user.
func (p *presence) signOut(ctx context.Context, user core.User) error {
	err := p.catalog.SignOutUser(ctx, user.Org, user.ID, p.now.Stamp())
	p.forget(user.ID) // also after an error: the catalog may have ended them
	return core.StoreFailed(err)
}
