package core

import "context"

type organizationKey struct{}

// ContextWithOrganization marks a context as belonging to work for one
// organization. A store that can (PostgreSQL by its row-level security) then finds
// and changes nothing of any other, whatever it is asked for. That is a second wall
// behind the queries, which name the organization themselves. Work for all
// organizations, such as retention, has a context without the mark.
func ContextWithOrganization(ctx context.Context, org ID) context.Context {
	return context.WithValue(ctx, organizationKey{}, org)
}

// OrganizationOf returns the organization that a context is marked with, or
// zero.
func OrganizationOf(ctx context.Context) ID {
	org, _ := ctx.Value(organizationKey{}).(ID)
	return org
}
