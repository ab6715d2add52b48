package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/identity"
)

// operator is whoever has the server's settings, at work on an organization:
// with the server running or not.
type operator struct {
	cfg        Config
	catalog    core.Catalog
	authorizer core.Authorizer
	org        core.Organization
	trail      *trail
	now        core.Clock
}

// organizationFlag lets a command and those below it name the organization.
func organizationFlag(command *cobra.Command) *string {
	return command.PersistentFlags().String("org", "", "the `name` or id of the organization (default: the first one of the installation)")
}

// operate runs a command on the catalog that the settings name, where the
// operator may do what the table of commands says that it does. An empty name is
// the installation's first organization.
func (p *program) operate(cmd *cobra.Command, s *settings, organization string, do func(operator) error) (err error) {
	ctx, o := cmd.Context(), operator{}
	if o.cfg, err = operatorSettings(s); err != nil {
		return err
	}
	if o.authorizer, err = casbinauth.New(); err != nil {
		return err
	}
	u, err := o.cfg.catalogURL()
	if err != nil {
		return wrong("catalog", err.Error())
	}
	if o.catalog, err = catalog.Open(ctx, u); err != nil {
		return fmt.Errorf("opening the catalog: %w", err)
	}
	defer func() { err = errors.Join(err, o.catalog.Close()) }()
	clock, err := sharedClock(ctx, time.Now, slog.New(slog.DiscardHandler), o.catalog)
	if err != nil {
		return err
	}
	o.now = clock.Now
	if organization == "" {
		o.org, err = p.firstOrganization(ctx, &o)
	} else {
		o.org, err = findOrganization(ctx, o.catalog, organization)
	}
	if err != nil {
		return err
	}
	if err := o.authorizer.Allow(o.principal(), o.org.ID, commandActions[commandName(cmd)]); err != nil {
		return err
	}
	o.trail = &trail{program: p, cfg: o.cfg, catalog: o.catalog, org: o.org, talk: cmd.ErrOrStderr()}
	return do(o)
}

// firstOrganization begins an installation where there is none yet.
func (p *program) firstOrganization(ctx context.Context, o *operator) (org core.Organization, err error) {
	_, err = o.catalog.OldestOrganization(ctx)
	u, _ := storeURL(o.cfg.Store) // it was checked
	if core.IsNotFound(err) && u != nil && p.shared[u.Scheme] {
		storage, err := p.openSharedStorage(ctx, o.cfg, o.catalog)
		if err != nil {
			return org, err
		}
		if err := errors.Join(checkWhole(ctx, o.catalog, storage), storage.Close()); err != nil {
			return org, err
		}
	}
	return identity.FirstOrganization(ctx, o.catalog, o.now())
}

// findOrganization returns the organization of an id or a name. Several may have one
// name, because the name is for them to choose: then it takes the id.
func findOrganization(ctx context.Context, catalog core.Organizations, ref string) (core.Organization, error) {
	if id, err := core.ParseID(ref); err == nil {
		if org, err := catalog.Organization(ctx, id); !core.IsNotFound(err) {
			return org, err
		}
	}
	named, err := catalog.OrganizationsNamed(ctx, ref)
	if err != nil {
		return core.Organization{}, err
	}
	switch len(named) {
	case 0:
		return core.Organization{}, core.Errorf(core.CodeNotFound, "there is no such organization: %q; 'eventflow org list' shows all", ref)
	case 1:
		return named[0], nil
	}
	ids := make([]string, len(named))
	for i, org := range named {
		ids[i] = org.ID.String() + " (created " + tableTime(org.CreatedAt) + ")"
	}
	return core.Organization{}, core.Errorf(core.CodeConflict, "%d organizations are named %q: give the id instead, one of %s", len(named), ref, strings.Join(ids, ", "))
}

// operatorSettings are the server's, with the secret that `eventflow dev` keeps
// in the data folder where they have none.
func operatorSettings(s *settings) (Config, error) {
	cfg, err := s.load(os.Environ())
	if err != nil {
		return cfg, err
	}
	if cfg.Secret == "" {
		if kept, err := os.ReadFile(filepath.Join(devFolder(cfg), secretFile)); err == nil {
			cfg.Secret = strings.TrimSpace(string(kept))
		}
	}
	return cfg, cfg.validateSecret()
}

// principal is the operator at work on the organization.
func (o operator) principal() core.Principal { return operatorOf(o.org) }

// operatorOf is whoever operates the server, as the rules and the audit trail
// know people: an admin of the organization, who is neither a user nor a key.
func operatorOf(org core.Organization) core.Principal {
	return core.Principal{Org: org.ID, Label: "operator", Role: core.RoleAdmin, From: thisProgram()}
}

// identity returns the use cases of people and credentials, as the commands need
// them: they send no mail, and nothing holds their attempts up.
func (o operator) identity() (*identity.UseCases, error) {
	needs, err := identityPorts(o.cfg, o.catalog, o.authorizer, o.now)
	if err != nil {
		return nil, err
	}
	needs.Streams = eventlog.NewStreams(eventlog.StreamPorts{Catalog: o.catalog, Authorizer: o.authorizer, Now: o.now}) // looks streams up
	needs.Shares, needs.Record = o.shares(), o.trail.record
	return identity.New(needs)
}

// shares knows what organizations may have, by the settings and by their own bounds.
func (o operator) shares() *eventlog.Shares {
	return eventlog.NewShares(eventlog.SharePorts{
		Organizations: o.catalog, Holdings: o.catalog, Authorizer: o.authorizer, General: o.cfg.shares(), Now: o.now,
	})
}

// thisProgram is where a command comes from, as the trail knows visitors.
func thisProgram() core.Visitor { return core.Visitor{UserAgent: "eventflow/" + Version} }
