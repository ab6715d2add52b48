// Package casbinauth decides what a role may do, by the policies in policies/.
package casbinauth

import (
	"fmt"
	"slices"
	"strings"

	"github.com/casbin/casbin/v2"
	"github.com/casbin/casbin/v2/model"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/policies"
)

// Authorizer implements [core.Authorizer]. The policies are small, and fixed for
// the life of a process. So Casbin decides once, at the start, about every role and
// action, in the own organization and in another one. A request costs a look-up.
type Authorizer struct {
	// allowed has an answer for each grant that exists. It is not changed after
	// New, so it needs no lock. A role or action that is not in it is not allowed.
	allowed map[grant]bool
}

// grant is a question: may the role do this, in its own organization or in
// another one?
type grant struct {
	role   core.Role
	own    bool
	action core.Action
}

// Two organizations stand for all: the policies compare organizations, and know
// none by name.
const (
	home      = "home"
	elsewhere = "elsewhere"
)

// New loads the policies of the build.
func New() (*Authorizer, error) { return load(policies.Model, policies.Policy) }

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
			for _, org := range []string{home, elsewhere} {
				allowed, err := enforcer.Enforce(string(role), home, org, string(action))
				if err != nil {
					return nil, fmt.Errorf("deciding %s for %s: %w", action, role, err)
				}
				a.allowed[grant{role, org == home, action}] = allowed
			}
		}
	}
	return a, nil
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
	if len(fields) != 3 || !slices.Contains(core.Roles, core.Role(fields[1])) {
		return fmt.Errorf("%q does not grant anything to an existing role", fields)
	}
	var err error
	switch {
	case fields[0] == "p" && slices.Contains(core.Actions, core.Action(fields[2])):
		_, err = enforcer.AddPolicy(fields[1], fields[2])
	case fields[0] == "g" && slices.Contains(core.Roles, core.Role(fields[2])):
		_, err = enforcer.AddGroupingPolicy(fields[1], fields[2])
	default:
		return fmt.Errorf("%q does not name an existing action or role", fields)
	}
	return err
}

// Allow implements [core.Authorizer]. Whatever belongs to another organization is
// Not Found and never Forbidden, because Forbidden would tell that it exists.
func (a *Authorizer) Allow(who core.Principal, org core.ID, action core.Action) error {
	own := who.Org == org
	switch {
	case a.allowed[grant{who.Role, own, action}]:
		return nil
	case !own:
		return core.Errorf(core.CodeNotFound, "there is no such resource")
	}
	return core.Errorf(core.CodeForbidden, "this needs the permission %s, which the role %s does not have", action, who.Role)
}
