package core

import (
	"context"
	"time"
)

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
