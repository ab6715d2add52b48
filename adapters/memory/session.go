package memory

import (
	"cmp"
	"context"
	"maps"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownSession(session core.Session) core.Session {
	session.RotatedAt, session.CreatedAt = utc(session.RotatedAt), utc(session.CreatedAt)
	session.ExpiresAt, session.RevokedAt = utc(session.ExpiresAt), utcOrNone(session.RevokedAt)
	return session
}

// CreateSession implements [core.Sessions]. Without its user there is no session:
// one who is deleted meanwhile must not be signed in.
func (c *Catalog) CreateSession(ctx context.Context, session core.Session) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, err := c.userOf(session.Org, session.User); err != nil {
		return err
	}
	return add(c.sessions, session.ID, ownSession(session))
}

// Session implements [core.Sessions].
func (c *Catalog) Session(ctx context.Context, id core.ID) (core.Session, error) {
	if err := c.enter(ctx); err != nil {
		return core.Session{}, err
	}
	defer c.mu.Unlock()
	session, ok := c.sessions[id]
	if !ok {
		return core.Session{}, missing("session")
	}
	return ownSession(session), nil
}

// RotateSession implements [core.Sessions].
func (c *Catalog) RotateSession(ctx context.Context, id core.ID, from int64, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	session, ok := c.sessions[id]
	if !ok || session.Generation != from || session.RevokedAt != nil {
		return errMoved
	}
	session.Generation++
	session.RotatedAt = utc(at)
	c.sessions[id] = session
	return nil
}

// MoveSession implements [core.Sessions].
func (c *Catalog) MoveSession(ctx context.Context, id core.ID, from int64, org, user core.ID, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	session, ok := c.sessions[id]
	if !ok || session.Generation != from || session.RevokedAt != nil {
		return errMoved
	}
	next, err := c.userOf(org, user)
	if err != nil {
		return err
	}
	if next.State != core.UserActive || next.SignedOutAt != nil && !session.CreatedAt.After(*next.SignedOutAt) {
		return missing("user")
	}
	session.Generation++
	session.Org, session.User, session.RotatedAt = org, user, utc(at)
	c.sessions[id] = session
	return nil
}

// revoke ends the sessions in question that have not ended before.
func (c *Catalog) revoke(at time.Time, ends func(core.Session) bool) {
	for id, session := range c.sessions {
		if session.RevokedAt == nil && ends(session) {
			session.RevokedAt = new(utc(at))
			c.sessions[id] = session
		}
	}
}

// RevokeSession implements [core.Sessions].
func (c *Catalog) RevokeSession(ctx context.Context, id core.ID, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	c.revoke(at, func(session core.Session) bool { return session.ID == id })
	return nil
}

// RevokeSessions implements [core.Sessions].
func (c *Catalog) RevokeSessions(ctx context.Context, user, except core.ID, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	c.revoke(at, func(session core.Session) bool { return session.User == user && session.ID != except })
	return nil
}

// LiveSessions implements [core.Sessions].
func (c *Catalog) LiveSessions(ctx context.Context, user core.ID, at time.Time) ([]core.Session, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.sessions, func(session core.Session) bool {
		return session.User == user && session.RevokedAt == nil && session.ExpiresAt.After(at)
	}, func(a, b core.Session) int { return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), byID(a.ID, b.ID)) })
	return page(all, core.MaxPageSize, ownSession), nil
}

// ForgetSessions implements [core.Sessions].
func (c *Catalog) ForgetSessions(ctx context.Context, before time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	maps.DeleteFunc(c.sessions, func(_ core.ID, session core.Session) bool { return session.ExpiresAt.Before(before) })
	maps.DeleteFunc(c.tickets, func(_ core.ID, ticket core.Ticket) bool { return ticket.ExpiresAt.Before(before) })
	return nil
}
