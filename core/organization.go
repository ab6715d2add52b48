package core

import (
	"context"
	"time"
)

// FirstOrganizationName is the organization that a new installation begins with.
const FirstOrganizationName = "default"

// FirstOrganization returns the oldest organization and makes one when there
// is none yet.
func FirstOrganization(ctx context.Context, organizations Organizations, now time.Time) (Organization, error) {
	oldest, err := organizations.OldestOrganization(ctx)
	if !isNotFound(err) {
		return oldest, err
	}
	now = now.UTC().Truncate(time.Microsecond)
	return organizations.EnsureOrganization(ctx, Organization{ID: newID(now), Name: FirstOrganizationName, CreatedAt: now})
}
