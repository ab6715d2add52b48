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
		core.RoleViewer:   {core.ActionReadEvents, core.ActionReadStreams, core.ActionReadGroups, core.ActionReadLetters, core.ActionReadOrganization},
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

func without(actions []core.Action, left ...core.Action) []core.Action {
	return slices.DeleteFunc(slices.Clone(actions), func(action core.Action) bool { return slices.Contains(left, action) })
}

func contains(actions []core.Action, action core.Action) bool {
	return slices.Contains(actions, action)
}

func TestAMisspeltPolicyRefusesToLoad(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{
		"p, produser, events:ingest", "p, producer, event:ingest", "g, developer, manager", "x, admin, events:read", "p, admin",
	} {
		_, err := load(policies.Model, policy)
		require.ErrorContains(t, err, "line 1", policy)
	}
	_, err := load("nonsense", policies.Policy)
	require.Error(t, err)
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
			word := " – |"
			if authorizer.Allow(core.Principal{Role: role}, core.ID{}, action) == nil {
				word = " yes |"
			}
			row += word
		}
		require.Contains(t, string(text), "\n"+row+"\n")
	}
	require.Len(t, regexp.MustCompile("(?m)^\\| `[a-z]+:[a-z]+` \\|").FindAllString(string(text), -1), len(core.Actions), "no row more")
}
