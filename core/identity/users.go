package identity

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// List returns the users of the organization, by address.
func (a *Accounts) List(ctx context.Context, who core.Principal, cursor string, limit int) (core.Page[core.User], error) {
	if err := core.Authorize(a.Authorizer, who, core.ActionReadUsers, core.ID{}); err != nil {
		return core.Page[core.User]{}, err
	}
	limit, err := core.PageLimit(limit)
	if err != nil {
		return core.Page[core.User]{}, err
	}
	scope, after := append([]byte("users\x00"), who.Org[:]...), []byte(nil)
	if cursor != "" {
		if after, err = core.OpenCursor(scope, cursor); err != nil || checkEmail(string(after)) != nil {
			return core.Page[core.User]{}, core.ErrBadCursor
		}
	}
	users, err := a.Users.Users(ctx, who.Org, string(after), limit+1)
	if err != nil {
		return core.Page[core.User]{}, core.StoreFailed(err)
	}
	return core.Cut(users, limit, func(last *core.User) string { return core.SealCursor(scope, []byte(last.Email)) }), nil
}

// Get returns a user of the organization.
func (a *Accounts) Get(ctx context.Context, who core.Principal, id string) (core.User, error) {
	return a.openUser(ctx, who, id, core.ActionReadUsers)
}

func (a *Accounts) openUser(ctx context.Context, who core.Principal, id string, action core.Action) (core.User, error) {
	if err := core.Authorize(a.Authorizer, who, action, core.ID{}); err != nil {
		return core.User{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.User{}, core.Invalid("id", "%v", err)
	}
	user, err := a.Users.User(ctx, who.Org, wanted)
	return user, core.StoreFailed(err)
}

// Invite makes a user who has yet to choose a password, and returns the link by
// which to do so; it is sent as well, where there is a mailer.
func (a *Accounts) Invite(ctx context.Context, from core.Visitor, who core.Principal, email, name string, role core.Role) (user core.User, link string, err error) {
	if err := core.Authorize(a.Authorizer, who, core.ActionWriteUsers, core.ID{}); err != nil {
		return core.User{}, "", err
	}
	email, name = normalEmail(email), strings.TrimSpace(name)
	if err := checkEmail(email); err != nil {
		return core.User{}, "", err
	}
	if err := core.CheckText("name", name, 0, core.MaxUserNameLength); err != nil {
		return core.User{}, "", err
	}
	if err := core.CheckUserRole(role); err != nil {
		return core.User{}, "", err
	}
	now := a.now.Stamp()
	user = core.User{
		ID: core.RandomID(now), Org: who.Org, Email: email, Name: name, Role: role, State: core.UserInvited, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := a.Users.CreateUser(ctx, user); err != nil {
		return core.User{}, "", core.StoreFailed(err)
	}
	a.Record(ctx, from.Record(who, core.AuditUserInvited, "user", user.ID))
	link, err = a.invitation(ctx, user)
	return user, link, err
}

// invitation makes and sends the link of an invited user.
func (a *Accounts) invitation(ctx context.Context, user core.User) (string, error) {
	text, err := a.ticket(ctx, core.TicketInvite, user.Org, user.ID, core.InviteTicketLife)
	if err != nil {
		return "", err
	}
	link := a.Links + "/setup#invite=" + text
	return link, a.mail(ctx, user.Email, "You are invited to EventFlow", "Open this link within seven days to choose a password:\n\n"+link+"\n")
}

// InviteAgain returns another link for a user who was invited; the one before
// is void.
func (a *Accounts) InviteAgain(ctx context.Context, who core.Principal, id string) (string, error) {
	user, err := a.openUser(ctx, who, id, core.ActionWriteUsers)
	if err != nil {
		return "", err
	}
	if user.State != core.UserInvited {
		return "", core.Errorf(core.CodeConflict, "this user has accepted already")
	}
	return a.invitation(ctx, user)
}

var errYourself = core.Errorf(core.CodeConflict, "nobody changes their own role or state, or removes themselves: ask another admin")

// ChangeUser changes a user. With a revision other than 0, a user that has
// another one by now is a [core.CodePreconditionFailed].
func (a *Accounts) ChangeUser(ctx context.Context, from core.Visitor, who core.Principal, id string, change core.UserChange, expected int64) (core.User, error) {
	user, err := core.Revision[core.User]{
		Noun:   "user",
		Read:   func() (core.User, error) { return a.openUser(ctx, who, id, core.ActionWriteUsers) },
		Number: func(user *core.User) *int64 { return &user.Revision },
		Change: func(user *core.User) error {
			if user.ID == who.User && (change.Role != nil || change.State != nil) {
				return errYourself
			}
			user.UpdatedAt = a.now.Stamp()
			return user.Apply(change)
		},
		Store: func(user core.User) error { return a.Users.UpdateUser(ctx, user) },
	}.Revise(ctx, expected)
	if err != nil {
		return core.User{}, err
	}
	a.people.Drop(user.ID)
	a.Record(ctx, from.Record(who, core.AuditUserChanged, "user", user.ID))
	if user.State != core.UserActive {
		err = a.endAll(ctx, user.ID, core.ID{})
	}
	return user, err
}

// RemoveUser removes a user, with all sessions.
func (a *Accounts) RemoveUser(ctx context.Context, from core.Visitor, who core.Principal, id string) error {
	user, err := a.openUser(ctx, who, id, core.ActionWriteUsers)
	if err != nil {
		return err
	}
	if user.ID == who.User {
		return errYourself
	}
	if err := a.Users.DeleteUser(ctx, who.Org, user.ID); err != nil {
		return core.StoreFailed(err)
	}
	a.people.Drop(user.ID)
	a.live.Clear()
	a.Record(ctx, from.Record(who, core.AuditUserRemoved, "user", user.ID))
	return nil
}

// normalEmail is an address as it is stored and compared: without white space
// around it and in lower case.
func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// checkEmail takes what could be an address; whether it is one, only mail shows.
func checkEmail(email string) error {
	if err := core.CheckText("email", email, 3, core.MaxEmailLength); err != nil {
		return err
	}
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || domain == "" || strings.ContainsAny(email, " \t,;<>()[]\\\"") || strings.Contains(domain, "@") {
		return core.Invalid("email", "must be an address like ann@example.com")
	}
	return nil
}

// NewPerson is what somebody says of themselves who begins to use the product.
type NewPerson struct{ Email, Name, Password string }

// check holds it to the rules.
func (p *NewPerson) check() error {
	p.Email, p.Name = normalEmail(p.Email), strings.TrimSpace(p.Name)
	if err := checkEmail(p.Email); err != nil {
		return err
	}
	if err := core.CheckText("name", p.Name, 0, core.MaxUserNameLength); err != nil {
		return err
	}
	return checkPassword("password", p.Password, p.Email)
}

// CreateUser makes an active user, for those who run the installation: it asks
// nobody's permission.
func (a *Accounts) CreateUser(ctx context.Context, org core.ID, person NewPerson, role core.Role) (core.User, error) {
	if err := person.check(); err != nil {
		return core.User{}, err
	}
	if err := core.CheckUserRole(role); err != nil {
		return core.User{}, err
	}
	hash, err := a.Hasher.Hash(ctx, person.Password)
	if err != nil {
		return core.User{}, core.StoreFailed(err)
	}
	now := a.now.Stamp()
	user := core.User{
		ID: core.RandomID(now), Org: org, Email: person.Email, Name: person.Name, Role: role, State: core.UserActive,
		PasswordHash: hash, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	return user, core.StoreFailed(a.Users.CreateUser(ctx, user))
}
