package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Me says who makes a request: a user, or a key.
type Me struct {
	User         *core.User        `json:"user"`
	Organization core.Organization `json:"organization"`
	Label        string            `json:"label"`
	Role         core.Role         `json:"role"`
	// Permissions are the actions that the role permits.
	Permissions []core.Action `json:"permissions"`
}

// Me says who the client is to the server.
func (c *Client) Me(ctx context.Context) (me Me, err error) {
	err = c.get(ctx, AuthPath+"/me", &me)
	return me, err
}
