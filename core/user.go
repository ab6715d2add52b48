package core

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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

// User is a person who operates an organization. An address belongs to one
// user of the whole installation.
type User struct {
	ID    ID        `json:"id"`
	Org   ID        `json:"-"`
	Email string    `json:"email"`
	Name  string    `json:"name"`
	Role  Role      `json:"role"`
	State UserState `json:"state"`
	// PasswordHash is what the [PasswordHasher] made, or "".
	PasswordHash string `json:"-"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision    int64      `json:"revision"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	LastLoginAt *time.Time `json:"last_login_at,omitempty"`
}

// UserRoles are the roles that people have; the others are for machines.
var UserRoles = []Role{RoleAdmin, RoleDeveloper, RoleViewer}

// Session is one sign-in, on one device: a family of refresh tokens, of which
// the one of the latest generation is good.
type Session struct {
	ID   ID
	Org  ID
	User ID
	// Generation counts the refreshes, from 1. RotatedAt is when the latest one
	// took place: for a moment after it the token before is good too, because
	// two tabs may refresh at once.
	Generation int64
	RotatedAt  time.Time
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  *time.Time
	// Address and UserAgent say where the session was begun.
	Address, UserAgent string
}

func (s Session) goodAt(now time.Time) bool { return s.RevokedAt == nil && now.Before(s.ExpiresAt) }

// TicketKind says what a ticket is for.
type TicketKind string

// The kinds of tickets.
const (
	// TicketSetup makes the first admin of an organization.
	TicketSetup TicketKind = "setup"
	// TicketInvite lets an invited user choose a password.
	TicketInvite TicketKind = "invite"
	// TicketReset lets a user choose another password.
	TicketReset TicketKind = "reset"
)

// Ticket is a right to do one thing once, given away as a link. The text itself
// is kept nowhere.
type Ticket struct {
	ID        ID
	Kind      TicketKind
	Org       ID
	User      ID // zero for a set-up
	Hash      KeyHash
	CreatedAt time.Time
	ExpiresAt time.Time
	UsedAt    *time.Time
}

// The limits of a user's fields.
const (
	MaxEmailLength    = 254
	MaxUserNameLength = 128
	MinPasswordLength = 12
	MaxPasswordLength = 128
)

// The times that a sign-in holds.
const (
	AccessTokenLife  = 15 * time.Minute
	RefreshTokenLife = 7 * 24 * time.Hour
	// RefreshGrace is how long the refresh token before the latest one is good.
	RefreshGrace = 10 * time.Second
)

// The times that the kinds of tickets hold.
const (
	ResetTicketLife  = 15 * time.Minute
	SetupTicketLife  = 30 * time.Minute
	InviteTicketLife = 7 * 24 * time.Hour
)

// normalEmail is an address as it is stored and compared: without white space
// around it and in lower case.
func normalEmail(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// checkEmail takes what could be an address; whether it is one, only mail shows.
func checkEmail(email string) error {
	if err := checkText("email", email, 3, MaxEmailLength); err != nil {
		return err
	}
	local, domain, ok := strings.Cut(email, "@")
	if !ok || local == "" || domain == "" || strings.ContainsAny(email, " \t,;<>()[]\\\"") || strings.Contains(domain, "@") {
		return Invalid("email", "must be an address like ann@example.com")
	}
	return nil
}

// checkPassword holds a new password to the policy. It never quotes it.
func checkPassword(field, password, email string) error {
	length := utf8.RuneCountInString(password)
	if !utf8.ValidString(password) || length < MinPasswordLength || length > MaxPasswordLength {
		return Invalid(field, "must have %d to %d characters", MinPasswordLength, MaxPasswordLength)
	}
	var upper, lower, digit, special bool
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		default:
			special = true
		}
	}
	if !upper || !lower || !digit || !special {
		return Invalid(field, "must have an upper-case letter, a lower-case letter, a digit and another character")
	}
	if local, _, _ := strings.Cut(email, "@"); len(local) > 3 && strings.Contains(strings.ToLower(password), local) {
		return Invalid(field, "must not contain the address")
	}
	if guessable(password) {
		return Invalid(field, "is among the first that anybody would guess: use several words that are not on every list")
	}
	return nil
}
