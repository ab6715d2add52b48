package catalogtest

import (
	"cmp"
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var users = []guarantee{
	{"a user is found as it was stored", storedUser},
	{"a user with the least in every field is found", leastUser},
	{"a user with the most in every field is found", mostUser},
	{"users of every role and state are kept", userKinds},
	{"a user's times are in UTC to the microsecond", userTimes},
	{"an address is taken in its organization and in no other", takenAddress},
	{"users of one address are found in all organizations, oldest first", sharedAddress},
	{"a user's id is taken", takenUserID},
	{"a user that is not there is not found", noUser},
	{"every address is an address and nothing else", oddAddresses},
	{"every name of a user is a name and nothing else", oddUserNames},
	{"users are listed by address in pages", listedUsers},
	{"a sign-in is noted and changes nothing else", touchedUser},
}

// newUser makes up a user with something in every field.
func newUser(org core.ID, email string) core.User {
	return core.User{
		ID: newID(start), Org: org, Email: email, Name: "Ann O'Neil \U0001f389", Role: core.RoleDeveloper, State: core.UserActive,
		PasswordHash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA", Revision: 1,
		CreatedAt: start, UpdatedAt: start.Add(time.Microsecond), LastLoginAt: new(start.Add(time.Second)),
		SignedOutAt: new(start.Add(-time.Hour)),
	}
}

// createdUser stores a new user.
func (s *suite) createdUser(org core.ID, email string) core.User {
	s.Helper()
	user := newUser(org, email)
	s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
	return user
}

// updateUser replaces a user by what change makes of its next revision, and
// returns that.
func (s *suite) updateUser(user core.User, change func(*core.User)) core.User {
	s.Helper()
	user.Revision++
	change(&user)
	s.must(s.catalog.UpdateUser(context.Background(), user), "UpdateUser")
	return user
}

func (s *suite) sameUser(got, want core.User) {
	s.Helper()
	s.check(reflect.DeepEqual(got, want), "the user must come back as it was stored, times in UTC to the microsecond:\nwant %s\ngot  %s", show(want), show(got))
}

// hasUser checks that a user is found as it was stored.
func (s *suite) hasUser(want core.User) {
	s.Helper()
	byID, err := s.catalog.User(context.Background(), want.Org, want.ID)
	s.must(err, "User")
	s.sameUser(byID, want)
	byEmail := s.usersOf(want.Email)
	i := slices.IndexFunc(byEmail, func(user core.User) bool { return user.ID == want.ID })
	s.check(i >= 0, "UsersByEmail must return every user with the address %q, got %q", want.Email, addresses(byEmail))
	s.sameUser(byEmail[i], want)
}

// usersOf returns the users with an address.
func (s *suite) usersOf(email string) []core.User {
	s.Helper()
	all, err := s.catalog.UsersByEmail(context.Background(), email)
	s.must(err, "UsersByEmail")
	for _, user := range all {
		s.check(user.Email == email, "UsersByEmail of %q must return no user with another address, got %q", email, user.Email)
	}
	return all
}

// noUserID checks that an organization has no user of an id.
func (s *suite) noUserID(org, id core.ID) {
	s.Helper()
	_, err := s.catalog.User(context.Background(), org, id)
	s.refused(err, core.CodeNotFound, "User of a user that is not there")
}

// noAddress checks that no user has an address.
func (s *suite) noAddress(email string) {
	s.Helper()
	all := s.usersOf(email)
	s.check(len(all) == 0, "UsersByEmail of an address that no user has must return none, got %q", addresses(all))
}

// listUsers returns the users of an organization in pages of limit.
func (s *suite) listUsers(org core.ID, limit int) []core.User {
	s.Helper()
	var all []core.User
	for after := ""; ; after = all[len(all)-1].Email {
		page, err := s.catalog.Users(context.Background(), org, after, limit)
		s.must(err, "Users")
		s.check(len(page) <= limit, "Users must return at most %d users, got %d", limit, len(page))
		s.check(len(page) == 0 || page[0].Email > after, "Users must return addresses greater than %q, got %q", after, addresses(page))
		all = append(all, page...)
		if len(page) < limit {
			return all
		}
	}
}

func (s *suite) sameUsers(got, want []core.User) {
	s.Helper()
	s.check(slices.Equal(addresses(got), addresses(want)), "these users must be listed, in this order:\nwant %q\ngot  %q", addresses(want), addresses(got))
	for i := range want {
		s.sameUser(got[i], want[i])
	}
}

func addresses(users []core.User) []string {
	list := make([]string, len(users))
	for i := range users {
		list[i] = users[i].Email
	}
	return list
}

func byAddress(a, b core.User) int { return strings.Compare(a.Email, b.Email) }

func storedUser(s *suite) {
	org := s.organization()
	first, second := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com")
	s.hasUser(first)
	s.hasUser(second)
}

func leastUser(s *suite) {
	user := core.User{ID: newID(start), Org: s.organization(), Email: "a@b", Role: core.RoleViewer, State: core.UserInvited, Revision: 1, CreatedAt: start, UpdatedAt: start}
	s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
	s.hasUser(user)
}

func mostUser(s *suite) {
	user := newUser(s.organization(), strings.Repeat("\U0001f389", core.MaxEmailLength))
	user.Name, user.PasswordHash = strings.Repeat("\u754c", core.MaxUserNameLength), strings.Repeat("x", 1000)
	user.Revision = math.MaxInt64 - 1
	s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
	s.hasUser(user)
	s.hasUser(s.updateUser(user, func(user *core.User) { user.Name = "" }))
}

func userKinds(s *suite) {
	org := s.organization()
	var made []core.User
	for _, role := range core.UserRoles {
		for _, state := range []core.UserState{core.UserInvited, core.UserActive, core.UserDisabled} {
			user := newUser(org, string(role)+string(state)+"@example.com")
			user.Role, user.State = role, state
			s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
			made = append(made, user)
		}
	}
	for _, user := range made {
		s.hasUser(user)
	}
}

func userTimes(s *suite) {
	elsewhere := time.FixedZone("elsewhere", -7*3600)
	want := newUser(s.organization(), "ann@example.com")
	given := want
	given.CreatedAt, given.UpdatedAt = want.CreatedAt.Add(500).In(elsewhere), want.UpdatedAt.Add(999).In(elsewhere)
	given.LastLoginAt = new(want.LastLoginAt.Add(1).In(elsewhere))
	s.must(s.catalog.CreateUser(context.Background(), given), "CreateUser")
	s.hasUser(want)
	given.Revision, given.UpdatedAt = 2, start.Add(time.Hour+501).In(elsewhere)
	s.must(s.catalog.UpdateUser(context.Background(), given), "UpdateUser")
	s.must(s.catalog.TouchUser(context.Background(), want.Org, want.ID, start.Add(time.Minute+999).In(elsewhere)), "TouchUser")
	want.Revision, want.UpdatedAt, want.LastLoginAt = 2, start.Add(time.Hour), new(start.Add(time.Minute))
	s.hasUser(want)
}

func takenAddress(s *suite) {
	one, two := s.organization(), s.organization()
	first := s.createdUser(one, "ann@example.com")
	second := s.createdUser(two, "ann@example.com")
	for _, org := range []core.ID{one, two, one} {
		s.refused(s.catalog.CreateUser(context.Background(), newUser(org, "ann@example.com")), core.CodeConflict, "CreateUser with a taken address")
		s.hasUser(first)
		s.hasUser(second)
	}
	s.sameUsers(s.listUsers(one, everything), []core.User{first})
	s.sameUsers(s.listUsers(two, everything), []core.User{second})
	s.hasUser(s.createdUser(two, "anne@example.com"))
	s.deleteUser(first)
	s.hasUser(second)
	s.hasUser(s.createdUser(one, "ann@example.com"))
}

func sharedAddress(s *suite) {
	var want []core.User
	for _, minutes := range []int{5, 2, 9, 2} {
		user := newUser(s.organization(), "ann@example.com")
		user.CreatedAt = start.Add(time.Duration(minutes) * time.Minute)
		s.must(s.catalog.CreateUser(context.Background(), user), "CreateUser")
		want = append(want, user)
		s.createdUser(user.Org, "bob@example.com")
	}
	slices.SortFunc(want, func(a, b core.User) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), slices.Compare(a.ID[:], b.ID[:]))
	})
	got := s.usersOf("ann@example.com")
	s.check(len(got) == len(want), "UsersByEmail must return the users of all organizations, want %d, got %d", len(want), len(got))
	for i := range want {
		s.sameUser(got[i], want[i])
	}
}

