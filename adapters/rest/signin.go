package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// AuthPath is where people sign in.
const AuthPath = Prefix + "/auth"

// RefreshCookie holds the refresh token of a browser. Its prefix makes the
// browser insist on TLS, or on this machine, and on this host alone.
const RefreshCookie = "__Host-eventflow-refresh"

// LoginRequest signs a person in. The refresh token comes in a cookie, and in
// the answer as well where WantRefreshToken asks for it.
type LoginRequest struct {
	Email            string `json:"email"`
	Password         string `json:"password"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// RefreshRequest exchanges a refresh token; without one the cookie's is used.
type RefreshRequest struct {
	RefreshToken     string `json:"refresh_token,omitempty"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// SetupRequest makes the first admin by a set-up ticket.
type SetupRequest struct {
	Token            string `json:"token"`
	Email            string `json:"email"`
	Name             string `json:"name,omitempty"`
	Password         string `json:"password"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// AcceptRequest accepts an invitation.
type AcceptRequest struct {
	Token            string `json:"token"`
	Name             string `json:"name,omitempty"`
	Password         string `json:"password"`
	WantRefreshToken bool   `json:"want_refresh_token,omitempty"`
}

// SignedIn is the answer to all four.
type SignedIn struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	// ExpiresIn is the life of the access token in seconds.
	ExpiresIn    int64     `json:"expires_in"`
	RefreshToken string    `json:"refresh_token,omitempty"`
	User         core.User `json:"user"`
}

// Login signs in and has the client present the access token from then on.
func (c *Client) Login(ctx context.Context, request LoginRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/login", request)
}

// Refresh exchanges a refresh token, or the browser's cookie when there is
// none, and has the client present the new access token.
func (c *Client) Refresh(ctx context.Context, request RefreshRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/refresh", request)
}

// Setup makes the first admin, and signs in like Login.
func (c *Client) Setup(ctx context.Context, request SetupRequest) (signedIn SignedIn, err error) {
	return c.signIn(ctx, "/setup", request)
}

// Accept accepts an invitation, and signs in like Login.
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
