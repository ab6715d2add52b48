package app

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/core"
)

// runnable lists the commands that can be run below one, by their names.
func runnable(cmd *cobra.Command) (names []string) {
	if cmd.HasParent() && cmd.Runnable() {
		names = append(names, commandName(cmd))
	}
	for _, sub := range cmd.Commands() {
		names = append(names, runnable(sub)...)
	}
	return names
}

// Every command that can be run says what it does, and nothing else does.
func TestEveryCommandHasItsAction(t *testing.T) {
	t.Parallel()
	root := newRoot(newProgram(nil))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	require.ElementsMatch(t, slices.Collect(maps.Keys(commandActions)), runnable(root))
	authorizer, err := casbinauth.New()
	require.NoError(t, err)
	org := core.Organization{ID: core.ID{1}}
	for name, action := range commandActions {
		if action == noOrganization {
			continue
		}
		require.Contains(t, core.Actions, action, name)
		require.NoError(t, authorizer.Allow(operator{org: org}.principal(), org.ID, action), "%s: the operator may", name)
		err := authorizer.Allow(operator{org: org}.principal(), core.ID{2}, action)
		require.Equal(t, core.CodeNotFound, core.CodeOf(err), "%s: there, and nowhere else", name)
	}
}

// A command without an action gets nowhere near an organization.
func TestACommandWithoutAnActionTouchesNoOrganization(t *testing.T) {
	t.Parallel()
	p := newProgram(nil)
	file := filepath.Join(t.TempDir(), "settings")
	require.NoError(t, os.WriteFile(file, []byte("EVENTFLOW_SECRET="+strings.Repeat("secret", 6)+"\n"), 0o600))
	for _, name := range []string{"config", "forgotten"} {
		root := &cobra.Command{Use: "eventflow", SilenceErrors: true, SilenceUsage: true}
		s := bindConfig(root.PersistentFlags())
		root.AddCommand(&cobra.Command{Use: name, RunE: func(cmd *cobra.Command, _ []string) error {
			return p.operate(cmd, s, "", func(operator) error {
				require.Fail(t, "it was let in", name)
				return nil
			})
		}})
		root.SetArgs([]string{name, "--config", file, "--store", "sqlite:" + t.TempDir()})
		err := root.ExecuteContext(t.Context())
		require.Equal(t, core.CodeForbidden, core.CodeOf(err), "%s: %v", name, err)
	}
}

// What people read about the commands is what is in force.
func TestTheDocumentedCommandsAreTrue(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../SECURITY.md")
	require.NoError(t, err)
	var rows []string
	for _, name := range slices.Sorted(maps.Keys(commandActions)) {
		if action := commandActions[name]; action != noOrganization {
			rows = append(rows, fmt.Sprintf("| `eventflow %s` | `%s` |", name, action))
		}
	}
	require.Equal(t, rows, regexp.MustCompile("(?m)^\\| `eventflow .*$").FindAllString(string(text), -1))
}
