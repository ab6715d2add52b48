package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/reference/referencetest"
)

// TestMain holds every answer that a test gets over the ordinary transport to the reference.
func TestMain(m *testing.M) {
	checked, err := referencetest.NewTransport(http.DefaultTransport)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	http.DefaultTransport = checked
	os.Exit(m.Run())
}

// Anybody may read the reference: it says nothing about the server. The page runs no script
// and loads nothing.
func TestTheReferenceIsForEverybody(t *testing.T) {
	t.Parallel()
	f := start(t)
	for path, media := range map[string]string{"/docs": "text/html; charset=utf-8", "/openapi.json": rest.TypeJSON} {
		got := f.do("GET", path, nil, "-")
		require.Equal(t, 200, got.StatusCode)
		require.Equal(t, media, got.Header.Get("Content-Type"))
		require.Contains(t, got.Header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Equal(t, 304, f.do("GET", path, nil, "-", "If-None-Match: "+got.Header.Get("ETag")).StatusCode)
		require.Equal(t, "gzip", f.do("GET", path, nil, "-", "Accept-Encoding: gzip").Header.Get("Content-Encoding"))
		require.Empty(t, f.do("HEAD", path, nil, "-").body)
		require.Equal(t, 405, f.do("POST", path, nil, "-").StatusCode)
	}
	page := string(f.do("GET", "/docs", nil, "-").body)
	require.NotContains(t, page, "<script")
	require.NotContains(t, page, "style=")
	require.NotRegexp(t, `(?:src|href)="(?:https?:)?//`, page)
	var document struct{ Paths map[string]map[string]any }
	require.NoError(t, json.Unmarshal(f.do("GET", "/openapi.json", nil, "-").body, &document))
	for path := range document.Paths {
		require.Contains(t, page, path)
	}
}

// Each link of the page leads to a place in it, and no two places have one name.
func TestTheLinksOfTheReferenceLeadSomewhere(t *testing.T) {
	t.Parallel()
	page := string(start(t).do("GET", "/docs", nil, "-").body)
	links := regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1)
	require.Greater(t, len(links), 100)
	for _, link := range links {
		require.Equal(t, 1, strings.Count(page, ` id="`+link[1]+`"`), link[1])
	}
}
