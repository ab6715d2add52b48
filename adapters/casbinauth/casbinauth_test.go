package casbinauth

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/policies"
)

func TestEveryRoleAndAction(t *testing.T) {
	t.Parallel()
	may := map[core.Role][]core.Action{
		core.RoleAdmin: core.Actions,
		core.RoleDeveloper: without(core.Actions, core.ActionManageKeys, core.ActionReadUsers, core.ActionWriteUsers,
			core.ActionWriteOrganization, core.ActionCreateOrganizations, core.ActionReadAudit),
		core.RoleViewer: {
			core.ActionReadEvents, core.ActionReadStreams, core.ActionReadGroups, core.ActionReadLetters, core.ActionReadProcessors,
			core.ActionReadDeliveries, core.ActionReadSources, core.ActionReadOrganization,
		},
		core.RoleConsumer: {core.ActionReadEvents, core.ActionReadStreams, core.ActionConsume, core.ActionReadGroups},
		core.RoleProducer: {core.ActionIngest},
		"nobody":          nil,
	}
	authorizer, err := New()
	require.NoError(t, err)
	require.Len(t, may, len(core.Roles)+1, "the table covers every role")
	for role, actions := range may {
		for _, action := range core.Actions {
			foreign := authorizer.Allow(core.Principal{Org: core.ID{1}, Role: role}, core.ID{2}, action)
			require.Equal(t, core.CodeNotFound, core.CodeOf(foreign), "%s %s elsewhere", role, action)
			err := authorizer.Allow(core.Principal{Org: core.ID{1}, Role: role}, core.ID{1}, action)
			if contains(actions, action) {
				require.NoError(t, err, "%s %s", role, action)
				continue
			}
			require.Equal(t, core.CodeForbidden, core.CodeOf(err), "%s %s", role, action)
			require.ErrorContains(t, err, string(action), "a refusal names the permission")
		}
	}
}

// What a bearer is takes permissions away, whatever the role: a key makes no people,
// and a key that is narrowed to streams has no action outside of them.
func TestABearerBoundsEveryRole(t *testing.T) {
	t.Parallel()
	outside := []core.Action{
		core.ActionReadUsers, core.ActionWriteUsers, core.ActionReadOrganization, core.ActionWriteOrganization,
		core.ActionCreateOrganizations, core.ActionReadAudit, core.ActionWriteProcessors, core.ActionWriteSources,
	}
	bearers := map[core.Bearer]struct {
		who  core.Principal
		lost []core.Action
		why  string
	}{
		core.BearerPerson:   {core.Principal{User: core.ID{5}}, nil, ""},
		core.BearerKey:      {core.Principal{Key: core.ID{6}}, []core.Action{core.ActionWriteUsers, core.ActionCreateOrganizations}, "which keys do not have"},
		core.BearerNarrowed: {core.Principal{Key: core.ID{6}, Streams: []core.ID{{7}}}, outside, "have"},
	}
	require.Len(t, bearers, len(core.Bearers), "the table covers every bearer")
	authorizer, err := New()
	require.NoError(t, err)
	for _, role := range core.Roles {
		for _, action := range core.Actions {
			person := authorizer.Allow(core.Principal{Role: role}, core.ID{}, action)
			for bearer, b := range bearers {
				b.who.Role = role
				require.Equal(t, bearer, b.who.Bearer())
				err := authorizer.Allow(b.who, core.ID{}, action)
				if !contains(b.lost, action) || person != nil {
					require.Equal(t, person == nil, err == nil, "%s %s %s", bearer, role, action)
					continue
				}
				require.Equal(t, core.CodeForbidden, core.CodeOf(err), "%s %s %s", bearer, role, action)
				require.ErrorContains(t, err, string(action)+", which ")
				require.ErrorContains(t, err, b.why)
				require.NotContains(t, err.Error(), "the role", "it is not the role that is missing")
			}
		}
	}
}

func without(actions []core.Action, left ...core.Action) []core.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(action core.Action) bool { return slices.Contains(left, action) })
}

func contains(actions []core.Action, action core.Action) bool {
	return slices.Contains(actions, action)
}

func TestAMisspeltPolicyRefusesToLoad(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{
		"p, produser, events:ingest, key", "p, producer, event:ingest, key", "p, producer, events:ingest, keys", "p, producer, events:ingest",
		"g, developer, manager", "g2, person, token", "g2, people, key", "x, admin, events:read, key", "p, admin",
	} {
		_, err := load(policies.Model, policy)
		require.ErrorContains(t, err, "line 1", policy)
	}
	_, err := load("nonsense", policies.Policy)
	require.Error(t, err)
}

// word says in the table what somebody of a role has to be to do something.
func word(authorizer *Authorizer, role core.Role, action core.Action) string {
	for i, who := range []core.Principal{{Key: core.ID{1}, Streams: []core.ID{{2}}}, {Key: core.ID{1}}, {}} {
		who.Role = role
		if authorizer.Allow(who, core.ID{}, action) == nil {
			return []string{"yes", "not narrowed", "people"}[i]
		}
	}
	return "–"
}

// The table that people read is the policy that is in force.
func TestTheDocumentedTableIsTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../SECURITY.md")
	require.NoError(t, err)
	authorizer, err := New()
	require.NoError(t, err)
	for _, action := range core.Actions {
		row := "| `" + string(action) + "` |"
		for _, role := range core.Roles {
			row += " " + word(authorizer, role, action) + " |"
		}
		require.Contains(t, string(text), "\n"+row+"\n")
	}
	require.Len(t, regexp.MustCompile("(?m)^\\| `[a-z]+:[a-z]+` \\|").FindAllString(string(text), -1), len(core.Actions), "no row more")
}
