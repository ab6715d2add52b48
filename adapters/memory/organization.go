package memory

import (
	"cmp"
	"context"

	"github.com/eventflow-go/eventflow/core"
)

func ownOrganization(org core.Organization) core.Organization {
	org.CreatedAt = utc(org.CreatedAt)
	return org
}

// organizationsBy returns organizations, oldest first.
func (c *Catalog) organizationsBy(belongs func(core.Organization) bool) []core.Organization {
	return sorted(c.organizations, belongs, func(a, b core.Organization) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), byID(a.ID, b.ID))
	})
}

func (c *Catalog) organizationsNamed(name string) []core.Organization {
	return c.organizationsBy(func(org core.Organization) bool { return org.Name == name })
}

// CreateOrganization implements [core.Organizations].
func (c *Catalog) CreateOrganization(ctx context.Context, org core.Organization) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	return add(c.organizations, org.ID, ownOrganization(org))
}

// EnsureOrganization implements [core.Organizations].
func (c *Catalog) EnsureOrganization(ctx context.Context, org core.Organization) (core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return core.Organization{}, err
	}
	defer c.mu.Unlock()
	if known := c.organizationsNamed(org.Name); len(known) > 0 {
		return known[0], nil
	}
	org = ownOrganization(org)
	return org, add(c.organizations, org.ID, org)
}

// OldestOrganization implements [core.Organizations].
func (c *Catalog) OldestOrganization(ctx context.Context) (core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return core.Organization{}, err
	}
	defer c.mu.Unlock()
	all := c.organizationsBy(func(core.Organization) bool { return true })
	if len(all) == 0 {
		return core.Organization{}, missing("organization")
	}
	return all[0], nil
}

// Organization implements [core.Organizations].
func (c *Catalog) Organization(ctx context.Context, id core.ID) (core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return core.Organization{}, err
	}
	defer c.mu.Unlock()
	org, ok := c.organizations[id]
	if !ok {
		return core.Organization{}, missing("organization")
	}
	return org, nil
}

// OrganizationsNamed implements [core.Organizations].
func (c *Catalog) OrganizationsNamed(ctx context.Context, name string) ([]core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	return c.organizationsNamed(name), nil
}

// Organizations implements [core.Organizations].
func (c *Catalog) Organizations(ctx context.Context, after core.ID, limit int) ([]core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.organizations, func(org core.Organization) bool { return byID(org.ID, after) > 0 },
		func(a, b core.Organization) int { return byID(a.ID, b.ID) })
	return page(all, limit, ownOrganization), nil
}

// UpdateOrganization implements [core.Organizations].
func (c *Catalog) UpdateOrganization(ctx context.Context, org core.Organization) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, ok := c.organizations[org.ID]
	if !ok {
		return missing("organization")
	}
	stored.Name = org.Name
	c.organizations[org.ID] = stored
	return nil
}

// LimitOrganization implements [core.Organizations].
func (c *Catalog) LimitOrganization(ctx context.Context, org core.Organization) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	defer c.mu.Unlock()
	stored, ok := c.organizations[org.ID]
	if !ok {
		return missing("organization")
	}
	stored.KeyRate, stored.UserRate, stored.Shares = org.KeyRate, org.UserRate, org.Shares
	c.organizations[org.ID] = stored
	return nil
}

// Held implements [core.Holdings].
func (c *Catalog) Held(ctx context.Context, org core.ID) (core.Shares, error) {
	if err := c.enter(ctx); err != nil {
		return core.Shares{}, err
	}
	defer c.mu.Unlock()
	return core.Shares{
		Streams: count(c.streams, func(s core.Stream) bool { return s.Org == org && s.DeletedAt == nil }),
		Groups: count(c.groups, func(g core.Group) bool {
			stream, ok := c.streams[g.Stream]
			return ok && g.Org == org && stream.DeletedAt == nil
		}),
		Keys:  count(c.keys, func(k core.APIKey) bool { return k.Org == org && k.RevokedAt == nil }),
		Users: count(c.users, func(u core.User) bool { return u.Org == org }),
		Quarantine: count(c.quarantine, func(q core.Quarantined) bool {
			return q.Org == org && c.streams[q.Event.Stream].DeletedAt == nil
		}),
		Sources: count(c.sources, func(s core.Source) bool { return s.Org == org }),
		Replays: count(c.replays, func(r core.Replay) bool { return r.Org == org && r.State == core.ReplayRunning }),
	}, nil
}

func count[T any](all map[core.ID]T, counts func(T) bool) (n int64) {
	for _, one := range all {
		if counts(one) {
			n++
		}
	}
	return n
}
