package identity

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// Invite makes a user who has yet to choose a password. It returns the link by
// which to do so, and sends it as well if there is a mailer.
func (u *Users) Invite(ctx context.Context, who core.Principal, email, name string, role core.Role) (user core.User, link string, err error) {
	if err := core.Authorize(u.authorizer, who, core.ActionWriteUsers, core.ID{}); err != nil {
		return core.User{}, "", err
	}
	email, name = normalEmail(email), strings.TrimSpace(name)
	if err := checkNewEmail(email); err != nil {
		return core.User{}, "", err
	}
	if err := checkPersonName(name); err != nil {
		return core.User{}, "", err
	}
	if err := core.CheckUserRole(role); err != nil {
		return core.User{}, "", err
	}
	now := u.now.Stamp()
	user = core.User{
		ID: core.RandomID(now), Org: who.Org, Email: email, Name: name, Role: role, State: core.UserInvited, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := u.shares.Room(ctx, who.Org, core.ShareUsers); err != nil {
		return core.User{}, "", err
	}
	if err := u.users.CreateUser(ctx, user); err != nil {
		return core.User{}, "", core.StoreFailed(err)
	}
	u.record.Record(ctx, who.Did(core.AuditUserInvited, "user", user.ID))
	link, err = u.invitation(ctx, user)
	return user, link, err
}

// InviteAgain returns another link for a user who was invited. The link before
// it is void.
func (u *Users) InviteAgain(ctx context.Context, who core.Principal, id string) (string, error) {
	user, err := u.find(ctx, who, id, core.ActionWriteUsers)
	if err != nil {
		return "", err
	}
	if user.State != core.UserInvited {
		return "", core.Errorf(core.CodeConflict, "this user has already accepted the invitation")
	}
	link, err := u.invitation(ctx, user)
	if err != nil {
		return "", err
	}
	u.record.Record(ctx, who.Did(core.AuditUserInvited, "user", user.ID))
	return link, nil
}

// invitation makes the link of an invited user, and sends it.
func (u *Users) invitation(ctx context.Context, user core.User) (string, error) {
	text, err := u.tickets.issue(ctx, core.TicketInvite, user.Org, user.ID, core.InviteTicketLife)
	if err != nil {
		return "", err
	}
	return u.post.sendInvitation(ctx, user, text)
}
