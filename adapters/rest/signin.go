package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// AuthPath is where people sign in.
const AuthPath = Prefix + "/auth"

// RefreshCookie is the cookie with a browser's refresh token. Because of the
// prefix of its name, browsers send it to this host only, and only by TLS or on
// this machine.
const RefreshCookie = "__Host-eventflow-refresh"

// LoginRequest signs a user in. The refresh token is answered in a cookie. If
// WantRefreshToken is set, it is in the body of the answer, too.
type LoginRequest struct {
	Email    string `json:"email"`
	Password string `json:"password"`
	// Organization is the id of the one to sign in to, for people who belong to
	// several. Without it, it is the one where they were last.
	Organization     string `json:"organization,omitempty"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// RefreshRequest exchanges a refresh token for another one. If it has none, the
// cookie's is exchanged.
type RefreshRequest struct {
	RefreshToken     string `json:"refresh_token,omitempty"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// SwitchRequest exchanges a refresh token, as [RefreshRequest] does, for tokens of
// another organization that the user belongs to, named by its id.
type SwitchRequest struct {
	Organization     string `json:"organization"`
	RefreshToken     string `json:"refresh_token,omitempty"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// SetupRequest creates the first admin, with the token of a set-up link.
type SetupRequest struct {
	Token            string `json:"token"`
	Email            string `json:"email"`
	Name             string `json:"name,omitempty"`
	Password         string `json:"password"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// LinkRequest asks whether the token of a link can still be used. Kind is what the
// link is for.
type LinkRequest struct {
	Kind  core.TicketKind `json:"kind"`
	Token string          `json:"token"`
}

// AcceptRequest accepts an invitation, with the token of its link. Whoever has a
// password for the address may give that one, and has one more organization then.
type AcceptRequest struct {
	Token            string `json:"token"`
	Name             string `json:"name,omitempty"`
	Password         string `json:"password"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// SignedIn is the answer to [LoginRequest], [RefreshRequest], [SwitchRequest],
// [SetupRequest] and [AcceptRequest].
type SignedIn struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	// ExpiresIn is how long the access token is good, in seconds.
	ExpiresIn    int64     `json:"expires_in"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	User         core.User `json:"user"`
	// Organizations are all that the user may switch to, the present one included, by
	// name. The answer to a [RefreshRequest] has none.
	Organizations []core.Membership `json:"organizations,omitempty"`
}

// Login signs a user in. The client presents the access token from then on.
func (c *Client) Login(ctx context.Context, request LoginRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/login", request)
}

// Refresh exchanges a refresh token, or the browser's cookie if the request has
// none. The client presents the new access token from then on.
func (c *Client) Refresh(ctx context.Context, request RefreshRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/refresh", request)
}

// Switch exchanges a refresh token, or the browser's cookie if the request has none,
// for tokens of another organization. The client presents the new access token from
// then on.
func (c *Client) Switch(ctx context.Context, request SwitchRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/switch", request)
}

// Setup creates the first admin, and signs in like [Client.Login].
func (c *Client) Setup(ctx context.Context, request SetupRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/setup", request)
}

// CheckLink returns the error that using the token of a link would end with, nil if it
// can be used. It does not use it up.
func (c *Client) CheckLink(ctx context.Context, request LinkRequest) error {
	return c.post(ctx, AuthPath+"/link", request, nil)
}

// Accept accepts an invitation, and signs in like [Client.Login].
func (c *Client) Accept(ctx context.Context, request AcceptRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/accept", request)
}

func (c *Client) signIn(ctx context.Context, path string, request any) (signedIn SignedIn, err error) {
	err = c.post(ctx, AuthPath+path, request, &signedIn)
	if err == nil {
		c.Present(signedIn.AccessToken)
	}
	return signedIn, err
}

// Logout ends the session. The client presents nothing from then on.
func (c *Client) Logout(ctx context.Context) error {
	err := c.post(ctx, AuthPath+"/logout", RefreshRequest{}, nil)
	if err == nil {
		c.Present("")
	}
	return err
}
