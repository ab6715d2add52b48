// Package casbinauth decides what a role may do, by the policies in policies/.
package casbinauth

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/policies"
)

// Authorizer implements [core.Authorizer]. The policies are small, and fixed for
// the life of a process. So Casbin decides once, for all authorizers, about every
// role, bearer and action, in the own organization and in another one. A request
// costs a look-up.
type Authorizer struct {
	// allowed has an answer for each grant that exists. It is not changed after
	// New, so it needs no lock. A role or action that is not in it is not allowed.
	allowed map[grant]bool
}

// grant is a question: may a bearer of the role do this, in its own organization or
// in another one?
type grant struct {
	role   core.Role
	bearer core.Bearer
	own    bool
	action core.Action
}

// Two organizations stand for all: the policies compare organizations, and know
// none by name.
const (
	home      = "home"
	elsewhere = "elsewhere"
)

// New returns an authorizer by the policies of the build.
func New() (*Authorizer, error) { return ofBuild() }

var ofBuild = sync.OnceValues(func() (*Authorizer, error) { return load(policies.Model, policies.Policy) })

// load decides all questions by a model and a policy.
func load(modelText, policyText string) (*Authorizer, error) {
	rules, err := model.NewModelFromString(modelText)
	if err != nil {
		return nil, fmt.Errorf("the model in policies/: %w", err)
	}
	enforcer, err := casbin.NewEnforcer(rules)
	if err != nil {
		return nil, fmt.Errorf("the model in policies/: %w", err)
	}
	if err := addRules(enforcer, policyText); err != nil {
		return nil, err
	}
	a := &Authorizer{allowed: map[grant]bool{}}
	for _, role := range core.Roles {
		for _, action := range core.Actions {
			if err := a.decide(enforcer, role, action); err != nil {
				return nil, fmt.Errorf("deciding %s for %s: %w", action, role, err)
			}
		}
	}
	return a, nil
}

// decide answers all questions about a role and an action.
func (a *Authorizer) decide(enforcer *casbin.Enforcer, role core.Role, action core.Action) error {
	for _, bearer := range core.Bearers {
		for _, org := range []string{home, elsewhere} {
			allowed, err := enforcer.Enforce(string(role), bearer.String(), home, org, string(action))
			if err != nil {
				return err
			}
			a.allowed[grant{role, bearer, org == home, action}] = allowed
		}
	}
	return nil
}

// addRules reads the policy. It refuses roles and actions that do not exist:
// Casbin would take a misspelt one for the name of another, and nobody would
// notice that the right is missing.
func addRules(enforcer *casbin.Enforcer, policyText string) error {
	for number, line := range strings.Split(policyText, "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, ",")
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		if err := addRule(enforcer, fields); err != nil {
			return fmt.Errorf("policies/policy.csv line %d: %w", number+1, err)
		}
	}
	return nil
}

func addRule(enforcer *casbin.Enforcer, fields []string) error {
	var err error
	switch {
	case len(fields) == 4 && fields[0] == "p" && isRole(fields[1]) && slices.Contains(core.Actions, core.Action(fields[2])) && isBearer(fields[3]):
		_, err = enforcer.AddPolicy(fields[1], fields[2], fields[3])
	case len(fields) == 3 && fields[0] == "g" && isRole(fields[1]) && isRole(fields[2]):
		_, err = enforcer.AddGroupingPolicy(fields[1], fields[2])
	case len(fields) == 3 && fields[0] == "g2" && isBearer(fields[1]) && isBearer(fields[2]):
		_, err = enforcer.AddNamedGroupingPolicy("g2", fields[1], fields[2])
	default:
		return fmt.Errorf("%q does not name existing roles, actions and bearers", fields)
	}
	return err
}

func isRole(name string) bool { return slices.Contains(core.Roles, core.Role(name)) }

func isBearer(name string) bool {
	return slices.ContainsFunc(core.Bearers, func(bearer core.Bearer) bool { return bearer.String() == name })
}

// Allow implements [core.Authorizer]. Whatever belongs to another organization is
// Not Found and never Forbidden, because Forbidden would tell that it exists.
func (a *Authorizer) Allow(who core.Principal, org core.ID, action core.Action) error {
	bearer, own := who.Bearer(), who.Org == org
	switch {
	case a.allowed[grant{who.Role, bearer, own, action}]:
		return nil
	case !own:
		return core.Errorf(core.CodeNotFound, "there is no such resource")
	case a.allowed[grant{who.Role, core.BearerKey, own, action}]:
		return core.Errorf(core.CodeForbidden, "this needs the permission %s, which a key that is limited to streams does not have", action)
	case a.allowed[grant{who.Role, core.BearerPerson, own, action}]:
		return core.Errorf(core.CodeForbidden, "this needs the permission %s, which keys do not have: sign in as a person", action)
	}
	return core.Errorf(core.CodeForbidden, "this needs the permission %s, which the role %s does not have", action, who.Role)
}
