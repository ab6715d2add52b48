package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Passwords is how people choose a password: an invited user the first one, and
// everybody another one.
type Passwords struct {
	users    core.Users
	hasher   core.PasswordHasher
	signIns  *SignIns
	tickets  *Tickets
	presence *presence
	post     post
	throttle Throttle
	later    Later
	record   core.Recorder
	now      core.Clock
}

// Change sets another password for a user who is signed in and knows the current
// one. All other sessions end.
func (p *Passwords) Change(ctx context.Context, who core.Principal, current, next string) error {
	if who.User.IsZero() {
		return core.Errorf(core.CodeForbidden, "a key has no password")
	}
	user, err := p.users.User(ctx, who.Org, who.User)
	if err != nil {
		return core.StoreFailed(err)
	}
	if err := checkPassword("new_password", next, user.Email); err != nil {
		return err
	}
	if err := p.signIns.confirm(ctx, who, current); err != nil {
		return err
	}
	if user, err = p.set(ctx, user, next); err != nil {
		return err
	}
	p.record.Record(ctx, who.Did(core.AuditPasswordChanged, "user", user.ID))
	p.post.sendChanged(ctx, user)
	return p.presence.endAll(ctx, user.ID, who.Session)
}

// Forgot sends a link by which a user can choose another password. Neither the
// answer nor the time that it takes tells whether there is such a user: the link
// is made and sent after the answer. A user whose link is lost asks again.
func (p *Passwords) Forgot(ctx context.Context, from core.Visitor, email string) error {
	email = normalEmail(email)
	if err := p.throttle.admit(ctx, "forgot "+email, "forgot from "+core.NetworkOf(from.Address)); err != nil {
		return err
	}
	user, err := userByEmail(ctx, p.users, email)
	if core.IsNotFound(err) || err == nil && user.State != core.UserActive {
		return nil
	}
	if err != nil {
		return core.StoreFailed(err)
	}
	p.later.do(ctx, func(ctx context.Context) error { return p.sendReset(ctx, from, user) })
	return nil
}

func (p *Passwords) sendReset(ctx context.Context, from core.Visitor, user core.User) error {
	text, err := p.tickets.issue(ctx, core.TicketReset, user.Org, user.ID, core.ResetTicketLife)
	if err != nil {
		return err
	}
	p.record.Record(ctx, user.Principal().At(from).Did(core.AuditPasswordForgotten, "user", user.ID))
	return p.post.sendReset(ctx, user, text)
}

// Reset lets a user who has a reset ticket choose another password. All sessions
// end.
func (p *Passwords) Reset(ctx context.Context, from core.Visitor, ticket, password string) error {
	user, err := p.choose(ctx, from, core.TicketReset, ticket, "", password)
	if err != nil {
		return err
	}
	p.record.Record(ctx, user.Principal().At(from).Did(core.AuditPasswordReset, "user", user.ID))
	p.post.sendChanged(ctx, user)
	return p.presence.endAll(ctx, user.ID, core.ID{})
}

// Accept lets an invited user choose a password, and signs the user in.
func (p *Passwords) Accept(ctx context.Context, from core.Visitor, ticket, name, password string) (core.SignIn, error) {
	user, err := p.choose(ctx, from, core.TicketInvite, ticket, name, password)
	if err != nil {
		return core.SignIn{}, err
	}
	return p.signIns.begin(ctx, from, user)
}

// choose sets the password of the user whom a ticket names. An empty name keeps
// the one that the user has. If the password or the name is refused, the ticket
// stays good.
func (p *Passwords) choose(ctx context.Context, from core.Visitor, kind core.TicketKind, ticket, name, password string) (core.User, error) {
	if err := p.throttle.admitTicket(ctx, from); err != nil {
		return core.User{}, err
	}
	if err := checkPassword("password", password, ""); err != nil {
		return core.User{}, err
	}
	if err := checkPersonName(name); err != nil {
		return core.User{}, err
	}
	used, err := p.tickets.redeem(ctx, kind, ticket)
	if err != nil {
		return core.User{}, err
	}
	user, err := p.users.User(ctx, used.Org, used.User)
	if core.IsNotFound(err) || err == nil && user.State == core.UserDisabled {
		return core.User{}, errBadTicket
	}
	if err != nil {
		return core.User{}, core.StoreFailed(err)
	}
	if name != "" {
		user.Name = name
	}
	return p.set(ctx, user, password)
}

// set stores a user with another password, who is active from then on.
func (p *Passwords) set(ctx context.Context, user core.User, password string) (core.User, error) {
	hash, err := p.hasher.Hash(ctx, password)
	if err != nil {
		return core.User{}, core.StoreFailed(err)
	}
	user.PasswordHash, user.State = hash, core.UserActive
	user.Revision++
	user.UpdatedAt = p.now.Stamp()
	err = p.users.UpdateUser(ctx, user)
	p.presence.forget(user.ID) // also after an error: the catalog may have the change
	return user, core.StoreFailed(err)
}
