package core

import "context"

type organizationKey struct{}

// ContextWithOrganization marks a context as belonging to work for one
// organization. A store that can (PostgreSQL by its row-level security) then finds
// and changes nothing of any other, whatever it is asked for. That is a second wall
// behind the queries, which name the organization themselves. Work for all
// organizations, such as retention, has a context without the mark.
func ContextWithOrganization(ctx context.Context, org ID) context.Context {
	return &organizationContext{ctx, org}
}

// organizationContext takes half the memory of context.WithValue. Each request makes one.
type organizationContext struct {
	context.Context
	org ID
}

// Value implements [context.Context].
func (c *organizationContext) Value(key any) any {
	if key == (organizationKey{}) {
		return &c.org
	}
	return c.Context.Value(key)
}

// OrganizationOf returns the organization that a context is marked with, or
// zero.
func OrganizationOf(ctx context.Context) ID {
	if org, ok := ctx.Value(organizationKey{}).(*ID); ok {
		return *org
	}
	return ID{}
}
