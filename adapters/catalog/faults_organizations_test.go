package catalog

import (
	"context"
	"slices"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

const (
	asOrganization  = "an organization must be found as it was stored"
	orgLimited      = "organization/an organization is limited"
	orgTwice        = "organization/an organization is limited and renamed, and neither undoes the other"
	orgShared       = "organization/a name is any number of organizations'"
	orgPages        = "organization/organizations are listed by id in pages"
	asOrganizations = "these organizations must be listed"
)

// limited changes what an organization is limited to.
func limited(change func(*core.Organization)) func(*faulty) {
	return func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			change(&org)
			return f.Catalog.LimitOrganization(ctx, org)
		}
	}
}

// listedOrganizations changes what is asked of the list.
func listedOrganizations(ask func(after *core.ID, limit *int)) func(*faulty) {
	return func(f *faulty) {
		f.organizations = func(ctx context.Context, after core.ID, limit int) ([]core.Organization, error) {
			ask(&after, &limit)
			return f.Catalog.Organizations(ctx, after, limit)
		}
	}
}

var organizationFaults = []fault{
	{"limits keys only", orgLimited, asOrganization, limited(func(org *core.Organization) { org.UserRate = core.Rate{} })},
	{"limits people as it does keys", orgLimited, asOrganization, limited(func(org *core.Organization) { org.UserRate = org.KeyRate })},
	{"makes up what may be left out", orgLimited, asOrganization, limited(func(org *core.Organization) {
		if org.KeyRate.PerSecond == 0 {
			org.KeyRate.PerSecond = org.KeyRate.PerMinute / 10
		}
	})},
	{"never takes limits back", orgLimited, asOrganization, func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			if org.KeyRate == (core.Rate{}) && org.UserRate == (core.Rate{}) {
				return nil
			}
			return f.Catalog.LimitOrganization(ctx, org)
		}
	}},
	{"limits everybody", orgLimited, asOrganization, func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			if err := f.Catalog.LimitOrganization(ctx, org); err != nil {
				return err
			}
			return f.sql(ctx, "update organizations set key_per_minute = ?", org.KeyRate.PerMinute)
		}
	}},
	{"limits nobody and says nothing", orgLimited, asNotFound, func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			if err := f.Catalog.LimitOrganization(ctx, org); core.CodeOf(err) != core.CodeNotFound {
				return err
			}
			return nil
		}
	}},
	{"takes the name back with a limit", orgTwice, asOrganization, func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			if err := f.Catalog.LimitOrganization(ctx, org); err != nil {
				return err
			}
			return f.Catalog.UpdateOrganization(ctx, org)
		}
	}},
	{"takes limits back with a name", orgTwice, asOrganization, func(f *faulty) {
		f.updateOrganization = func(ctx context.Context, org core.Organization) error {
			if err := f.Catalog.UpdateOrganization(ctx, org); err != nil {
				return err
			}
			return f.Catalog.LimitOrganization(ctx, org)
		}
	}},
	{"lists the last organization again", orgPages, "greater than", listedOrganizations(func(after *core.ID, _ *int) {
		if !after.IsZero() {
			after[15]--
		}
	})},
	{"lists one organization too many", orgPages, "at most", listedOrganizations(func(_ *core.ID, limit *int) { *limit++ })},
	{"lists organizations by name", orgPages, asOrganizations, func(f *faulty) {
		f.organizations = func(ctx context.Context, after core.ID, limit int) ([]core.Organization, error) {
			page, err := f.Catalog.Organizations(ctx, after, limit)
			slices.SortFunc(page, func(a, b core.Organization) int { return strings.Compare(a.Name, b.Name) })
			return page, err
		}
	}},
	{"refuses a name that another organization has", orgShared, "unexpected error: CONFLICT", func(f *faulty) {
		f.updateOrganization = func(ctx context.Context, org core.Organization) error {
			if named, err := f.OrganizationsNamed(ctx, org.Name); err == nil && len(named) > 0 && named[0].ID != org.ID {
				return core.Errorf(core.CodeConflict, "taken")
			}
			return f.Catalog.UpdateOrganization(ctx, org)
		}
	}},
	{"limits when its context has ended", "context and close/a call whose context has ended fails without effect", "LimitOrganization must fail", func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			return f.Catalog.LimitOrganization(context.WithoutCancel(ctx), org)
		}
	}},
}
