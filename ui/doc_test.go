//go:build !js

package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that is added has its place in the description of the package.
func TestTheDescriptionNamesEveryFile(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	description, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	named := map[string]bool{"doc.go": true}
	for word := range strings.FieldsSeq(string(description)) {
		named[strings.TrimRight(word, ",.;:")] = true
	}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") {
			require.True(t, named[file], "doc.go does not name %s", file)
			delete(named, file)
		}
	}
	for name := range named {
		require.False(t, strings.HasSuffix(name, ".go"), "doc.go names %s, which is not there", name)
	}
}
