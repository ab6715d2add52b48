package browser_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/browser"
)

func TestTheIndexShowsEveryPictureLightBesideDark(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"full-home.png", "full-home-dark.png", "empty-home.png", "phone-new-stream.png", "phone-only-dark.png", "chosen.png", "notes.txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	require.NoError(t, browser.WriteIndex(folder))
	written, err := os.ReadFile(filepath.Join(folder, browser.IndexName))
	require.NoError(t, err)
	page := string(written)
	require.Equal(t, 6, strings.Count(page, "<img "), page)
	require.Equal(t, 5, strings.Count(page, "<figure>"), "a dark picture is beside its light one")
	for _, wanted := range []string{">the same on a phone</h2>", "on a phone (2)", ">others</h2>", ">chosen<", `<figcaption>new-stream<`, `alt="home, dark"`, `href="full-home-dark.png"`} {
		require.Contains(t, page, wanted)
	}
	require.NotContains(t, page, "notes.txt")
}
