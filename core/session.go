package core

import "time"

// Session is one sign-in on one device. It is a family of refresh tokens, of which
// the latest generation is good.
type Session struct {
	ID ID
	// Org and User are the membership that the session is used for now. The person
	// may switch to another one.
	Org  ID
	User ID
	// Generation counts the refreshes, from 1. RotatedAt is when the latest one took
	// place. For a moment after it ([RefreshGrace]) the token before is good too,
	// because two tabs may refresh at once.
	Generation int64
	RotatedAt  time.Time
	CreatedAt  time.Time
	ExpiresAt  time.Time
	RevokedAt  *time.Time
	// Address and UserAgent say where the session was begun.
	Address, UserAgent string
}

// GoodAt reports whether the session has neither ended nor expired at a time.
func (s Session) GoodAt(now time.Time) bool { return s.RevokedAt == nil && now.Before(s.ExpiresAt) }

// SignIn is the answer to somebody who signs in.
type SignIn struct {
	AccessToken  string
	AccessUntil  time.Time
	RefreshToken string
	RefreshUntil time.Time
	User         User
	// Organizations are all that the person may switch to, the present one included,
	// by name.
	Organizations []Membership
}