func takenUserID(s *suite) {
	first := s.createdUser(s.organization(), "ann@example.com")
	for _, org := range []core.ID{first.Org, s.organization()} {
		second := newUser(org, "bob@example.com")
		second.ID = first.ID
		s.check(s.catalog.CreateUser(context.Background(), second) != nil, "CreateUser with the id of another user must fail")
		s.hasUser(first)
		s.noAddress("bob@example.com")
	}
}

func noUser(s *suite) {
	org := s.organization()
	s.noUserID(org, newID(start))
	s.noAddress("ann@example.com")
	user := s.createdUser(org, "ann@example.com")
	s.noUserID(org, newID(start))
	s.noUserID(org, core.ID{})
	s.noUserID(core.ID{}, user.ID)
	for _, email := range []string{
		"", "ann", "ann@example.co", "ann@example.com ", " ann@example.com", "Ann@example.com", "ann@example_com", "%", "%ann%", "ann@%",
		"' or '1'='1", "ann@example.com' --", user.ID.String(), user.Name,
	} {
		s.noAddress(email)
	}
	unknown := newUser(org, "bob@example.com")
	unknown.Revision = 2
	s.refused(s.catalog.UpdateUser(context.Background(), unknown), core.CodeNotFound, "UpdateUser of a user that is not there")
	for _, id := range []core.ID{unknown.ID, {}, org} {
		s.refused(s.catalog.DeleteUser(context.Background(), org, id), core.CodeNotFound, "DeleteUser of a user that is not there")
		s.must(s.catalog.TouchUser(context.Background(), org, id, start), "TouchUser of a user that is not there")
	}
	s.noAddress("bob@example.com")
	s.hasUser(user)
}

