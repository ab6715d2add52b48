package catalogtest

import (
	"context"
	"fmt"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var userChanges = []guarantee{
	{"a change replaces every field of a user that may change", changedUser},
	{"a change of a user needs the revision before it", userRevisions},
	{"a user cannot take the address of another one of the organization", changedToTaken},
	{"an address that was given up is free", addressGivenUp},
	{"a password is that of a person in all organizations", personalPassword},
	{"a password that was changed meanwhile is not replaced", racedPassword},
	{"who is signed out has no session, and elsewhere nothing ends", signedOut},
	{"the last active admin stays", lastAdmin},
	{"of admins who demote each other at once one stays", racingAdmins},
	{"a deleted user is gone", deletedUser},
	{"a deleted user's sessions and tickets are gone", deletedUsersRights},
	{"a deleted user is given no session and no ticket", noRightsForTheDeleted},
	{"another organization's user is not there", foreignUser},
	{"a list shows the organization's own users", ownUsers},
	{"of many that take one address one does", racingAddresses},
	{"of many that change one user one does", racingUserChanges},
	{"no sign-in is lost to a change", signInBesideChanges},
	{"who signs in while being deleted is not signed in", signInBesideDeletion},
}

func racingAddresses(s *suite)   { raceAddresses(s, []core.Catalog{s.catalog}) }
func racingUserChanges(s *suite) { raceUserChanges(s, []core.Catalog{s.catalog}) }

func racingAdmins(s *suite) { raceAdmins(s, []core.Catalog{s.catalog}) }

// createdAdmin stores a new active admin.
func (s *suite) createdAdmin(org core.ID, email string) core.User {
	s.Helper()
	user := newUser(org, email)
	user.Role = core.RoleAdmin
	s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
	return user
}

// losses are the ways in which an organization loses an admin.
func (s *suite) losses(c core.Catalog, admin core.User) map[string]func() error {
	change := func(change func(*core.User)) func() error {
		return func() error {
			changed := admin
			changed.Revision++
			change(&changed)
			return c.UpdateUser(context.Background(), changed)
		}
	}
	return map[string]func() error{
		"demoted":  change(func(user *core.User) { user.Role = core.RoleDeveloper }),
		"disabled": change(func(user *core.User) { user.State = core.UserDisabled }),
		"deleted":  func() error { return c.DeleteUser(context.Background(), admin.Org, admin.ID) },
	}
}

func lastAdmin(s *suite) {
	org, other := s.organization(), s.organization()
	s.createdAdmin(other, "eve@example.com")
	s.createdUser(org, "bob@example.com")
	invited := newUser(org, "inv@example.com")
	invited.Role, invited.State = core.RoleAdmin, core.UserInvited
	s.must(s.catalog.CreateUser(context.Background(), invited), "CreateUser")
	ann := s.createdAdmin(org, "ann@example.com")
	for _, lose := range s.losses(s.catalog, ann) {
		s.refused(lose(), core.CodeConflict, "losing the last active admin")
		s.hasUser(ann)
	}
	stale := ann
	stale.Revision, stale.Role = 7, core.RoleViewer
	s.refused(s.catalog.UpdateUser(context.Background(), stale), core.CodePreconditionFailed, "UpdateUser that does not follow the stored Revision")
	ann = s.updateUser(ann, func(user *core.User) { user.Name, user.PasswordHash = "Anne", "another" })
	s.hasUser(ann)
	for _, way := range []string{"demoted", "disabled", "deleted"} {
		second := s.createdAdmin(org, way+"@example.com")
		s.must(s.losses(s.catalog, second)[way](), "losing one of two admins")
		s.refused(s.losses(s.catalog, ann)[way](), core.CodeConflict, "losing the last active admin")
	}
	s.deleteUser(invited)
	s.hasUser(ann)
}

// raceAdmins has admins lose each other at once, in every way: one of them stays.
func raceAdmins(s *suite, handles []core.Catalog) {
	for _, way := range []string{"demoted", "disabled", "deleted"} {
		org, admins := s.organization(), make([]core.User, callers)
		for i := range admins {
			admins[i] = s.createdAdmin(org, newID(start).String()+"@example.com")
		}
		refused := 0
		for _, err := range race(callers, func(i int) error { return s.losses(handles[i%len(handles)], admins[i])[way]() }) {
			if core.CodeOf(err) == core.CodeConflict {
				refused++
				continue
			}
			s.must(err, "losing an admin beside others")
		}
		s.check(refused == 1, "of %d admins who are %s at once one must stay, %d did", callers, way, refused)
		left := 0
		for _, user := range s.listUsers(org, everything) {
			if user.Administers() {
				left++
			}
		}
		s.check(left == 1, "one admin must be left, there are %d", left)
	}
}

func changedUser(s *suite) {
	org := s.organization()
	untouched := s.createdUser(org, "bob@example.com")
	user := s.updateUser(s.createdUser(org, "ann@example.com"), func(user *core.User) {
		user.Email, user.Name, user.Role, user.State = "anne@example.com", "Anne", core.RoleAdmin, core.UserDisabled
		user.PasswordHash, user.UpdatedAt = "another", start.Add(time.Hour)
	})
	s.hasUser(user)
	s.hasUser(s.updateUser(user, func(user *core.User) { user.Name, user.PasswordHash, user.State = "", "", core.UserInvited }))
	s.hasUser(untouched)
}

func userRevisions(s *suite) {
	org := s.organization()
	user, other := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com")
	for range 3 {
		for _, wrong := range []int64{-1, 0, user.Revision - 1, user.Revision, user.Revision + 2, user.Revision + 100} {
			for _, email := range []string{user.Email, "new@example.com", other.Email} { // the revision is checked before the address
				changed := user
				changed.Revision, changed.Email, changed.Role = wrong, email, core.RoleAdmin
				s.refused(s.catalog.UpdateUser(context.Background(), changed), core.CodePreconditionFailed, "UpdateUser that does not follow the stored Revision")
			}
			s.hasUser(user)
		}
		user = s.updateUser(user, func(user *core.User) { user.Name += "!" })
		s.hasUser(user)
	}
	s.hasUser(other)
}

func changedToTaken(s *suite) {
	one, two := s.organization(), s.organization()
	user := s.createdUser(one, "ann@example.com")
	other, foreign := s.createdUser(one, "bob@example.com"), s.createdUser(two, "eve@example.com")
	changed := user
	changed.Email, changed.Name, changed.Revision = other.Email, "changed", 2
	s.refused(s.catalog.UpdateUser(context.Background(), changed), core.CodeConflict, "UpdateUser to a taken address")
	s.hasUser(user)
	s.hasUser(other)
	s.hasUser(s.updateUser(user, func(user *core.User) { user.Email = foreign.Email }))
	s.hasUser(foreign)
}

func addressGivenUp(s *suite) {
	one := s.organization()
	user := s.updateUser(s.createdUser(one, "ann@example.com"), func(user *core.User) { user.Email = "old@example.com" })
	s.noAddress("ann@example.com")
	second := s.createdUser(one, "ann@example.com")
	s.hasUser(user)
	s.hasUser(second)
	s.deleteUser(second)
	s.hasUser(s.updateUser(user, func(user *core.User) { user.Email = "ann@example.com" }))
}

func (s *suite) deleteUser(user core.User) {
	s.Helper()
	s.must(s.catalog.DeleteUser(context.Background(), user.Org, user.ID), "DeleteUser")
}

// personalPassword changes the password of two users of one address and of nobody
// else: not of those with another address, with another password or with none.
func personalPassword(s *suite) {
	at := start.Add(time.Hour)
	one := s.organization()
	first, second := s.createdUser(one, "ann@example.com"), s.createdUser(s.organization(), "ann@example.com")
	namesake, invited := newUser(s.organization(), "ann@example.com"), newUser(s.organization(), "ann@example.com")
	namesake.PasswordHash, invited.PasswordHash, invited.State = "the password of somebody else", "", core.UserInvited
	for _, user := range []core.User{namesake, invited} {
		s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
	}
	others := []core.User{namesake, invited, s.createdUser(one, "bob@example.com")}
	set := func(from, hash string, whose ...*core.User) {
		s.Helper()
		s.must(s.catalog.SetPassword(context.Background(), "ann@example.com", from, hash, at), "SetPassword")
		for _, user := range whose {
			user.PasswordHash, user.UpdatedAt = hash, at
			user.Revision++
		}
	}
	set(first.PasswordHash, "the next one", &first, &second)
	for _, user := range append(others, first, second) {
		s.hasUser(user)
	}
	set("", "one for all", &first, &second, &others[0])
	for _, user := range append(others, first, second) {
		s.hasUser(user)
	}
}

func racedPassword(s *suite) {
	ann, bob := s.createdUser(s.organization(), "ann@example.com"), s.createdUser(s.organization(), "bob@example.com")
	invited := newUser(s.organization(), "ida@example.com")
	invited.PasswordHash = ""
	s.must(s.catalog.CreateUser(context.Background(), invited), "CreateUser")
	for email, from := range map[string]string{
		"ann@example.com": "the one before", "eve@example.com": ann.PasswordHash, "Ann@example.com": ann.PasswordHash, "%": "", "ida@example.com": "",
	} {
		s.refused(s.catalog.SetPassword(context.Background(), email, from, "another", start), core.CodePreconditionFailed, "SetPassword that replaces none")
	}
	for _, user := range []core.User{ann, bob, invited} {
		s.hasUser(user)
	}
	winner := s.won(race(callers, func(i int) error {
		return s.catalog.SetPassword(context.Background(), ann.Email, ann.PasswordHash, fmt.Sprint("chosen by ", i), start)
	}), core.CodePreconditionFailed, "SetPassword of one password")
	ann.PasswordHash, ann.UpdatedAt, ann.Revision = fmt.Sprint("chosen by ", winner), start, 2
	s.hasUser(ann)
}

func signedOut(s *suite) {
	org, at := s.organization(), start.Add(time.Minute)
	user, other, elsewhere := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com"), s.createdUser(s.organization(), "ann@example.com")
	sessions := []core.Session{s.createdSession(user), s.createdSession(user)}
	sessions[1] = s.end(sessions[1], start.Add(time.Second))
	going := []core.Session{s.createdSession(other), s.createdSession(elsewhere)}
	s.must(s.catalog.SignOutUser(context.Background(), org, user.ID, at), "SignOutUser")
	sessions[0].RevokedAt, user.SignedOutAt = &at, &at
	for _, org := range []core.ID{elsewhere.Org, newID(start), {}} { // nobody there
		s.must(s.catalog.SignOutUser(context.Background(), org, other.ID, at), "SignOutUser of a user that is not there")
	}
	for _, session := range append(sessions, going...) {
		s.hasSession(session)
	}
	for _, user := range []core.User{user, other, elsewhere} {
		s.hasUser(user)
	}
}

func deletedUser(s *suite) {
	org := s.organization()
	kept, user := s.createdUser(org, "bob@example.com"), s.createdUser(org, "ann@example.com")
	s.deleteUser(user)
	for range 2 {
		s.noUserID(org, user.ID)
		s.noAddress(user.Email)
		s.sameUsers(s.listUsers(org, everything), []core.User{kept})
		for _, revision := range []int64{1, 2, 3} {
			changed := user
			changed.Revision = revision
			s.refused(s.catalog.UpdateUser(context.Background(), changed), core.CodeNotFound, "UpdateUser of a deleted user")
		}
		s.must(s.catalog.TouchUser(context.Background(), org, user.ID, start), "TouchUser of a deleted user")
		s.refused(s.catalog.DeleteUser(context.Background(), org, user.ID), core.CodeNotFound, "DeleteUser of a deleted user")
	}
	s.hasUser(kept)
	s.hasUser(s.createdUser(org, user.Email))
}

func deletedUsersRights(s *suite) {
	org := s.organization()
	user, kept := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com")
	sessions := []core.Session{s.createdSession(user), s.createdSession(user)}
	s.must(s.catalog.RevokeSession(context.Background(), sessions[1].ID, start), "RevokeSession")
	tickets := []core.Ticket{s.createdTicket(core.TicketInvite, user), s.createdTicket(core.TicketReset, user)}
	setup := s.createdTicket(core.TicketSetup, core.User{Org: org})
	keptSession, keptTicket := s.createdSession(kept), s.createdTicket(core.TicketReset, kept)
	s.deleteUser(user)
	for _, session := range sessions {
		s.noSession(session.ID)
	}
	for _, ticket := range tickets {
		s.noTicket(ticket, start)
	}
	s.hasSession(keptSession)
	s.uses(keptTicket, start)
	s.uses(setup, start)
}

func noRightsForTheDeleted(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	s.deleteUser(user)
	session := newSession(user)
	s.check(s.catalog.CreateSession(context.Background(), session) != nil, "CreateSession for a deleted user must fail")
	s.noSession(session.ID)
	for _, kind := range []core.TicketKind{core.TicketInvite, core.TicketReset} {
		ticket := newTicket(kind, user)
		s.check(s.catalog.CreateTicket(context.Background(), ticket) != nil, "CreateTicket for a deleted user must fail")
		s.noTicket(ticket, start)
	}
}

func foreignUser(s *suite) {
	one, two := s.organization(), s.organization()
	user, own := s.createdUser(one, "ann@example.com"), s.createdUser(two, "bob@example.com")
	session := s.createdSession(user)
	for _, org := range []core.ID{two, newID(start), {}, user.ID} {
		s.noUserID(org, user.ID)
		for _, revision := range []int64{0, 1, 2, 3} {
			for _, email := range []string{user.Email, own.Email, "new@example.com"} {
				taken := user
				taken.Org, taken.Revision, taken.Email = org, revision, email
				s.refused(s.catalog.UpdateUser(context.Background(), taken), core.CodeNotFound, "UpdateUser of another organization's user")
			}
		}
		s.must(s.catalog.TouchUser(context.Background(), org, user.ID, start.Add(time.Hour)), "TouchUser of another organization's user")
		s.refused(s.catalog.DeleteUser(context.Background(), org, user.ID), core.CodeNotFound, "DeleteUser of another organization's user")
		s.hasUser(user)
	}
	s.hasSession(session)
	s.hasUser(own)
}

func ownUsers(s *suite) {
	one, two, none := s.organization(), s.organization(), s.organization()
	of := map[core.ID][]core.User{}
	for i := range 11 {
		org := []core.ID{one, two}[i%2]
		of[org] = append(of[org], s.createdUser(org, fmt.Sprintf("user%02d@example.com", i)))
	}
	for _, limit := range []int{1, 2, 3, everything} {
		for _, org := range []core.ID{one, two, none, {}, newID(start)} {
			s.sameUsers(s.listUsers(org, limit), of[org])
		}
	}
}

func raceAddresses(s *suite, handles []core.Catalog) {
	orgs := []core.ID{s.organization(), s.organization()}
	email := newID(start).String() + "@example.com"
	made := make([]core.User, callers)
	for i := range made {
		made[i] = newUser(orgs[i%2], email)
	}
	errs := race(callers, func(i int) error {
		return handles[i%len(handles)].CreateUser(context.Background(), made[i])
	})
	for n, org := range orgs {
		var users []core.User
		var of []error
		for i := n; i < callers; i += 2 {
			users, of = append(users, made[i]), append(of, errs[i])
		}
		winner := s.won(of, core.CodeConflict, "CreateUser")
		s.hasUser(users[winner])
		s.sameUsers(s.listUsers(org, everything), users[winner:winner+1])
	}
}

func raceUserChanges(s *suite, handles []core.Catalog) {
	user := s.createdUser(s.organization(), newID(start).String()+"@example.com")
	made := make([]core.User, callers)
	for i := range made {
		made[i] = user
		made[i].Revision, made[i].Name = 2, fmt.Sprint("changed by ", i)
	}
	winner := s.won(race(callers, func(i int) error {
		return handles[i%len(handles)].UpdateUser(context.Background(), made[i])
	}), core.CodePreconditionFailed, "UpdateUser")
	s.hasUser(made[winner])
}

// signInBesideChanges notes a sign-in while others change the user.
func signInBesideChanges(s *suite) {
	const changes = 10
	user := s.createdUser(s.organization(), "ann@example.com")
	at := start.Add(time.Hour)
	for _, err := range race(changes+1, func(i int) error {
		if i == changes/2 {
			return s.catalog.TouchUser(context.Background(), user.Org, user.ID, at)
		}
		for {
			next, err := s.catalog.User(context.Background(), user.Org, user.ID)
			if err != nil {
				return err
			}
			next.Revision++
			if err = s.catalog.UpdateUser(context.Background(), next); core.CodeOf(err) != core.CodePreconditionFailed {
				return err
			}
		}
	}) {
		s.must(err, "UpdateUser or TouchUser beside others")
	}
	user.Revision += changes
	user.LastLoginAt = &at
	s.hasUser(user)
}

// signInBesideDeletion opens sessions and makes tickets while the user is
// deleted: some may come too late and fail, none may be left.
func signInBesideDeletion(s *suite) {
	user := s.createdUser(s.organization(), "ann@example.com")
	made, tickets := make([]core.Session, callers), make([]core.Ticket, callers)
	for i := range made {
		made[i], tickets[i] = newSession(user), newTicket(core.TicketReset, user)
	}
	errs := race(callers, func(i int) error {
		if i == callers/2 {
			return s.catalog.DeleteUser(context.Background(), user.Org, user.ID)
		}
		_ = s.catalog.CreateSession(context.Background(), made[i])
		_ = s.catalog.CreateTicket(context.Background(), tickets[i])
		return nil
	})
	s.must(errs[callers/2], "DeleteUser of a user who signs in")
	for i := range made {
		s.noSession(made[i].ID)
		s.noTicket(tickets[i], start)
	}
}
