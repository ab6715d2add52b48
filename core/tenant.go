package core

import "context"

type organizationKey struct{}

// ContextWithOrganization marks a context as belonging to work for one
// organization. A log then shows and removes nothing of any other, as [Reader] and
// [Trimmer] have it, whatever it is asked for; a catalog that can (PostgreSQL by its
// row-level security) does the same. That is a second wall behind the use cases, which
// look for each stream in its organization. Work for all organizations, such as
// retention, has a context without the mark.
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

// SeesOrganization reports whether work with this context may see what belongs to an
// organization: the context is marked with that one, or with none.
func SeesOrganization(ctx context.Context, org ID) bool {
	marked := OrganizationOf(ctx)
	return marked.IsZero() || marked == org
}
