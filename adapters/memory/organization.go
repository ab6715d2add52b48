package memory

import (
	"cmp"
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

func ownOrganization(org core.Organization) core.Organization {
	org.CreatedAt = utc(org.CreatedAt)
	return org
}

func (c *Catalog) organizationNamed(name string) (core.Organization, bool) {
	return find(c.organizations, func(org core.Organization) bool { return org.Name == name })
}

// EnsureOrganization implements [core.Organizations].
func (c *Catalog) EnsureOrganization(ctx context.Context, org core.Organization) (core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return core.Organization{}, err
	}
	defer c.mu.Unlock()
	if known, ok := c.organizationNamed(org.Name); ok {
		return known, nil
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
	all := sorted(c.organizations, func(core.Organization) bool { return true }, func(a, b core.Organization) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), byID(a.ID, b.ID))
	})
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

// OrganizationNamed implements [core.Organizations].
func (c *Catalog) OrganizationNamed(ctx context.Context, name string) (core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return core.Organization{}, err
	}
	defer c.mu.Unlock()
	org, ok := c.organizationNamed(name)
	if !ok {
		return core.Organization{}, missing("organization")
	}
	return org, nil
}

// Organizations implements [core.Organizations].
func (c *Catalog) Organizations(ctx context.Context, after string, limit int) ([]core.Organization, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.mu.Unlock()
	all := sorted(c.organizations, func(org core.Organization) bool { return org.Name > after },
		func(a, b core.Organization) int { return strings.Compare(a.Name, b.Name) })
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
	if other, ok := c.organizationNamed(org.Name); ok && other.ID != org.ID {
		return core.Errorf(core.CodeConflict, "an organization named %q already exists", org.Name)
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
		Keys:    count(c.keys, func(k core.APIKey) bool { return k.Org == org && k.RevokedAt == nil }),
		Users:   count(c.users, func(u core.User) bool { return u.Org == org }),
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
