package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/argon2"
	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jwt"
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
}

// organizationFlag lets a command and those below it name the organization.
func organizationFlag(command *cobra.Command) *string {
	return command.PersistentFlags().String("org", "", "the `name` of the organization (default: the first one of the installation)")
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
	if organization == "" {
		o.org, err = identity.FirstOrganization(ctx, o.catalog, time.Now())
	} else {
		o.org, err = o.catalog.OrganizationNamed(ctx, organization)
	}
	if err != nil {
		return err
	}
	if err := o.authorizer.Allow(o.principal(), o.org.ID, commandActions[commandName(cmd)]); err != nil {
		return err
	}
	o.trail = &trail{program: p, cfg: o.cfg, org: o.org, talk: cmd.ErrOrStderr()}
	return do(o)
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

// principal is the operator, as the rules know people.
func (o operator) principal() core.Principal {
	return core.Principal{Org: o.org.ID, Label: "operator", Role: core.RoleAdmin, From: thisProgram()}
}

// accounts is the people of the installation.
func (o operator) accounts() (*identity.Accounts, error) {
	tokens, err := jwt.New(o.cfg.secrets()...)
	if err != nil {
		return nil, err
	}
	return identity.NewAccounts(identity.AccountPorts{
		Organizations: o.catalog, Users: o.catalog, Sessions: o.catalog, Tickets: o.catalog, Hasher: argon2.New(runtime.NumCPU()),
		Tokens: tokens, Authorizer: o.authorizer, Links: o.cfg.links(), Record: o.trail.record,
	}, []byte(o.cfg.Secret), []byte(o.cfg.SecretPrevious), time.Now), nil
}

// keys is the credentials of the organization.
func (o operator) keys() (*identity.Keys, error) {
	access, err := identity.NewAccess(o.catalog, o.catalog, []byte(o.cfg.Secret), []byte(o.cfg.SecretPrevious), time.Now)
	if err != nil {
		return nil, err
	}
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: o.catalog, Authorizer: o.authorizer, Now: time.Now}) // looks streams up
	return identity.NewKeys(identity.KeyPorts{
		Access: access, Credentials: o.catalog, Streams: streams, Authorizer: o.authorizer, Record: o.trail.record, Now: time.Now,
	}), nil
}

// record writes into the trail what the operator has done.
func (o operator) record(ctx context.Context, action core.AuditAction, kind string, target core.ID) {
	o.trail.record(ctx, o.principal().Did(action, kind, target))
}

// thisProgram is where a command comes from, as the trail knows visitors.
func thisProgram() core.Visitor { return core.Visitor{UserAgent: "eventflow/" + Version} }
