package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// Me says who a client is to the server: a user, or an API key or service
// token.
type Me struct {
	User         *core.User        `json:"user"`
	Organization core.Organization `json:"organization"`
	// Organizations are all that the user may switch to, this one included, by name.
	// A key has none.
	Organizations []core.Membership `json:"organizations,omitempty"`
	Label         string            `json:"label"`
	Role          core.Role         `json:"role"`
	// Permissions are the actions that the role permits.
	Permissions []core.Action `json:"permissions"`
}

// Me asks the server who the client is to it.
func (c *Client) Me(ctx context.Context) (me Me, err error) {
	err = c.get(ctx, AuthPath+"/me", &me)
	return me, err
}
