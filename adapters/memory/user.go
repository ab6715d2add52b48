package memory

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

func ownUser(user core.User) core.User {
	user.CreatedAt, user.UpdatedAt = utc(user.CreatedAt), utc(user.UpdatedAt)
	user.LastLoginAt, user.SignedOutAt = utcOrNone(user.LastLoginAt), utcOrNone(user.SignedOutAt)
	return user
}

// userOf returns a user of an organization. It is still the catalog's own.
func (c *Catalog) userOf(org, id core.ID) (core.User, error) {
	user, ok := c.users[id]
	if !ok || user.Org != org {
		return core.User{}, missing("user")
	}
	return user, nil
}

// storeUser stores a user whose address no other one of the organization has.
func (c *Catalog) storeUser(user core.User) error {
	_, taken := find(c.users, func(other core.User) bool {
		return other.Org == user.Org && other.Email == user.Email && other.ID != user.ID
	})
	if taken {
		return core.Errorf(core.CodeConflict, "a user with this address already exists")
	}
	c.users[user.ID] = ownUser(user)
	return nil
}

// CreateUser implements [core.Users].
func (c *Catalog) CreateUser(ctx context.Context, user core.User) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if _, taken := c.users[user.ID]; taken {
		return errTaken
	}
	return c.storeUser(user)
}

// User implements [core.Users].
func (c *Catalog) User(ctx context.Context, org, id core.ID) (core.User, error) {
	if err := c.enter(ctx); err != nil {
		return core.User{}, err
	}
	defer c.mu.Unlock()
	user, err := c.userOf(org, id)
	return ownUser(user), err
}

// UsersByEmail implements [core.Users].
func (c *Catalog) UsersByEmail(ctx context.Context, email string) ([]core.User, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.users, func(user core.User) bool { return user.Email == email },
		func(a, b core.User) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), byID(a.ID, b.ID)) })
	return page(all, len(all), ownUser), nil
}

// Users implements [core.Users].
func (c *Catalog) Users(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.users, func(user core.User) bool { return user.Org == org && user.Email > after },
		func(a, b core.User) int { return strings.Compare(a.Email, b.Email) })
	return page(all, limit, ownUser), nil
}

// UpdateUser implements [core.Users].
func (c *Catalog) UpdateUser(ctx context.Context, user core.User) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, err := c.userOf(user.Org, user.ID)
	if err != nil {
		return err
	}
	if stored.Revision != user.Revision-1 {
		return errMoved
	}
	if !user.Administers() {
		if err := c.keepAdmin(stored); err != nil {
			return err
		}
	}
	user.CreatedAt, user.LastLoginAt, user.SignedOutAt = stored.CreatedAt, stored.LastLoginAt, stored.SignedOutAt
	return c.storeUser(user)
}

// SetPassword implements [core.Users].
func (c *Catalog) SetPassword(ctx context.Context, email, from, hash string, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	none := true
	for id, user := range c.users {
		if user.Email != email || user.PasswordHash == "" || from != "" && user.PasswordHash != from {
			continue
		}
		user.PasswordHash, user.UpdatedAt = hash, utc(at)
		user.Revision++
		c.users[id], none = user, false
	}
	if none {
		return errMoved
	}
	return nil
}

// keepAdmin refuses to lose an admin who is the last one.
func (c *Catalog) keepAdmin(lost core.User) error {
	if !lost.Administers() {
		return nil
	}
	_, other := find(c.users, func(user core.User) bool { return user.Org == lost.Org && user.ID != lost.ID && user.Administers() })
	if !other {
		return core.ErrLastAdmin
	}
	return nil
}

// DeleteUser implements [core.Users].
func (c *Catalog) DeleteUser(ctx context.Context, org, id core.ID) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	user, err := c.userOf(org, id)
	if err != nil {
		return err
	}
	if err := c.keepAdmin(user); err != nil {
		return err
	}
	delete(c.users, id)
	maps.DeleteFunc(c.sessions, func(_ core.ID, session core.Session) bool { return session.User == id })
	maps.DeleteFunc(c.tickets, func(_ core.ID, ticket core.Ticket) bool { return ticket.User == id })
	return nil
}

// TouchUser implements [core.Users].
func (c *Catalog) TouchUser(ctx context.Context, org, id core.ID, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	if user, err := c.userOf(org, id); err == nil {
		user.LastLoginAt = new(utc(at))
		c.users[id] = user
	}
	return nil
}

// SignOutUser implements [core.Users].
func (c *Catalog) SignOutUser(ctx context.Context, org, id core.ID, at time.Time) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	user, err := c.userOf(org, id)
	if err != nil {
		return nil // there is nobody to sign out
	}
	user.SignedOutAt = new(utc(at))
	c.users[id] = user
	c.revoke(at, func(session core.Session) bool { return session.User == id })
	return nil
}
