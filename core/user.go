package core

import (
	"slices"
	"strings"
	"time"
)

// UserState is where a person's account is in its life.
type UserState string

// The states of a user.
const (
	// UserInvited has not chosen a password yet.
	UserInvited  UserState = "invited"
	UserActive   UserState = "active"
	UserDisabled UserState = "disabled"
)

// User is a person as a member of one organization. People who belong to several are
// a user of each. The users of one address and one password are one person: who
// signs in with the two may choose among them. Two who have one address and
// different passwords have nothing to do with each other, so an invitation gives no
// power over an account of another organization.
type User struct {
	ID    ID        `json:"id"`
	Org   ID        `json:"-"`
	Email string    `json:"email"`
	Name  string    `json:"name"`
	Role  Role      `json:"role"`
	State UserState `json:"state"`
	// PasswordHash was made by the [PasswordHasher]. It is "" before a password is
	// chosen.
	PasswordHash string `json:"-"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision    int64      `json:"revision"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	LastLoginAt *time.Time `json:"last_login_at,omitempty"`
	// SignedOutAt is when an admin ended the user's sessions. A session that the
	// person began before that, as a user of another organization, cannot be switched
	// to this one.
	SignedOutAt *time.Time `json:"-"`
}

// UserRoles are the roles that people have; the others are for machines.
var UserRoles = []Role{RoleAdmin, RoleDeveloper, RoleViewer}

// The limits of a user's fields.
const (
	MaxEmailLength    = 254
	MaxUserNameLength = 128
	MinPasswordLength = 12
	MaxPasswordLength = 128
)

// UserChange describes changes to a user; a nil field changes nothing.
type UserChange struct {
	Name  *string    `json:"name,omitempty"`
	Role  *Role      `json:"role,omitempty"`
	State *UserState `json:"state,omitempty"`
}

// ErrLastAdmin answers a change after which nobody could administer an organization.
var ErrLastAdmin = Errorf(CodeConflict, "this is the organization's last active admin: make somebody else an admin first")

// Administers reports whether the user can administer the organization now.
func (u User) Administers() bool { return u.Role == RoleAdmin && u.State == UserActive }

// CheckUserRole refuses a role that is not for people.
func CheckUserRole(role Role) error {
	if !slices.Contains(UserRoles, role) {
		return Invalid("role", "must be one of: %s", Listed(UserRoles))
	}
	return nil
}

// Apply makes a change and checks it. On an error part of it may have been made.
func (u *User) Apply(change UserChange) error {
	if change.Name != nil {
		u.Name = strings.TrimSpace(*change.Name)
		if err := CheckText("name", u.Name, 0, MaxUserNameLength); err != nil {
			return err
		}
		if err := CheckSeen("name", u.Name); err != nil {
			return err
		}
	}
	if change.Role != nil {
		if err := CheckUserRole(*change.Role); err != nil {
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

// Principal returns the user as one who makes requests.
func (u User) Principal() Principal {
	return Principal{Org: u.Org, User: u.ID, Label: u.Email, Role: u.Role}
}
