package identity

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// Users is the life of the people of an organization, from an invitation or a
// set-up link to their removal.
type Users struct {
	users      core.Users
	people     memberships
	authorizer core.Authorizer
	signIns    *SignIns
	tickets    *Tickets
	keys       *Keys
	shares     *eventlog.Shares
	presence   *presence
	post       post
	throttle   Throttle
	record     core.Recorder
	now        core.Clock
}

var errYourself = core.Errorf(core.CodeConflict, "you cannot change your own role or state, or remove yourself: ask another admin")

// List returns the users of the organization, by address.
func (u *Users) List(ctx context.Context, who core.Principal, cursor string, limit int) (core.Page[core.User], error) {
	if err := core.Authorize(u.authorizer, who, core.ActionReadUsers, core.ID{}); err != nil {
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
	users, err := u.users.Users(ctx, who.Org, string(after), limit+1)
	if err != nil {
		return core.Page[core.User]{}, core.StoreFailed(err)
	}
	return core.Cut(users, limit, func(last *core.User) string { return core.SealCursor(scope, []byte(last.Email)) }), nil
}

// Get returns a user of the organization.
func (u *Users) Get(ctx context.Context, who core.Principal, id string) (core.User, error) {
	return u.find(ctx, who, id, core.ActionReadUsers)
}

func (u *Users) find(ctx context.Context, who core.Principal, id string, action core.Action) (core.User, error) {
	return findUser(ctx, u.users, u.authorizer, who, id, action)
}

// findUser returns a user of the organization of who, who must be allowed the
// action.
func findUser(ctx context.Context, users core.Users, authorizer core.Authorizer, who core.Principal, id string, action core.Action) (core.User, error) {
	if err := core.Authorize(authorizer, who, action, core.ID{}); err != nil {
		return core.User{}, err
	}
	wanted, err := core.ParseID(id)
	if err != nil {
		return core.User{}, core.Invalid("id", "%v", err)
	}
	user, err := users.User(ctx, who.Org, wanted)
	return user, core.StoreFailed(err)
}

// Change changes a user. If the user no longer has the expected revision, it
// answers [core.CodePreconditionFailed]; 0 expects none. It returns the keys that the
// user leaves, as [Users.Keys] tells them before, and does with them what fate says.
func (u *Users) Change(
	ctx context.Context, who core.Principal, id string, change core.UserChange, expected int64, fate core.KeyFate,
) (core.User, []core.APIKey, error) {
	if err := checkFate(who, fate); err != nil {
		return core.User{}, nil, err
	}
	user, err := core.Revision[core.User]{
		Noun:   "user",
		Read:   func() (core.User, error) { return u.find(ctx, who, id, core.ActionWriteUsers) },
		Number: func(user *core.User) *int64 { return &user.Revision },
		Change: func(user *core.User) error {
			if user.ID == who.User && (change.Role != nil || change.State != nil) {
				return errYourself
			}
			user.UpdatedAt = u.now.Stamp()
			return user.Apply(change)
		},
		Store: func(user core.User) error { return u.users.UpdateUser(ctx, user) },
	}.Revise(ctx, expected)
	if err != nil {
		return core.User{}, nil, err
	}
	u.presence.forget(user.ID)
	u.record.Record(ctx, who.Did(core.AuditUserChanged, "user", user.ID))
	if user.State != core.UserActive {
		if err := u.presence.signOut(ctx, user); err != nil {
			return user, nil, err
		}
	}
	left, err := u.leave(ctx, who, user, change, fate)
	return user, left, err
}

// Remove removes a user, with all sessions. The keys that the user leaves are returned
// and dealt with as by [Users.Change].
func (u *Users) Remove(ctx context.Context, who core.Principal, id string, fate core.KeyFate) ([]core.APIKey, error) {
	if err := checkFate(who, fate); err != nil {
		return nil, err
	}
	user, err := u.find(ctx, who, id, core.ActionWriteUsers)
	if err != nil {
		return nil, err
	}
	if user.ID == who.User {
		return nil, errYourself
	}
	// The keys come first: who fails here can try again while there is a user.
	left, err := u.keys.leave(ctx, who, user.ID, "", fate)
	if err != nil {
		return nil, err
	}
	if err := u.users.DeleteUser(ctx, who.Org, user.ID); err != nil {
		return nil, core.StoreFailed(err)
	}
	u.presence.forget(user.ID)
	u.record.Record(ctx, who.Did(core.AuditUserRemoved, "user", user.ID))
	if fate == "" || fate == core.KeepKeys {
		return left, nil
	}
	late, err := u.keys.leave(ctx, who, user.ID, "", fate) // made in the meantime
	return append(left, late...), err
}

// Create makes an active user with a password, in the organization of who. Whose the
// user is follows from address and password, as when an invitation is accepted. People
// who use the product are invited instead: nobody should know another's password.
func (u *Users) Create(ctx context.Context, who core.Principal, person NewPerson, role core.Role) (core.User, error) {
	if err := core.Authorize(u.authorizer, who, core.ActionWriteUsers, core.ID{}); err != nil {
		return core.User{}, err
	}
	user, err := u.create(ctx, who.Org, person, role)
	if err != nil {
		return core.User{}, err
	}
	u.record.Record(ctx, who.Did(core.AuditUserCreated, "user", user.ID))
	return user, nil
}

func (u *Users) create(ctx context.Context, org core.ID, person NewPerson, role core.Role) (core.User, error) {
	if err := person.check(); err != nil {
		return core.User{}, err
	}
	if err := core.CheckUserRole(role); err != nil {
		return core.User{}, err
	}
	if err := u.people.checkOwn(ctx, "password", person.Password, org); err != nil {
		return core.User{}, err
	}
	hash, err := u.people.join(ctx, person.Email, person.Password)
	if err != nil {
		return core.User{}, err
	}
	now := u.now.Stamp()
	user := core.User{
		ID: core.RandomID(now), Org: org, Email: person.Email, Name: person.Name, Role: role, State: core.UserActive,
		PasswordHash: hash, Revision: 1, CreatedAt: now, UpdatedAt: now,
	}
	return user, core.StoreFailed(u.users.CreateUser(ctx, user))
}
