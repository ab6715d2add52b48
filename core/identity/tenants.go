package identity

import (
	"context"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/cache"
)

// tenants remembers organizations for a moment, so that the limits of an
// organization are read once for all its keys or people.
type tenants struct {
	catalog core.Organizations
	known   *cache.Cache[core.ID, core.Organization]
}

// tenantTTL is how long an organization is trusted. A key or a user that is
// remembered holds the limits of an organization that was remembered before, so
// the two times add up. Together they stay below the two seconds within which a
// new limit is promised to arrive.
const (
	tenantTTL       = keyTTL / 2
	tenantCacheSize = 10_000
)

func newTenants(catalog core.Organizations, now func() time.Time) tenants {
	return tenants{catalog, cache.New[core.ID, core.Organization](now, tenantTTL, tenantCacheSize)}
}

func (t tenants) get(ctx context.Context, id core.ID) (core.Organization, error) {
	return t.known.Get(ctx, id, func(core.Organization) (core.Organization, error) { return t.catalog.Organization(ctx, id) }, core.IsNotFound)
}
