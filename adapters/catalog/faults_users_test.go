package catalog

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

const (
	asStored      = "must come back as it was stored"
	asNotFound    = "must be refused with NOT_FOUND"
	asConflict    = "must be refused with CONFLICT"
	asTooLate     = "must be refused with PRECONDITION_FAILED"
	asListed      = "these users must be listed"
	userStored    = "user/a user is found as it was stored"
	addressOnce   = "user/an address is taken in its organization and in no other"
	userAbsent    = "user/a user that is not there is not found"
	userPages     = "user/users are listed by address in pages"
	userTouched   = "user/a sign-in is noted and changes nothing else"
	userFenced    = "change of a user/a change of a user needs the revision before it"
	userForeign   = "change of a user/another organization's user is not there"
	personalWord  = "change of a user/a password is that of a person in all organizations"
	userSignedOut = "change of a user/who is signed out has no session, and elsewhere nothing ends"
	userDeleted   = "change of a user/a deleted user is gone"
	rightsGone    = "change of a user/a deleted user's sessions and tickets are gone"
	rightsNever   = "change of a user/a deleted user is given no session and no ticket"
)

// made changes users before they are stored.
func made(change func(*core.User)) func(*faulty) {
	return func(f *faulty) {
		f.createUser = func(ctx context.Context, user core.User) error {
			change(&user)
			return f.Catalog.CreateUser(ctx, user)
		}
	}
}

// altered changes users before they replace others.
func altered(change func(*faulty, *core.User)) func(*faulty) {
	return func(f *faulty) {
		f.updateUser = func(ctx context.Context, user core.User) error {
			change(f, &user)
			return f.Catalog.UpdateUser(ctx, user)
		}
	}
}

// listed changes what is asked of a list and what it shows.
func listed(ask func(after *string, limit *int), show func([]core.User) []core.User) func(*faulty) {
	return func(f *faulty) {
		f.users = func(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error) {
			if ask != nil {
				ask(&after, &limit)
			}
			users, err := f.Catalog.Users(ctx, org, after, limit)
			if show != nil {
				users = show(users)
			}
			return users, err
		}
	}
}

// anyOrganization is the organization that a user is in.
func (f *faulty) anyOrganization(ctx context.Context, id core.ID) core.ID {
	var row userRow
	f.db.WithContext(ctx).Where("id = ?", id.String()).Take(&row)
	org, _ := core.ParseID(row.Org)
	return org
}

