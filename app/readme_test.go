package app

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// settingsTable is the guide's table of settings, made from the code.
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

func TestTheDocsListEverySetting(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/settings.md")
	require.NoError(t, err)
	require.Contains(t, string(guide), settingsTable())
}

// TestTheReadmeNamesEveryFolder holds that a stranger finds in the README what each package
// of core and each adapter is there for.
func TestTheReadmeNamesEveryFolder(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	for _, room := range []struct{ folder, written string }{{"core", "`core/%s`"}, {"adapters", "`%s`"}, {"app/proof", "`app/proof/%s`"}} {
		folders, err := os.ReadDir(filepath.Join("..", room.folder))
		require.NoError(t, err)
		for _, folder := range folders {
			if folder.IsDir() {
				require.Contains(t, string(text), fmt.Sprintf(room.written, folder.Name()), "%s/%s", room.folder, folder.Name())
			}
		}
	}
}

// TestTheCommandsInTheDocsAreThere holds that each command line in docs/commands.md, and
// each of its flags, is one that the program has.
func TestTheCommandsInTheDocsAreThere(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/commands.md")
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^eventflow .*$`).FindAllString(string(text), -1)
	require.Greater(t, len(lines), 8)
	for _, line := range lines {
		line, _, _ = strings.Cut(line, " #")
		root := newRoot(newProgram(nil))
		var words []string
		for _, word := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
			words = append(words, word[1]+word[2])
		}
		command, rest, err := root.Find(words[1:])
		require.NoError(t, err, line)
		require.True(t, command.HasParent(), line)
		require.NoError(t, command.ParseFlags(rest), line)
		require.NoError(t, command.ValidateArgs(command.Flags().Args()), line)
	}
}

// TestTheDocsSayWhatIsTakenOver holds the list of settings that need no restart.
func TestTheDocsSayWhatIsTakenOver(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/commands.md")
	require.NoError(t, err)
	line := regexp.MustCompile(`(?m)^. taken over at once .*$`).FindString(string(text))
	for field := range reflect.TypeFor[Config]().Fields() {
		name := field.Tag.Get("name")
		family, _, _ := strings.Cut(name, "-")
		require.Equal(t, reloads(name), strings.Contains(line, "`"+name+"`") || strings.Contains(line, "`"+family+"-…`"), name)
	}
}

// TestTheManualKnowsEveryCommand holds the package's manual to the program.
func TestTheManualKnowsEveryCommand(t *testing.T) {
	t.Parallel()
	manual, err := os.ReadFile("../deploy/package/eventflow.1")
	require.NoError(t, err)
	for _, command := range newRoot(newProgram(nil)).Commands() {
		require.Regexp(t, `(?m)^\.It.* Cm `+command.Name()+`\b`, string(manual), "deploy/package/eventflow.1 says nothing of it")
	}
}

// TestTheDeploymentGuideNamesWhatIsThere holds that every file of docs/deployment.md
// can be found.
func TestTheDeploymentGuideNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/deployment.md")
	require.NoError(t, err)
	paths := regexp.MustCompile(`\bdeploy/[a-z.0-9/_-]*[a-z]`).FindAllString(string(guide), -1)
	require.Greater(t, len(paths), 15)
	for _, path := range paths {
		if path != "deploy/.env" { // which environment.sh writes
			_, err := os.Stat("../" + path)
			require.NoError(t, err)
		}
	}
	for _, script := range regexp.MustCompile(`\| `+"`([a-z]+\\.sh)`").FindAllStringSubmatch(string(guide), -1) {
		require.FileExists(t, "../deploy/check/"+script[1])
	}
}
