package identity

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// tenants remembers organizations for a moment: what their keys and their people
// are limited to is read once for all of them.
type tenants struct {
	catalog core.Organizations
	known   *cache.Cache[core.ID, core.Organization]
}

// tenantTTL is half of the time that a key or a user is trusted, into which what
// is known of the organization goes: together they stay below two seconds.
const (
	tenantTTL       = keyTTL / 2
	tenantCacheSize = 10_000
)

func newTenants(catalog core.Organizations, now func() time.Time) tenants {
	return tenants{catalog, cache.New[core.ID, core.Organization](now, tenantTTL, tenantCacheSize)}
}

func (t tenants) get(ctx context.Context, id core.ID) (core.Organization, error) {
	return t.known.Get(id, func(core.Organization) (core.Organization, error) { return t.catalog.Organization(ctx, id) }, core.IsNotFound)
}
