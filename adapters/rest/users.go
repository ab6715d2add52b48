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

// ChangedUser is a user after a change. Keys are those that the user has left: all of
// somebody who was disabled, and those wider than the role of somebody who got another
// one. They are as they were before the request did something with them.
type ChangedUser struct {
	core.User
	Keys []core.APIKey `json:"keys,omitempty"`
}

// KeysLeft lists keys of both kinds.
type KeysLeft struct {
	Keys []core.APIKey `json:"keys"`
}

// ChangeUser changes a user; revision is as for [Client.ChangeStream]. Keys that the user
// leaves stay as they are.
func (c *Client) ChangeUser(ctx context.Context, id string, change core.UserChange, revision int64) (core.User, error) {
	changed, err := c.ChangeUserAndKeys(ctx, id, change, revision, "")
	return changed.User, err
}

// ChangeUserAndKeys is ChangeUser with a fate for the keys that the user leaves, which it
// meets in the same step.
func (c *Client) ChangeUserAndKeys(ctx context.Context, id string, change core.UserChange, revision int64, fate core.KeyFate) (changed ChangedUser, err error) {
	err = c.patch(ctx, withQuery(UserPath(id), fateQuery(fate)), revision, change, &changed)
	return changed, err
}

// RemoveUser removes a user. Keys that the user leaves stay as they are.
func (c *Client) RemoveUser(ctx context.Context, id string) error {
	_, err := c.RemoveUserAndKeys(ctx, id, "")
	return err
}

// RemoveUserAndKeys is RemoveUser with a fate for the keys that the user leaves, which it
// meets in the same step. It returns these keys as they were.
func (c *Client) RemoveUserAndKeys(ctx context.Context, id string, fate core.KeyFate) ([]core.APIKey, error) {
	var left KeysLeft
	err := c.do(ctx, request{method: "DELETE", path: withQuery(UserPath(id), fateQuery(fate))}, &left)
	return left.Keys, err
}

func fateQuery(fate core.KeyFate) url.Values {
	query := url.Values{}
	if fate != "" {
		query.Set("keys", string(fate))
	}
	return query
}

// UserKeys returns the keys that a user would leave who is disabled or removed. With a
// role it returns those that would be wider than the user in that role.
func (c *Client) UserKeys(ctx context.Context, id string, role core.Role) (keys []core.APIKey, err error) {
	query := url.Values{}
	if role != "" {
		query.Set("role", string(role))
	}
	var left KeysLeft
	err = c.get(ctx, withQuery(UserPath(id)+"/keys", query), &left)
	return left.Keys, err
}
