package core

import (
	"context"
	"time"
)

type organizationKey struct{}

// ContextWithOrganization marks a context as of work that is done on behalf of
// one organization. A store that can, like PostgreSQL by its row-level security,
// then finds and changes nothing of any other, whatever it is asked for: a
// second wall behind the queries, which name the organization themselves. Work
// for all organizations, such as retention, has a context without one.
func ContextWithOrganization(ctx context.Context, org ID) context.Context {
	return context.WithValue(ctx, organizationKey{}, org)
}

// OrganizationOf returns the organization that a context is marked with, or
// zero.
func OrganizationOf(ctx context.Context) ID {
	org, _ := ctx.Value(organizationKey{}).(ID)
	return org
}

// tenants remembers organizations for a moment: what their keys and their people
// are limited to is read once for all of them.
type tenants struct {
	catalog Organizations
	known   *cache[ID, Organization]
}

// tenantTTL is half of the time that a key or a user is trusted, into which what
// is known of the organization goes: together they stay below two seconds.
const (
	tenantTTL       = keyTTL / 2
	tenantCacheSize = 10_000
)

func newTenants(catalog Organizations, now func() time.Time) tenants {
	return tenants{catalog, newCache[ID, Organization](now, tenantTTL, tenantCacheSize)}
}

func (t tenants) get(ctx context.Context, id ID) (Organization, error) {
	return t.known.get(id, func(Organization) (Organization, error) { return t.catalog.Organization(ctx, id) }, IsNotFound)
}
