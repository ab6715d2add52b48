package server_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/rest/server"
	"github.com/eventflow-go/eventflow/core"
)

// A browser gets the dashboard at the root, and a program is told where to go on.
func TestTheRootAnswersPeopleAndPrograms(t *testing.T) {
	t.Parallel()
	f := start(t, withSite(someSite))
	for accept, page := range map[string]bool{
		"":                                       false,
		"*/*":                                    false, // curl
		"application/json":                       false,
		"text/html;q=0":                          false,
		"text/html;q=0, */*":                     false,
		"text/html;q=0.5, application/json":      false,
		"text/plain":                             false,
		"text/html":                              true,
		"TEXT/HTML":                              true,
		"text/html,application/xml;q=0.9,*/*":    true,
		"application/json;q=0.5, text/html":      true,
		"text/html;q=0.8, application/json;q=.8": true,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			got := f.do(method, "/?from=monitoring", nil, "-", "Accept: "+accept)
			require.Equal(t, 200, got.StatusCode, accept)
			require.Equal(t, page, got.Header.Get("Content-Type") == "text/html; charset=utf-8", accept)
			require.Contains(t, got.Header.Get("Vary"), "Accept", accept)
			if !page {
				require.Equal(t, "application/json", got.Header.Get("Content-Type"), accept)
			}
			if method == "HEAD" {
				require.Empty(t, got.body)
				require.Positive(t, got.ContentLength)
			}
		}
	}
	require.Equal(t, 405, f.do("POST", "/", nil, "-").StatusCode)
}

// What the root tells programs leads somewhere, and does not tell which version this
// is: neither to nobody in particular nor to a key.
func TestTheRootTellsProgramsWhereToGoOn(t *testing.T) {
	t.Parallel()
	system := func(o *server.Options, _ *fixture) {
		o.System = func(core.Principal) rest.System { return rest.System{Version: "v1.2.3-secret"} }
	}
	for name, f := range map[string]*fixture{
		"with a dashboard": start(t, withSite(someSite), system), "without": start(t, system), "limited": start(t, system, withLimiter(&counter{}, someRates)),
	} {
		got := f.do("GET", "/", nil, "Accept: */*")
		require.NotContains(t, string(got.body), "v1.2.3-secret")
		require.Empty(t, limitHeaders(got), name)
		var root rest.Root
		require.NoError(t, json.Unmarshal(got.body, &root))
		require.Equal(t, []string{"EventFlow", "v1"}, []string{root.Name, root.APIVersion})
		require.Equal(t, rest.Prefix+"/health", root.Links["health"])
		require.Equal(t, name == "with a dashboard", root.Links["dashboard"] != "", name)
		if name == "limited" {
			continue
		}
		for what, path := range root.Links {
			require.Equal(t, 200, f.do("GET", path, nil, wantsPage).StatusCode, what)
		}
	}
	page := start(t).do("GET", "/", nil, "-", wantsPage)
	require.Equal(t, "application/json", page.Header.Get("Content-Type"), "there is no page")
}
