package core

import (
	"context"
	"slices"
	"strings"
)

// UserChange describes changes to a user; a nil field changes nothing.
type UserChange struct {
	Name  *string    `json:"name,omitempty"`
	Role  *Role      `json:"role,omitempty"`
	State *UserState `json:"state,omitempty"`
}

func checkUserRole(role Role) error {
	if !slices.Contains(UserRoles, role) {
		return Invalid("role", "must be one of %v", UserRoles)
	}
	return nil
}

// List returns the users of the organization, by address.
func (a *Accounts) List(ctx context.Context, who Principal, cursor string, limit int) (Page[User], error) {
	if err := authorize(a.Authorizer, who, ActionReadUsers, ID{}); err != nil {
		return Page[User]{}, err
	}
	limit, err := pageLimit(limit)
	if err != nil {
		return Page[User]{}, err
	}
	scope, after := append([]byte("users\x00"), who.Org[:]...), []byte(nil)
	if cursor != "" {
		if after, err = openCursor(scope, cursor); err != nil || checkEmail(string(after)) != nil {
			return Page[User]{}, errBadCursor
		}
	}
	users, err := a.Users.Users(ctx, who.Org, string(after), limit+1)
	if err != nil {
		return Page[User]{}, StoreFailed(err)
	}
	return cut(users, limit, func(last *User) string { return sealCursor(scope, []byte(last.Email)) }), nil
}

// Get returns a user of the organization.
func (a *Accounts) Get(ctx context.Context, who Principal, id string) (User, error) {
	return a.openUser(ctx, who, id, ActionReadUsers)
}

func (a *Accounts) openUser(ctx context.Context, who Principal, id string, action Action) (User, error) {
	if err := authorize(a.Authorizer, who, action, ID{}); err != nil {
		return User{}, err
	}
	wanted, err := ParseID(id)
	if err != nil {
		return User{}, Invalid("id", "%v", err)
	}
	user, err := a.Users.User(ctx, who.Org, wanted)
	return user, StoreFailed(err)
}

// Invite makes a user who has yet to choose a password, and returns the link by
// which to do so; it is sent as well, where there is a mailer.
func (a *Accounts) Invite(ctx context.Context, from Visitor, who Principal, email, name string, role Role) (user User, link string, err error) {
	if err := authorize(a.Authorizer, who, ActionWriteUsers, ID{}); err != nil {
		return User{}, "", err
	}
	email, name = normalEmail(email), strings.TrimSpace(name)
	if err := checkEmail(email); err != nil {
		return User{}, "", err
	}
	if err := checkText("name", name, 0, MaxUserNameLength); err != nil {
		return User{}, "", err
	}
	if err := checkUserRole(role); err != nil {
		return User{}, "", err
	}
	now := a.now.Stamp()
	user = User{
		ID: newID(now), Org: who.Org, Email: email, Name: name, Role: role, State: UserInvited, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	if err := a.Users.CreateUser(ctx, user); err != nil {
		return User{}, "", StoreFailed(err)
	}
	a.Record(ctx, from.record(who, AuditUserInvited, "user", user.ID))
	link, err = a.invitation(ctx, user)
	return user, link, err
}

// invitation makes and sends the link of an invited user.
func (a *Accounts) invitation(ctx context.Context, user User) (string, error) {
	text, err := a.ticket(ctx, TicketInvite, user.Org, user.ID, InviteTicketLife)
	if err != nil {
		return "", err
	}
	link := a.Links + "/setup#invite=" + text
	return link, a.mail(ctx, user.Email, "You are invited to EventFlow", "Open this link within seven days to choose a password:\n\n"+link+"\n")
}

// InviteAgain returns another link for a user who was invited; the one before
// is void.
func (a *Accounts) InviteAgain(ctx context.Context, who Principal, id string) (string, error) {
	user, err := a.openUser(ctx, who, id, ActionWriteUsers)
	if err != nil {
		return "", err
	}
	if user.State != UserInvited {
		return "", Errorf(CodeConflict, "this user has accepted already")
	}
	return a.invitation(ctx, user)
}

var errYourself = Errorf(CodeConflict, "nobody changes their own role or state, or removes themselves: ask another admin")

// ChangeUser changes a user. With a revision other than 0, a user that has
// another one by now is a [CodePreconditionFailed].
func (a *Accounts) ChangeUser(ctx context.Context, from Visitor, who Principal, id string, change UserChange, expected int64) (User, error) {
	user, err := revision[User]{
		noun:   "user",
		read:   func() (User, error) { return a.openUser(ctx, who, id, ActionWriteUsers) },
		number: func(user *User) *int64 { return &user.Revision },
		change: func(user *User) error {
			if user.ID == who.User && (change.Role != nil || change.State != nil) {
				return errYourself
			}
			user.UpdatedAt = a.now.Stamp()
			return user.apply(change)
		},
		store: func(user User) error { return a.Users.UpdateUser(ctx, user) },
	}.revise(ctx, expected)
	if err != nil {
		return User{}, err
	}
	a.people.drop(user.ID)
	a.Record(ctx, from.record(who, AuditUserChanged, "user", user.ID))
	if user.State != UserActive {
		err = a.endAll(ctx, user.ID, ID{})
	}
	return user, err
}

// apply checks a change and makes it.
func (u *User) apply(change UserChange) error {
	if change.Name != nil {
		u.Name = strings.TrimSpace(*change.Name)
		if err := checkText("name", u.Name, 0, MaxUserNameLength); err != nil {
			return err
		}
	}
	if change.Role != nil {
		if err := checkUserRole(*change.Role); err != nil {
			return err
		}
		u.Role = *change.Role
	}
	if change.State == nil {
		return nil
	}
	switch {
	case *change.State == UserDisabled:
		u.State = UserDisabled
	case *change.State == UserActive && u.PasswordHash == "":
		return Invalid("state", "cannot be active before the user has chosen a password")
	case *change.State == UserActive:
		u.State = UserActive
	default:
		return Invalid("state", "must be active or disabled")
	}
	return nil
}

// RemoveUser removes a user, with all sessions.
func (a *Accounts) RemoveUser(ctx context.Context, from Visitor, who Principal, id string) error {
	user, err := a.openUser(ctx, who, id, ActionWriteUsers)
	if err != nil {
		return err
	}
	if user.ID == who.User {
		return errYourself
	}
	if err := a.Users.DeleteUser(ctx, who.Org, user.ID); err != nil {
		return StoreFailed(err)
	}
	a.people.drop(user.ID)
	a.live.clear()
	a.Record(ctx, from.record(who, AuditUserRemoved, "user", user.ID))
	return nil
}

// RenameOrganization changes the organization's name.
func (a *Accounts) RenameOrganization(ctx context.Context, from Visitor, who Principal, name string) (Organization, error) {
	if err := authorize(a.Authorizer, who, ActionWriteOrganization, ID{}); err != nil {
		return Organization{}, err
	}
	name = strings.TrimSpace(name)
	if err := checkText("name", name, 1, MaxUserNameLength); err != nil {
		return Organization{}, err
	}
	org, err := a.Organizations.Organization(ctx, who.Org)
	if err != nil {
		return Organization{}, StoreFailed(err)
	}
	org.Name = name
	if err := a.Organizations.UpdateOrganization(ctx, org); err != nil {
		return Organization{}, StoreFailed(err)
	}
	a.Record(ctx, from.record(who, AuditOrganizationChanged, "organization", org.ID))
	return org, nil
}
