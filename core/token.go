package core

import "time"

// Claims is what an access token says.
type Claims struct {
	User    ID
	Org     ID
	Role    Role
	Session ID
	Issued  time.Time
	Expires time.Time
}

// The lives of the tokens of a sign-in.
const (
	AccessTokenLife  = 15 * time.Minute
	RefreshTokenLife = 7 * 24 * time.Hour
	// RefreshGrace is how long the refresh token before the latest one is good.
	RefreshGrace = 10 * time.Second
)
