package app_test

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The rules of the house, held by reading every file in this process: go test
// notices when one of them changes, which it would not if a command read them.
func TestArchitecture(t *testing.T) {
	t.Parallel()
	sources := readModule(t)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			for _, s := range sources {
				for _, violation := range r.check(s) {
					t.Errorf("%s: %s", s.path, violation)
				}
			}
		})
	}
}

// Every rule must be able to fail, or it holds nothing.
func TestArchitectureRulesCatchViolations(t *testing.T) {
	t.Parallel()
	broken := map[string]bool{}
	for _, c := range violations {
		t.Run(c.rule+"/"+c.path, func(t *testing.T) {
			t.Parallel()
			found := ruleNamed(t, c.rule).check(c.parse(t))
			require.Len(t, found, 1, "what the rule says of %s:\n%s", c.path, c.text)
			require.Contains(t, found[0], c.says)
		})
		broken[c.rule] = true
	}
	for _, r := range rules {
		require.True(t, broken[r.name], "no example breaks the rule %q", r.name)
	}
}

// What looks like a violation and is none.
func TestArchitectureRulesAllow(t *testing.T) {
	t.Parallel()
	for _, c := range allowed {
		t.Run(c.rule+"/"+c.path, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, ruleNamed(t, c.rule).check(c.parse(t)))
		})
	}
}

// source is one Go file; its path is relative to the module, with slashes.
type source struct {
	path  string
	file  *ast.File
	lines int
	// wasm says that the file is part of a build for js/wasm.
	wasm bool
	// beside names the folder's other files, tests aside.
	beside []string
}

// folder is where the file lies, with a slash at its end.
func (s source) folder() string { return path.Dir(s.path) + "/" }

func (s source) in(folder string) bool { return strings.HasPrefix(s.path, folder+"/") }

// test reports whether the file is there for tests only.
func (s source) test() bool {
	return strings.HasSuffix(s.path, "_test.go") || s.in("core/internal/coretest")
}

// imports returns the paths the file imports.
func (s source) imports() []string {
	var paths []string
	for _, spec := range s.file.Imports {
		paths = append(paths, strings.Trim(spec.Path.Value, `"`))
	}
	return paths
}

// readModule parses the module's files, without testdata and folders that are modules
// of their own.
func readModule(t *testing.T) []source {
	t.Helper()
	var sources []source
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (isModule(root, name) || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		text, err := fs.ReadFile(root, name)
		if err == nil {
			sources = append(sources, parse(t, name, string(text)))
		}
		return err
	})
	require.NoError(t, err)
	for _, place := range []string{"core", "adapters", "app"} {
		require.True(t, anyIn(sources, place), "no file of %s was read: are the tests run from their folder?", place)
	}
	nameNeighbours(sources)
	return sources
}

func isModule(root fs.FS, folder string) bool {
	_, err := fs.Stat(root, path.Join(folder, "go.mod"))
	return err == nil
}

// nameNeighbours tells each file which others are beside it.
func nameNeighbours(sources []source) {
	folders := map[string][]string{}
	for _, s := range sources {
		if !s.test() {
			folders[s.folder()] = append(folders[s.folder()], path.Base(s.path))
		}
	}
	for i := range sources {
		self := path.Base(sources[i].path)
		sources[i].beside = slices.DeleteFunc(slices.Clone(folders[sources[i].folder()]), func(name string) bool { return name == self })
	}
}

func anyIn(sources []source, folder string) bool {
	for _, s := range sources {
		if s.in(folder) {
			return true
		}
	}
	return false
}

func parse(t *testing.T, name, text string) source {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	require.NoError(t, err)
	browser := build.Default
	browser.GOOS, browser.GOARCH, browser.CgoEnabled = "js", "wasm", false
	browser.OpenFile = func(string) (io.ReadCloser, error) { return io.NopCloser(bytes.NewBufferString(text)), nil }
	wasm, err := browser.MatchFile(filepath.Dir(name), filepath.Base(name))
	require.NoError(t, err)
	return source{path: name, file: file, lines: strings.Count(text, "\n"), wasm: wasm}
}

func ruleNamed(t *testing.T, name string) rule {
	t.Helper()
	for _, r := range rules {
		if r.name == name {
			return r
		}
	}
	t.Fatalf("there is no rule %q", name)
	return rule{}
}
