package rest

import (
	"context"

	"github.com/eventflow-go/eventflow/core"
)

// RolesPath is the address of what each role may do.
const RolesPath = Prefix + "/roles"

// Roles says what each role may do.
type Roles struct {
	Items []RolePermissions `json:"items"`
}

// RolePermissions are the actions that a role permits.
type RolePermissions struct {
	Role        core.Role     `json:"role"`
	Permissions []core.Action `json:"permissions"`
}

// Roles returns what each role may do.
func (c *Client) Roles(ctx context.Context) (roles Roles, err error) {
	err = c.get(ctx, RolesPath, &roles)
	return roles, err
}
