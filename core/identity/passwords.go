package identity

import (
	"context"
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// Passwords is how people choose a password: an invited user the first one, and
// everybody another one.
type Passwords struct {
	users    core.Users
	hasher   core.PasswordHasher
	signIns  *SignIns
	people   memberships
	tickets  *Tickets
	presence *presence
	post     post
	throttle Throttle
	later    Later
	record   core.Recorder
	now      core.Clock
}

// Change sets another password for a person who is signed in and knows the current
// one, in all of their organizations. All other sessions end.
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
	own, err := p.people.of(ctx, user)
	if err != nil {
		return err
	}
	if err := p.people.checkOwn(ctx, "new_password", next, orgsOf(own)...); err != nil {
		return err
	}
	hash, err := p.people.renew(ctx, user, next)
	if err != nil {
		return err
	}
	if err := p.store(ctx, user, user.PasswordHash, hash); err != nil {
		return err
	}
	return p.changed(ctx, user, hash, change{action: core.AuditPasswordChanged, visitor: who.From, except: who.Session})
}

// store gives a person another password: the users whose hash it replaces or, if that
// is "", all of the address who have one.
func (p *Passwords) store(ctx context.Context, user core.User, from, hash string) error {
	err := p.users.SetPassword(everywhere(ctx), user.Email, from, hash, p.now.Stamp())
	p.presence.forget(user.ID) // also after an error: the catalog may have the change
	return core.StoreFailed(err)
}

// change says what is done beside a new password.
type change struct {
	action  core.AuditAction
	visitor core.Visitor
	// except is a session that goes on, or zero.
	except core.ID
}

// changed does what follows from another password. The person's other sessions end, in
// whichever organization, and their links to another password are void. Each
// organization has it in its trail.
func (p *Passwords) changed(ctx context.Context, user core.User, hash string, c change) error {
	user.PasswordHash = hash
	own, err := p.people.of(ctx, user)
	if err != nil {
		return err
	}
	for _, one := range own {
		p.record.Record(everywhere(ctx), one.Principal().At(c.visitor).Did(c.action, "user", one.ID))
	}
	p.post.sendChanged(ctx, user)
	return errors.Join(p.tickets.voidResets(ctx, own), p.presence.endAll(ctx, idsOf(own), c.except))
}

// Forgot sends a link by which the owner of an address can choose another password.
// Neither the answer nor the time that it takes tells whether there is a user with
// the address: the link is made and sent after the answer. Whoever does not get the
// link asks again.
func (p *Passwords) Forgot(ctx context.Context, from core.Visitor, email string) error {
	email = normalEmail(email)
	if err := p.throttle.admit(ctx, "forgot "+email, "forgot from "+core.NetworkOf(from.Address)); err != nil {
		return err
	}
	users, err := usersByEmail(ctx, p.users, email)
	if err != nil {
		return err
	}
	if able := active(users); len(able) > 0 {
		p.later.do(ctx, func(ctx context.Context) error { return p.sendReset(ctx, from, able) })
	}
	return nil
}

// sendReset sends one link for all users of an address, in the name of the oldest.
func (p *Passwords) sendReset(ctx context.Context, from core.Visitor, users []core.User) error {
	user := users[0]
	text, err := p.tickets.issue(ctx, core.TicketReset, user.Org, user.ID, core.ResetTicketLife)
	if err != nil {
		return err
	}
	for _, one := range users {
		p.record.Record(ctx, one.Principal().At(from).Did(core.AuditPasswordForgotten, "user", one.ID))
	}
	return p.post.sendReset(ctx, user, text)
}

// Reset lets whoever got a reset ticket by mail choose another password. The mail
// proves whose the address is. So the password is that of every user with the address
// from then on, whoever chose the one before, and all their sessions end.
func (p *Passwords) Reset(ctx context.Context, from core.Visitor, ticket, password string) error {
	if err := p.checkChoice(ctx, from, "", password); err != nil {
		return err
	}
	var user core.User
	var hash string
	err := p.tickets.redeem(ctx, core.TicketReset, ticket, func(used core.Ticket) (err error) {
		if user, err = p.holder(ctx, used, core.UserActive); err != nil {
			return err
		}
		all, err := usersByEmail(everywhere(ctx), p.users, user.Email)
		if err != nil {
			return err
		}
		if err := p.people.checkOwn(ctx, "password", password, orgsOf(all)...); err != nil {
			return err
		}
		if hash, err = p.hasher.Hash(ctx, password, ""); err != nil {
			return core.StoreFailed(err)
		}
		return p.store(ctx, user, "", hash)
	})
	if err != nil {
		return err
	}
	return p.changed(ctx, user, hash, change{action: core.AuditPasswordReset, visitor: from})
}

// Accept lets an invited user join with a password, and signs the person in. Where it
// is the password of a person with the same address, the organization becomes one
// more of that person's: see [memberships.join]. As a guess at that password it counts
// as an attempt to sign in.
func (p *Passwords) Accept(ctx context.Context, from core.Visitor, ticket, name, password string) (core.SignIn, error) {
	if err := p.checkChoice(ctx, from, name, password); err != nil {
		return core.SignIn{}, err
	}
	var user core.User
	err := p.tickets.redeem(ctx, core.TicketInvite, ticket, func(used core.Ticket) (err error) {
		user, err = p.join(ctx, used, name, password)
		return err
	})
	if err != nil {
		return core.SignIn{}, err
	}
	own, err := p.people.of(ctx, user)
	if err != nil {
		return core.SignIn{}, err
	}
	return p.signIns.begin(ctx, from, user, own)
}

// join makes an invited user active, with a password. An empty name keeps the one that
// the user has.
func (p *Passwords) join(ctx context.Context, used core.Ticket, name, password string) (core.User, error) {
	user, err := p.holder(ctx, used, core.UserInvited)
	if err != nil {
		return core.User{}, err
	}
	if err := p.throttle.admit(ctx, "login "+user.Email); err != nil {
		return core.User{}, err
	}
	if err := p.people.checkOwn(ctx, "password", password, user.Org); err != nil {
		return core.User{}, err
	}
	if user.PasswordHash, err = p.people.join(ctx, user.Email, password); err != nil {
		return core.User{}, err
	}
	if name != "" {
		user.Name = name
	}
	user.State, user.UpdatedAt = core.UserActive, p.now.Stamp()
	user.Revision++
	err = p.users.UpdateUser(ctx, user)
	p.presence.forget(user.ID) // also after an error: the catalog may have the change
	return user, core.StoreFailed(err)
}

// checkChoice looks at what comes with a ticket before the ticket is used up.
func (p *Passwords) checkChoice(ctx context.Context, from core.Visitor, name, password string) error {
	if err := p.throttle.admitTicket(ctx, from); err != nil {
		return err
	}
	if err := checkPassword("password", password, ""); err != nil {
		return err
	}
	return checkPersonName(name)
}

// holder returns the user whom a ticket is for, who must be in a state.
func (p *Passwords) holder(ctx context.Context, used core.Ticket, state core.UserState) (core.User, error) {
	user, err := p.users.User(ctx, used.Org, used.User)
	if core.IsNotFound(err) || err == nil && user.State != state {
		return core.User{}, errBadTicket
	}
	return user, core.StoreFailed(err)
}
