package core

import "time"

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

func (s Session) GoodAt(now time.Time) bool { return s.RevokedAt == nil && now.Before(s.ExpiresAt) }

// The times that a sign-in holds.
const (
	AccessTokenLife  = 15 * time.Minute
	RefreshTokenLife = 7 * 24 * time.Hour
	// RefreshGrace is how long the refresh token before the latest one is good.
	RefreshGrace = 10 * time.Second
)

// SignIn is what somebody who signs in is given.
type SignIn struct {
	AccessToken  string
	AccessUntil  time.Time
	RefreshToken string
	RefreshUntil time.Time
	User         User
}
