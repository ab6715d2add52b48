package app

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// settingsTable is the README's table of settings, made from the code.
func settingsTable() string {
	var b strings.Builder
	bindConfig(pflag.NewFlagSet("readme", pflag.ContinueOnError)).flags.VisitAll(func(flag *pflag.Flag) {
		value := "–"
		if flag.DefValue != "" {
			value = "`" + flag.DefValue + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", envName(flag.Name), value, flag.Usage)
	})
	return b.String()
}

func TestTheReadmeListsEverySetting(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	require.Contains(t, string(readme), settingsTable())
}