func oddAddresses(s *suite) {
	org := s.organization()
	want := map[string]core.User{}
	for _, email := range oddNames {
		s.noAddress(email)
		want[email] = s.createdUser(org, email)
	}
	for _, email := range oddNames {
		s.hasUser(want[email])
		s.refused(s.catalog.CreateUser(context.Background(), newUser(org, email)), core.CodeConflict, "CreateUser with a taken address")
	}
}

func oddUserNames(s *suite) {
	org := s.organization()
	user := s.createdUser(org, "ann@example.com")
	other := s.createdUser(org, "bob@example.com")
	for _, name := range oddNames {
		user = s.updateUser(user, func(user *core.User) { user.Name, user.PasswordHash = name, name })
		s.hasUser(user)
	}
	s.hasUser(s.updateUser(other, func(other *core.User) { other.Name = user.Name })) // a name is nobody's own
	s.hasUser(user)
}

func listedUsers(s *suite) {
	org := s.organization()
	s.sameUsers(s.listUsers(org, 1), nil)
	want := make([]core.User, 0, len(oddNames))
	for _, email := range oddNames {
		want = append(want, s.createdUser(org, email))
	}
	slices.SortFunc(want, byAddress)
	for _, limit := range []int{1, 2, 7, len(want) - 1, len(want), len(want) + 1} {
		s.sameUsers(s.listUsers(org, limit), want)
	}
	for _, after := range []string{"", "A", "a", "a\x01", "b", "\u754c", "\U0010ffff!"} {
		page, err := s.catalog.Users(context.Background(), org, after, everything)
		s.must(err, "Users")
		s.sameUsers(page, slices.DeleteFunc(slices.Clone(want), func(user core.User) bool { return user.Email <= after }))
	}
}

func touchedUser(s *suite) {
	org := s.organization()
	user, other := s.createdUser(org, "ann@example.com"), s.createdUser(org, "bob@example.com")
	for _, at := range []time.Time{start.Add(time.Hour), start.Add(2 * time.Hour)} {
		s.must(s.catalog.TouchUser(context.Background(), org, user.ID, at), "TouchUser")
		user.LastLoginAt = &at
		s.hasUser(user)
		s.hasUser(other)
	}
	stale := user
	stale.LastLoginAt, stale.SignedOutAt, stale.CreatedAt = nil, nil, start.Add(time.Hour) // as they were read before the sign-in
	stale = s.updateUser(stale, func(stale *core.User) { stale.Name = "Anne" })
	user.Name, user.Revision = stale.Name, stale.Revision
	s.hasUser(user)
}
