package app_test

import (
	"fmt"
	"go/ast"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// requirements are the numbers of level 1 and 2 in the chapters of OWASP ASVS
// 5.0.0 that docs/security.md goes through.
const requirements = `
	3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.1-2
	4.1.1-3 4.2.1-1 4.3.1-2 4.4.1-4
	6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.1-3 6.8.1-4
	7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2
	8.1.1-2 8.2.1-3 8.3.1-1 8.4.1-1
	9.1.1-3 9.2.1-4
	11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1-1 11.6.1-1
	12.1.1-3 12.2.1-2 12.3.1-4
	13.1.1-1 13.2.1-5 13.3.1-2 13.4.1-5
	16.1.1-1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3`

func readDocument(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	require.NoError(t, err)
	return string(text)
}

// Every requirement is answered once: by a row, or as one that does not apply.
func TestEveryRequirementIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	rows, rest, found := strings.Cut(readDocument(t, "docs/security.md"), "\n## Not applicable\n")
	require.True(t, found)
	answered := map[string]int{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+\.\d+\.\d+) \|`).FindAllStringSubmatch(rows, -1) {
		answered[row[1]]++
	}
	for _, group := range regexp.MustCompile(`(?m)^- ([0-9., ]+): .+\.$`).FindAllStringSubmatch(rest, -1) {
		for number := range strings.SplitSeq(group[1], ", ") {
			answered[number]++
		}
	}
	wanted := map[string]int{}
	for span := range strings.FieldsSeq(requirements) {
		var chapter, section, first, last int
		_, err := fmt.Sscanf(span, "%d.%d.%d-%d", &chapter, &section, &first, &last)
		require.NoError(t, err, span)
		for i := first; i <= last; i++ {
			wanted[fmt.Sprintf("%d.%d.%d", chapter, section, i)] = 1
		}
	}
	require.Equal(t, wanted, answered)
}

// What is said to be met is shown by something; what shows nothing is open.
func TestEveryAnswerIsShownOrOpen(t *testing.T) {
	t.Parallel()
	counted := 0
	for _, name := range []string{"SECURITY.md", "docs/security.md"} {
		for row := range strings.Lines(readDocument(t, name)) {
			cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
			if !regexp.MustCompile(`^\| (API\d+|\d+\.\d+\.\d+) `).MatchString(row) {
				continue
			}
			counted++
			how, shown := strings.TrimSpace(cells[len(cells)-2]), strings.TrimSpace(cells[len(cells)-1])
			require.NotEmpty(t, how, row)
			if shown == "–" {
				require.Contains(t, how, "open: ", row)
				continue
			}
			require.Regexp(t, "^`[^`]+`(, `[^`]+`)*$", shown, row)
		}
	}
	require.Greater(t, counted, 100)
}

// Tests and files that are named are there, by their full names.
func TestWhatTheSecurityDocumentsNameExists(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	for _, s := range readModule(t) {
		for _, declaration := range s.file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok && s.test() {
				tests[f.Name.Name] = true
			}
		}
	}
	for _, name := range []string{"SECURITY.md", "docs/security.md", "docs/http.md"} {
		text := readDocument(t, name)
		for _, test := range regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(text, -1) {
			require.True(t, tests[test], "%s names %s, which is nowhere", name, test)
		}
		for _, path := range regexp.MustCompile("`((?:[\\w.-]+/)+[\\w.-]*|[\\w.-]+\\.(?:go|md|mod))`").FindAllStringSubmatch(text, -1) {
			_, err := os.Stat("../" + path[1])
			require.NoError(t, err, name)
		}
	}
}
