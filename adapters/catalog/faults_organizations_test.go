package catalog

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

const (
	asOrganization  = "an organization must be found as it was stored"
	orgLimited      = "organization/an organization is limited"
	orgTwice        = "organization/an organization is limited and renamed, and neither undoes the other"
	orgPages        = "organization/organizations are listed by name in pages"
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
func listedOrganizations(ask func(after *string, limit *int)) func(*faulty) {
	return func(f *faulty) {
		f.organizations = func(ctx context.Context, after string, limit int) ([]core.Organization, error) {
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
	{"lists the last organization again", orgPages, "greater than", listedOrganizations(func(after *string, _ *int) {
		*after = strings.TrimSuffix(*after, "a")
	})},
	{"lists one organization too many", orgPages, "at most", listedOrganizations(func(_ *string, limit *int) { *limit++ })},
	{"lists organizations regardless of case", orgPages, asOrganizations, func(f *faulty) {
		f.organizations = func(ctx context.Context, after string, limit int) ([]core.Organization, error) {
			var names []string
			f.db.WithContext(ctx).Model(&organizationRow{}).Where("name > ?", after).Order("name collate nocase").Limit(limit).Pluck("name", &names)
			page := make([]core.Organization, len(names))
			for i, name := range names {
				page[i], _ = f.OrganizationNamed(ctx, name)
			}
			return page, nil
		}
	}},
	{"limits when its context has ended", "context and close/a call whose context has ended fails without effect", "LimitOrganization must fail", func(f *faulty) {
		f.limitOrganization = func(ctx context.Context, org core.Organization) error {
			return f.Catalog.LimitOrganization(context.WithoutCancel(ctx), org)
		}
	}},
}