var userFaults = []fault{
	{"loses the name", userStored, asStored, made(func(u *core.User) { u.Name = "" })},
	{"keeps half of a password hash", userStored, asStored, made(func(u *core.User) { u.PasswordHash = u.PasswordHash[:len(u.PasswordHash)/2] })},
	{"cuts long names", "user/a user with the most in every field is found", asStored, made(func(u *core.User) { u.Name = u.Name[:min(len(u.Name), 255)] })},
	{"makes everybody active", "user/users of every role and state are kept", asStored, made(func(u *core.User) { u.State = core.UserActive })},
	{"rounds times to seconds", "user/a user's times are in UTC to the microsecond", asStored, made(func(u *core.User) { u.UpdatedAt = u.UpdatedAt.Truncate(time.Second) })},
	{"stores addresses in lower case", "user/every address is an address and nothing else", "unexpected error: CONFLICT", made(func(u *core.User) { u.Email = strings.ToLower(u.Email) })},
	{"takes an address once for all organizations", addressOnce, "unexpected error: CONFLICT", func(f *faulty) {
		f.createUser = func(ctx context.Context, user core.User) error {
			if there, err := f.Catalog.UsersByEmail(ctx, user.Email); err != nil || len(there) > 0 {
				return core.Errorf(core.CodeConflict, "taken")
			}
			return f.Catalog.CreateUser(ctx, user)
		}
	}},
	{"shows the first user of an address alone", "user/users of one address are found in all organizations, oldest first", "all organizations", func(f *faulty) {
		f.usersByEmail = func(ctx context.Context, email string) ([]core.User, error) {
			all, err := f.Catalog.UsersByEmail(ctx, email)
			return all[:min(len(all), 1)], err
		}
	}},
	{"changes everybody's password of an address", personalWord, asStored, func(f *faulty) {
		f.setPassword = func(ctx context.Context, email, _, hash string, at time.Time) error {
			return f.Catalog.SetPassword(ctx, email, "", hash, at)
		}
	}},
	{"changes a password in one organization", personalWord, asStored, func(f *faulty) {
		f.setPassword = func(ctx context.Context, email, _, hash string, at time.Time) error {
			return f.sql(ctx, "update users set password_hash = ?, revision = revision + 1, updated_at = ? where id = (select min(id) from users where email = ?)", hash, micros(at), email)
		}
	}},
	{"gives who was invited a password", personalWord, asStored, func(f *faulty) {
		f.setPassword = func(ctx context.Context, email, from, hash string, at time.Time) error {
			if err := f.Catalog.SetPassword(ctx, email, from, hash, at); err != nil {
				return err
			}
			return f.sql(ctx, "update users set password_hash = ? where email = ? and password_hash = ''", hash, email)
		}
	}},
	{"replaces whichever password there is", "change of a user/a password that was changed meanwhile is not replaced", asTooLate, func(f *faulty) {
		f.setPassword = func(ctx context.Context, email, _, hash string, at time.Time) error {
			return f.Catalog.SetPassword(ctx, email, "", hash, at)
		}
	}},
	{"signs a person out everywhere", userSignedOut, asStored, func(f *faulty) {
		f.signOutUser = func(ctx context.Context, org, id core.ID, at time.Time) error {
			if err := f.Catalog.SignOutUser(ctx, org, id, at); err != nil {
				return err
			}
			return f.sql(ctx, "update sessions set revoked_at = ? where revoked_at is null and user_id in (select id from users where email = (select email from users where id = ?))", micros(at), id.String())
		}
	}},
	{"does not note when it signs out", userSignedOut, asStored, func(f *faulty) {
		f.signOutUser = func(ctx context.Context, org, id core.ID, at time.Time) error {
			if _, err := f.Catalog.User(ctx, org, id); err != nil {
				return nil // there is nobody to sign out
			}
			return f.RevokeSessions(ctx, id, core.ID{}, at)
		}
	}},
	{"stores over the user of an id", "user/a user's id is taken", "must fail", func(f *faulty) {
		f.createUser = func(ctx context.Context, user core.User) error {
			if there, err := f.Catalog.User(ctx, user.Org, user.ID); err == nil {
				user.Revision = there.Revision + 1
				return f.Catalog.UpdateUser(ctx, user)
			}
			return f.Catalog.CreateUser(ctx, user)
		}
	}},
	{"finds addresses in any case", userAbsent, "must return", func(f *faulty) {
		f.usersByEmail = func(ctx context.Context, email string) ([]core.User, error) {
			return list(f.db.WithContext(ctx).Where("email = ? collate nocase", email), userRow.user)
		}
	}},
	{"takes an address for a pattern", userAbsent, "must return", func(f *faulty) {
		f.usersByEmail = func(ctx context.Context, email string) ([]core.User, error) {
			return list(f.db.WithContext(ctx).Where("email like ?", email), userRow.user)
		}
	}},
	{"lists the last user again", userPages, "greater than", listed(func(after *string, _ *int) { *after = strings.TrimSuffix(*after, "x") }, nil)},
	{"lists one user too many", userPages, "at most", listed(func(_ *string, limit *int) { *limit++ }, nil)},
	{"lists regardless of case", userPages, asListed, listed(nil, func(users []core.User) []core.User {
		slices.SortStableFunc(users, func(a, b core.User) int { return strings.Compare(strings.ToLower(a.Email), strings.ToLower(b.Email)) })
		return users
	})},
	{"lists everybody's users", "change of a user/a list shows the organization's own users", asListed, func(f *faulty) {
		f.users = func(ctx context.Context, org core.ID, after string, limit int) ([]core.User, error) {
			var ids []string
			f.db.WithContext(ctx).Model(&userRow{}).Where("email > ?", after).Order("email").Limit(limit).Pluck("org", &ids)
			for _, id := range ids {
				if other, _ := core.ParseID(id); other != org {
					return f.Catalog.Users(ctx, other, after, limit)
				}
			}
			return f.Catalog.Users(ctx, org, after, limit)
		}
	}},
	{"notes no sign-in", userTouched, asStored, func(f *faulty) {
		f.touchUser = func(context.Context, core.ID, core.ID, time.Time) error { return nil }
	}},
	{"takes a sign-in for a change", userTouched, asStored, func(f *faulty) {
		f.touchUser = func(ctx context.Context, org, id core.ID, at time.Time) error {
			return f.sql(ctx, "update users set last_login_at = ?, revision = revision + 1 where id = ? and org = ?", micros(at), id.String(), org.String())
		}
	}},
	{"notes the sign-in of everybody", userTouched, asStored, func(f *faulty) {
		f.touchUser = func(ctx context.Context, org, _ core.ID, at time.Time) error {
			return f.sql(ctx, "update users set last_login_at = ? where org = ?", micros(at), org.String())
		}
	}},
	{"notes the sign-in of a stranger", userForeign, asStored, func(f *faulty) {
		f.touchUser = func(ctx context.Context, _, id core.ID, at time.Time) error {
			return f.Catalog.TouchUser(ctx, f.anyOrganization(ctx, id), id, at)
		}
	}},
	{"forgets a sign-in with a change", "change of a user/no sign-in is lost to a change", asStored, func(f *faulty) {
		f.updateUser = func(ctx context.Context, user core.User) error {
			if err := f.Catalog.UpdateUser(ctx, user); err != nil {
				return err
			}
			return f.sql(ctx, "update users set last_login_at = null where id = ?", user.ID.String())
		}
	}},
	{"forgets a sign-in when who changes the user did not know of it", userTouched, asStored, func(f *faulty) {
		f.updateUser = func(ctx context.Context, user core.User) error {
			if err := f.Catalog.UpdateUser(ctx, user); err != nil {
				return err
			}
			return f.sql(ctx, "update users set last_login_at = ? where id = ?", optionalMicros(user.LastLoginAt), user.ID.String())
		}
	}},
	{"changes no role", "change of a user/a change replaces every field of a user that may change", asStored, altered(func(f *faulty, u *core.User) {
		if there, err := f.Catalog.User(context.Background(), u.Org, u.ID); err == nil {
			u.Role = there.Role
		}
	})},
	{"changes any revision", userFenced, asTooLate, altered(func(f *faulty, u *core.User) {
		if there, err := f.Catalog.User(context.Background(), u.Org, u.ID); err == nil {
			u.Revision = there.Revision + 1
		}
	})},
	{"asks for the address before the revision", userFenced, asTooLate, func(f *faulty) {
		f.updateUser = func(ctx context.Context, user core.User) error {
			if there, err := f.Catalog.UsersByEmail(ctx, user.Email); err == nil && len(there) > 0 && there[0].ID != user.ID {
				return core.Errorf(core.CodeConflict, "taken")
			}
			return f.Catalog.UpdateUser(ctx, user)
		}
	}},
	{"compares the revision before it changes", "change of a user/of many that change one user one does", "one must succeed", func(f *faulty) {
		meet := meeting()
		f.updateUser = func(ctx context.Context, user core.User) error {
			there, err := f.Catalog.User(ctx, user.Org, user.ID)
			if err != nil || there.Revision != user.Revision-1 {
				return errMoved
			}
			meet()
			return f.sql(ctx, "update users set name = ?, revision = ? where id = ?", user.Name, user.Revision, user.ID.String())
		}
	}},
	{"looks for an address before it stores", "change of a user/of many that take one address one does", asConflict, func(f *faulty) {
		meet := meeting()
		f.createUser = func(ctx context.Context, user core.User) error {
			there, err := f.Catalog.UsersByEmail(ctx, user.Email)
			if slices.ContainsFunc(there, func(other core.User) bool { return other.Org == user.Org }) || err != nil {
				return core.Errorf(core.CodeConflict, "taken")
			}
			meet()
			return f.db.WithContext(ctx).Create(new(userRowOf(user))).Error
		}
	}},
	{"takes a taken address for a change meanwhile", "change of a user/a user cannot take the address of another one of the organization", asConflict, func(f *faulty) {
		f.updateUser = func(ctx context.Context, user core.User) error {
			if err := f.Catalog.UpdateUser(ctx, user); core.CodeOf(err) != core.CodeConflict {
				return err
			}
			return errMoved
		}
	}},
	{"tells of strangers that they are there", userForeign, asNotFound, func(f *faulty) {
		f.updateUser = func(ctx context.Context, user core.User) error {
			if !f.anyOrganization(ctx, user.ID).IsZero() && f.anyOrganization(ctx, user.ID) != user.Org {
				return errMoved
			}
			return f.Catalog.UpdateUser(ctx, user)
		}
	}},
	{"finds strangers", userForeign, asNotFound, func(f *faulty) {
		f.user = func(ctx context.Context, _, id core.ID) (core.User, error) {
			return takeUser(f.db.WithContext(ctx).Where("id = ?", id.String()))
		}
	}},
	{"deletes strangers", userForeign, asNotFound, func(f *faulty) {
		f.deleteUser = func(ctx context.Context, _, id core.ID) error {
			return f.Catalog.DeleteUser(ctx, f.anyOrganization(ctx, id), id)
		}
	}},
	{"deletes who is not there", userDeleted, asNotFound, func(f *faulty) {
		f.deleteUser = func(ctx context.Context, org, id core.ID) error {
			if err := f.Catalog.DeleteUser(ctx, org, id); core.CodeOf(err) != core.CodeNotFound {
				return err
			}
			return nil
		}
	}},
	{"disables instead of deleting", userDeleted, asNotFound, func(f *faulty) {
		f.deleteUser = func(ctx context.Context, _, id core.ID) error {
			return f.sql(ctx, "update users set state = 'disabled' where id = ?", id.String())
		}
	}},
	{"never gives an address twice", "change of a user/an address that was given up is free", "unexpected error", func(f *faulty) {
		var taken sync.Map
		f.createUser = func(ctx context.Context, user core.User) error {
			if _, before := taken.LoadOrStore(user.Email, true); before {
				return core.Errorf(core.CodeConflict, "taken before")
			}
			return f.Catalog.CreateUser(ctx, user)
		}
	}},
	{"keeps the sessions of a deleted user", rightsGone, asNotFound, keepsSessions},
	{"keeps the sessions of a deleted user, in a race", "change of a user/who signs in while being deleted is not signed in", asNotFound, keepsSessions},
	{"keeps the tickets of a deleted user", rightsGone, asNotFound, func(f *faulty) {
		f.deleteUser = func(ctx context.Context, org, id core.ID) error {
			if err := f.sql(ctx, "update tickets set user_id = null where user_id = ?", id.String()); err != nil {
				return err
			}
			return f.Catalog.DeleteUser(ctx, org, id)
		}
	}},
	{"signs a deleted user in", rightsNever, "must fail", func(f *faulty) {
		f.createSession = func(ctx context.Context, session core.Session) error {
			_ = f.Catalog.CreateSession(ctx, session)
			return nil
		}
	}},
	{"makes tickets for a deleted user", rightsNever, "must fail", func(f *faulty) {
		f.createTicket = func(ctx context.Context, ticket core.Ticket) error {
			if f.anyOrganization(ctx, ticket.User).IsZero() {
				ticket.User = core.ID{}
			}
			return f.Catalog.CreateTicket(ctx, ticket)
		}
	}},
	{"knows a user by what it read before", "second/each sees at once what the other stores", asStored, func(f *faulty) {
		var known sync.Map
		f.user = func(ctx context.Context, org, id core.ID) (core.User, error) {
			if user, ok := known.Load(id); ok {
				return user.(core.User), nil
			}
			user, err := f.Catalog.User(ctx, org, id)
			known.Store(id, user)
			return user, err
		}
	}},
	{"goes on when its context has ended", "context and close/a call whose context has ended fails without effect", "must fail", func(f *faulty) {
		f.touchUser = func(ctx context.Context, org, id core.ID, at time.Time) error {
			return f.Catalog.TouchUser(context.WithoutCancel(ctx), org, id, at)
		}
	}},
}

// keepsSessions shows sessions whose users are gone.
func keepsSessions(f *faulty) {
	var kept sync.Map
	f.createSession = func(ctx context.Context, session core.Session) error {
		kept.Store(session.ID, session)
		return f.Catalog.CreateSession(ctx, session)
	}
	f.session = func(ctx context.Context, id core.ID) (core.Session, error) {
		if session, ok := kept.Load(id); ok {
			return session.(core.Session), nil
		}
		return f.Catalog.Session(ctx, id)
	}
}
