package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The dashboards in the project are those of the tables.
func TestTheDashboardsAreWritten(t *testing.T) {
	t.Parallel()
	found, err := filepath.Glob("dashboards/*")
	require.NoError(t, err)
	require.Len(t, found, len(boards))
	for _, one := range boards {
		text, err := os.ReadFile(filepath.Join("dashboards", one.file()))
		require.NoError(t, err)
		require.Equal(t, string(one.encode()), string(text), "run: go run ./deploy/grafana")
	}
}
