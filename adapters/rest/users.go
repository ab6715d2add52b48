package rest

import (
	"context"
	"net/url"

	"github.com/eventflow-go/eventflow/core"
)

// UsersPath is the address of the list of the organization's users.
const UsersPath = Prefix + "/users"

// UserPath is the address of one user.
func UserPath(id string) string { return UsersPath + "/" + url.PathEscape(id) }

// InviteRequest invites somebody to become a user.
type InviteRequest struct {
	Email string    `json:"email"`
	Name  string    `json:"name,omitempty"`
	Role  core.Role `json:"role"`
}

// Invited is the answer: the user, and the link to hand over. The link is good
// for choosing one password, within seven days.
type Invited struct {
	User core.User `json:"user"`
	Link string    `json:"link"`
}

// UsersPage returns a page of the organization's users, by e-mail address.
func (c *Client) UsersPage(ctx context.Context, cursor string) (page List[core.User], err error) {
	err = c.get(ctx, withQuery(UsersPath, pageQuery(cursor, 0)), &page)
	return page, err
}

// Invite creates a user who has yet to choose a password.
func (c *Client) Invite(ctx context.Context, request InviteRequest) (invited Invited, err error) {
	err = c.post(ctx, UsersPath, request, &invited)
	return invited, err
}

// InviteAgain creates another link for a user who has not accepted yet.
func (c *Client) InviteAgain(ctx context.Context, id string) (invited Invited, err error) {
	err = c.post(ctx, UserPath(id)+"/invitation", nil, &invited)
	return invited, err
}

// ChangeUser changes a user; revision is as for [Client.ChangeStream].
func (c *Client) ChangeUser(ctx context.Context, id string, change core.UserChange, revision int64) (user core.User, err error) {
	err = c.patch(ctx, UserPath(id), revision, change, &user)
	return user, err
}

// RemoveUser removes a user.
func (c *Client) RemoveUser(ctx context.Context, id string) error {
	return c.delete(ctx, UserPath(id), 0)
}
