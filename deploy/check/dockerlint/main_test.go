package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var known = bases{"docker.io/library/golang:1.26.8-bookworm"}

// TestTheLinterFindsWhatIsBroken feeds it one Dockerfile for each mistake; the first
// line of each says what must be found.
func TestTheLinterFindsWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"unknown-instruction": "unknown instruction",
		"unknown-flag":        "unknown flag",
		"stage-misspelt":      "no image docker.io/library/biuld",
		"undefined-variable":  "UndefinedVar",
		"secret-in-env":       "SecretsUsedInArgOrEnv",
		"shell-form":          "JSONArgsRecommended",
		"two-commands":        "MultipleInstructionsDisallowed",
		"relative-folder":     "WorkdirRelativePath",
		"unknown-base":        "no image docker.io/library/golang:latest",
	} {
		found, err := lint(filepath.Join("testdata", name+".Dockerfile"), known)
		require.NoError(t, err)
		var said strings.Builder
		report(&said, name, found)
		require.Contains(t, said.String(), want, name)
	}
}

// TestTheLinterPassesWhatIsSound holds that a finding means something.
func TestTheLinterPassesWhatIsSound(t *testing.T) {
	t.Parallel()
	found, err := lint(filepath.Join("..", "..", "..", "Dockerfile"), known)
	require.NoError(t, err)
	require.Empty(t, found)
}
