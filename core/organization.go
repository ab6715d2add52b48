package core

import (
	"context"
	"time"
)

// FirstOrganizationName is the organization that a new installation begins with.
const FirstOrganizationName = "default"

// FirstOrganization returns that organization and makes it when it is not
// there yet.
func FirstOrganization(ctx context.Context, organizations Organizations, now time.Time) (Organization, error) {
	now = now.UTC().Truncate(time.Microsecond)
	return organizations.EnsureOrganization(ctx, Organization{ID: newID(now), Name: FirstOrganizationName, CreatedAt: now})
}
