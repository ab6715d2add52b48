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
	orgHeld         = "organization/what an organization has is counted"
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

// counted counts one thing by another statement.
func counted(statement string, set func(held *core.Shares, n int64)) func(*faulty) {
	return func(f *faulty) {
		f.held = func(ctx context.Context, org core.ID) (core.Shares, error) {
			held, err := f.Catalog.Held(ctx, org)
			if err != nil {
				return held, err
			}
			var n int64
			err = f.db.WithContext(ctx).Raw(statement, org.String()).Scan(&n).Error
			set(&held, n)
			return held, err
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
	{"limits rates and no shares", orgLimited, asOrganization, limited(func(org *core.Organization) { org.Shares = core.Shares{} })},
	{"counts what is gone", orgHeld, "an organization has", counted("select count(*) from streams where org = ?", func(held *core.Shares, n int64) { held.Streams = n })},
	{"counts groups without a stream", orgHeld, "an organization has", counted("select count(*) from consumer_groups where org = ?", func(held *core.Shares, n int64) { held.Groups = n })},
	{"counts revoked keys", orgHeld, "an organization has", counted("select count(*) from api_keys where org = ?", func(held *core.Shares, n int64) { held.Keys = n })},
	{"counts replays that have ended", orgHeld, "an organization has", counted("select count(*) from replays where org = ?", func(held *core.Shares, n int64) { held.Replays = n })},
	{"counts everybody", orgHeld, "an organization has", counted("select count(*) from users where ? <> ''", func(held *core.Shares, n int64) { held.Users = n })},
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
