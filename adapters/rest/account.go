package rest

import (
	"context"
	"net/url"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

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

// Me says who makes a request: a user, or a key.
type Me struct {
	User         *core.User        `json:"user"`
	Organization core.Organization `json:"organization"`
	Label        string            `json:"label"`
	Role         core.Role         `json:"role"`
	// Permissions are the actions that the role permits.
	Permissions []core.Action `json:"permissions"`
}

// PasswordChange changes the password of who is signed in.
type PasswordChange struct {
	Password    string `json:"password"`
	NewPassword string `json:"new_password"`
}

// ForgotRequest asks for a link to choose another password.
type ForgotRequest struct {
	Email string `json:"email"`
}

// ResetPasswordRequest chooses another password by such a link.
type ResetPasswordRequest struct {
	Token    string `json:"token"`
	Password string `json:"password"`
}

// InviteRequest invites a user.
type InviteRequest struct {
	Email string    `json:"email"`
	Name  string    `json:"name,omitempty"`
	Role  core.Role `json:"role"`
}

// Invited is the answer: the user, and the link to hand over, which is good
// for one password and seven days.
type Invited struct {
	User core.User `json:"user"`
	Link string    `json:"link"`
}

// OrganizationRequest makes an organization.
type OrganizationRequest struct {
	Name string `json:"name"`
}

// OrganizationCreated is the answer: the organization, and the link by which its
// first admin is made, which is good once, for 30 minutes.
type OrganizationCreated struct {
	Organization core.Organization `json:"organization"`
	Link         string            `json:"link"`
}

// OrganizationChange renames the organization.
type OrganizationChange struct {
	Name string `json:"name"`
}

// The addresses of accounts.
const (
	AuthPath          = Prefix + "/auth"
	UsersPath         = Prefix + "/users"
	OrganizationsPath = Prefix + "/organizations"
	OrganizationPath  = OrganizationsPath + "/current"
	AuditPath         = Prefix + "/audit"
)

// RefreshCookie holds the refresh token of a browser. Its prefix makes the
// browser insist on TLS, or on this machine, and on this host alone.
const RefreshCookie = "__Host-eventflow-refresh"

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
	err = c.call(ctx, "POST", AuthPath+path, nil, request, &signedIn)
	if err == nil {
		c.Present(signedIn.AccessToken)
	}
	return signedIn, err
}

// Logout ends the session. The client presents nothing from then on.
func (c *Client) Logout(ctx context.Context) error {
	err := c.call(ctx, "POST", AuthPath+"/logout", nil, RefreshRequest{}, nil)
	if err == nil {
		c.Present("")
	}
	return err
}

// Me says who the client is to the server.
func (c *Client) Me(ctx context.Context) (me Me, err error) {
	err = c.call(ctx, "GET", AuthPath+"/me", nil, nil, &me)
	return me, err
}

// ChangePassword changes the password of who is signed in.
func (c *Client) ChangePassword(ctx context.Context, request PasswordChange) error {
	return c.call(ctx, "POST", AuthPath+"/password", nil, request, nil)
}

// ForgotPassword asks for a link to choose another password.
func (c *Client) ForgotPassword(ctx context.Context, email string) error {
	return c.call(ctx, "POST", AuthPath+"/password/forgot", nil, ForgotRequest{email}, nil)
}

// ResetPassword chooses another password by a link's token.
func (c *Client) ResetPassword(ctx context.Context, request ResetPasswordRequest) error {
	return c.call(ctx, "POST", AuthPath+"/password/reset", nil, request, nil)
}

// CreateOrganization makes an organization.
func (c *Client) CreateOrganization(ctx context.Context, name string) (created OrganizationCreated, err error) {
	err = c.call(ctx, "POST", OrganizationsPath, nil, OrganizationRequest{name}, &created)
	return created, err
}

// Organization returns the organization that the client belongs to.
func (c *Client) Organization(ctx context.Context) (org core.Organization, err error) {
	err = c.call(ctx, "GET", OrganizationPath, nil, nil, &org)
	return org, err
}

// RenameOrganization changes its name.
func (c *Client) RenameOrganization(ctx context.Context, name string) (org core.Organization, err error) {
	err = c.call(ctx, "PATCH", OrganizationPath, nil, OrganizationChange{name}, &org)
	return org, err
}

// UsersPage returns a page of the organization's users, by address.
func (c *Client) UsersPage(ctx context.Context, cursor string) (page List[core.User], err error) {
	query := url.Values{}
	if cursor != "" {
		query.Set("cursor", cursor)
	}
	err = c.call(ctx, "GET", withQuery(UsersPath, query), nil, nil, &page)
	return page, err
}

// Invite makes a user who has yet to choose a password.
func (c *Client) Invite(ctx context.Context, request InviteRequest) (invited Invited, err error) {
	err = c.call(ctx, "POST", UsersPath, nil, request, &invited)
	return invited, err
}

// InviteAgain makes another link for a user who has not accepted yet.
func (c *Client) InviteAgain(ctx context.Context, id string) (invited Invited, err error) {
	err = c.call(ctx, "POST", UsersPath+"/"+url.PathEscape(id)+"/invitation", nil, nil, &invited)
	return invited, err
}

// ChangeUser changes a user; revision is as for [Client.ChangeStream].
func (c *Client) ChangeUser(ctx context.Context, id string, change core.UserChange, revision int64) (user core.User, err error) {
	err = c.call(ctx, "PATCH", UsersPath+"/"+url.PathEscape(id), ifMatch(revision), change, &user)
	return user, err
}

// RemoveUser removes a user.
func (c *Client) RemoveUser(ctx context.Context, id string) error {
	return c.call(ctx, "DELETE", UsersPath+"/"+url.PathEscape(id), nil, nil, nil)
}

// AuditPage returns a page of the audit trail.
func (c *Client) AuditPage(ctx context.Context, query core.EventQuery) (page List[core.Event], err error) {
	err = c.call(ctx, "GET", withQuery(AuditPath, Query(query)), nil, nil, &page)
	return page, err
}

// NewSignedIn is a sign-in as it is answered.
func NewSignedIn(s core.SignIn, now time.Time, withRefresh bool) SignedIn {
	signedIn := SignedIn{AccessToken: s.AccessToken, TokenType: "Bearer", ExpiresIn: int64(s.AccessUntil.Sub(now).Seconds()), User: s.User}
	if withRefresh {
		signedIn.RefreshToken = s.RefreshToken
	}
	return signedIn
}
