package identity

import (
	"context"
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// ErrSetUp says that an organization has users, so that there is nothing to set
// up.
var ErrSetUp = errors.New("the organization already has users")

// SetupLink makes the link that makes the first admin of the organization that
// who belongs to. Once the organization has users, it answers [ErrSetUp].
func (t *Tickets) SetupLink(ctx context.Context, who core.Principal) (string, error) {
	if err := core.Authorize(t.authorizer, who, core.ActionWriteUsers, core.ID{}); err != nil {
		return "", err
	}
	return t.setupLink(ctx, who, who.Org)
}

// setupLink makes the link for any organization, and asks nobody's permission.
func (t *Tickets) setupLink(ctx context.Context, who core.Principal, org core.ID) (string, error) {
	users, err := t.users.Users(ctx, org, "", 1)
	if err != nil {
		return "", core.StoreFailed(err)
	}
	if len(users) > 0 {
		return "", ErrSetUp
	}
	text, err := t.issue(ctx, core.TicketSetup, org, core.ID{}, core.SetupTicketLife)
	if err != nil {
		return "", err
	}
	t.record.Record(ctx, who.Did(core.AuditSetupLinkCreated, "organization", org))
	return t.post.setupLink(text), nil
}

// CheckTicket tells whether the ticket of a link can still be used, and does not use
// it. A page asks when its link is opened, so that nobody fills a form for nothing.
func (u *Users) CheckTicket(ctx context.Context, from core.Visitor, kind core.TicketKind, ticket string) error {
	switch kind {
	case core.TicketSetup, core.TicketInvite, core.TicketReset:
	default:
		return core.Invalid("kind", "must be setup, invite or reset")
	}
	if err := u.throttle.admitTicket(ctx, from); err != nil {
		return err
	}
	found, err := u.tickets.peek(ctx, kind, ticket)
	if err != nil || kind != core.TicketSetup {
		return err
	}
	return u.stillEmpty(ctx, found.Org)
}

// stillEmpty refuses the ticket of a set-up when the organization has users by now.
func (u *Users) stillEmpty(ctx context.Context, org core.ID) error {
	users, err := u.users.Users(ctx, org, "", 1)
	if err != nil {
		return core.StoreFailed(err)
	}
	if len(users) > 0 {
		return errBadTicket
	}
	return nil
}

// Setup makes the first admin of an organization by the ticket of a set-up link,
// and signs the admin in. If the person is refused, the ticket stays good. Whoever has
// the address and the password already gets one more organization, as by
// [Passwords.Accept].
func (u *Users) Setup(ctx context.Context, from core.Visitor, ticket string, person NewPerson) (core.SignIn, error) {
	if err := u.throttle.admitTicket(ctx, from); err != nil {
		return core.SignIn{}, err
	}
	if err := person.check(); err != nil {
		return core.SignIn{}, err
	}
	if err := u.throttle.admit(ctx, "login "+person.Email); err != nil {
		return core.SignIn{}, err
	}
	var user core.User
	err := u.tickets.redeem(ctx, core.TicketSetup, ticket, func(used core.Ticket) (err error) {
		if err := u.stillEmpty(ctx, used.Org); err != nil {
			return err
		}
		user, err = u.create(ctx, used.Org, person, core.RoleAdmin)
		return err
	})
	if err != nil {
		return core.SignIn{}, err
	}
	u.record.Record(ctx, user.Principal().At(from).Did(core.AuditUserCreated, "user", user.ID))
	own, err := u.people.of(ctx, user)
	if err != nil {
		return core.SignIn{}, err
	}
	return u.signIns.begin(ctx, from, user, own)
}
