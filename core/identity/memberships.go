package identity

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// memberships finds the users that are one person: those of one address and one
// password. It is asked in requests of one organization, too. What it then finds of
// others is for the person alone, and is told to nobody else.
type memberships struct {
	users  core.Users
	hasher core.PasswordHasher
	orgs   tenants
}

// everywhere returns a context for work on all that is a person's, whichever
// organization the request belongs to.
func everywhere(ctx context.Context) context.Context {
	return core.ContextWithOrganization(ctx, core.ID{})
}

// joined reports whether a user has accepted the invitation. Until then the user is
// nobody's, whatever the address says.
func joined(user core.User) bool { return user.PasswordHash != "" }

// of returns the users that are the same person as one of them, oldest first.
func (m memberships) of(ctx context.Context, user core.User) ([]core.User, error) {
	all, err := usersByEmail(everywhere(ctx), m.users, user.Email)
	return slices.DeleteFunc(all, func(other core.User) bool { return !joined(other) || other.PasswordHash != user.PasswordHash }), err
}

// whose returns those of the users of an address whose password it is. It costs one
// hash, however many users there are and whichever of them it is.
func (m memberships) whose(ctx context.Context, users []core.User, password string) ([]core.User, error) {
	if len(password) > 4*core.MaxPasswordLength { // more bytes than any password has
		password = ""
	}
	hashes := make([]string, len(users))
	for i, user := range users {
		hashes[i] = user.PasswordHash
	}
	matches, err := m.hasher.Match(ctx, hashes, password)
	if err != nil {
		return nil, core.StoreFailed(err)
	}
	var own []core.User
	for i, user := range users {
		if i < len(matches) && matches[i] {
			own = append(own, user)
		}
	}
	return own, nil
}

// join returns the hash for a user who joins an organization with a password. Where
// the password is that of a person with the address, the user becomes one more of
// that person's; otherwise the user is somebody else. Neither the answer nor the time
// tells which. So whoever hands out the link, or uses it, learns nothing of other
// organizations and gets no power over an account there.
func (m memberships) join(ctx context.Context, email, password string) (hash string, err error) {
	users, err := usersByEmail(everywhere(ctx), m.users, email)
	if err != nil {
		return "", err
	}
	users = slices.DeleteFunc(users, func(user core.User) bool { return !joined(user) })
	own, err := m.whose(ctx, users, password)
	if err != nil {
		return "", err
	}
	if len(own) > 0 {
		return own[0].PasswordHash, nil
	}
	like := ""
	if len(users) > 0 {
		like = users[0].PasswordHash
	}
	hash, err = m.hasher.Hash(ctx, password, like)
	return hash, core.StoreFailed(err)
}

// renew returns the hash for another password of the person that a user is. It has the
// salt of other people with the address, where there are any, and a new one otherwise.
func (m memberships) renew(ctx context.Context, user core.User, password string) (string, error) {
	users, err := usersByEmail(everywhere(ctx), m.users, user.Email)
	if err != nil {
		return "", err
	}
	like := ""
	for _, other := range users {
		if joined(other) && other.PasswordHash != user.PasswordHash {
			like = other.PasswordHash
		}
	}
	hash, err := m.hasher.Hash(ctx, password, like)
	return hash, core.StoreFailed(err)
}

// checkOwn holds a new password of a person to the names of organizations that are the
// person's.
func (m memberships) checkOwn(ctx context.Context, field, password string, orgs ...core.ID) error {
	for _, id := range orgs {
		org, err := m.orgs.get(everywhere(ctx), id)
		if err != nil {
			return core.StoreFailed(err)
		}
		if err := checkOwnPassword(field, password, org.Name); err != nil {
			return err
		}
	}
	return nil
}

// list returns the organizations of a person's users, by name. A disabled user is not
// among them.
func (m memberships) list(ctx context.Context, users []core.User) ([]core.Membership, error) {
	list := []core.Membership{}
	for _, user := range active(users) {
		org, err := m.orgs.get(everywhere(ctx), user.Org)
		if err != nil {
			return nil, core.StoreFailed(err)
		}
		list = append(list, core.Membership{ID: org.ID, Name: org.Name, Role: user.Role})
	}
	slices.SortFunc(list, func(a, b core.Membership) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), slices.Compare(a.ID[:], b.ID[:]))
	})
	return list, nil
}

func active(users []core.User) (able []core.User) {
	for _, user := range users {
		if user.State == core.UserActive {
			able = append(able, user)
		}
	}
	return able
}

// in returns the user of an organization. Without an organization it returns the one
// that was signed in last.
func in(users []core.User, org core.ID) (user core.User, found bool) {
	for _, other := range users {
		if other.Org == org || org.IsZero() && (!found || signedInAfter(other, user)) {
			user, found = other, true
		}
	}
	return user, found
}

// signedInAfter reports whether a user was signed in after another one.
func signedInAfter(a, b core.User) bool {
	return a.LastLoginAt != nil && (b.LastLoginAt == nil || a.LastLoginAt.After(*b.LastLoginAt))
}

// orgsOf are the organizations of users.
func orgsOf(users []core.User) []core.ID {
	orgs := make([]core.ID, len(users))
	for i, user := range users {
		orgs[i] = user.Org
	}
	return orgs
}

// idsOf are the ids of users.
func idsOf(users []core.User) []core.ID {
	ids := make([]core.ID, len(users))
	for i, user := range users {
		ids[i] = user.ID
	}
	return ids
}
