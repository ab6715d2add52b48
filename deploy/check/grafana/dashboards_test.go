// Package grafana holds the dashboards to the types that Grafana's own SDK has of them.
package grafana

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/stretchr/testify/require"
)

// TestMain makes the types of panels and queries known that the dashboards have. Of one
// that is not known the SDK would take everything.
func TestMain(m *testing.M) {
	known := cog.NewRuntime()
	known.RegisterPanelcfgVariant(timeseries.VariantConfig())
	known.RegisterDataqueryVariant(prometheus.VariantConfig())
	os.Exit(m.Run())
}

// read decodes a dashboard, and refuses fields that Grafana does not know, those that it
// needs and that are not there, and values of another type. It decodes twice: strictly, the
// SDK finds all failures, and leaves panels out of what it returns.
func read(text string) (found dashboard.Dashboard, err error) {
	if err := json.Unmarshal([]byte(text), &found); err != nil {
		return found, err
	}
	var strict dashboard.Dashboard
	for _, err := range []error{strict.UnmarshalJSONStrict([]byte(text)), found.Validate()} {
		// Where there is none, some of them come as an empty list.
		if failures, is := errors.AsType[cog.BuildErrors](err); err != nil && (!is || len(failures) > 0) {
			return found, err
		}
	}
	return found, nil
}

// dashboards returns the texts of all dashboards by their files.
func dashboards(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../../grafana/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	texts := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		texts[filepath.Base(file)] = string(text)
	}
	return texts
}

func TestGrafanaKnowsEveryField(t *testing.T) {
	t.Parallel()
	for file, text := range dashboards(t) {
		found, err := read(text)
		require.NoError(t, err, file)
		require.NotEmpty(t, found.Panels, file)
		for _, one := range found.Panels {
			panel := one.Panel
			require.NotNil(t, panel, "%s: rows are not looked into", file)
			require.IsType(t, &timeseries.Options{}, panel.Options, "%s, %s: its type is not among the known ones", file, *panel.Title)
			require.NotEmpty(t, panel.Targets, "%s, %s", file, *panel.Title)
			for _, target := range panel.Targets {
				require.Equal(t, "prometheus", target.DataqueryType(), "%s, %s", file, *panel.Title)
			}
		}
	}
}

// What Grafana would pass over without a word is refused here, wherever it is.
func TestMistakesAreFound(t *testing.T) {
	t.Parallel()
	text := dashboards(t)["eventflow-ingest.json"]
	for name, change := range map[string][2]string{
		"a field of the dashboard": {`"graphTooltip"`, `"graphTooltips"`},
		"a field of a panel":       {`"gridPos"`, `"gridPosition"`},
		"a field of a query":       {`"legendFormat"`, `"legendformat"`},
		"a field of a legend":      {`"showLegend"`, `"showLegends"`},
		"a field of a variable":    {`"definition"`, `"definitions"`},
		"a number that is text":    {`"schemaVersion": 39`, `"schemaVersion": "39"`},
		"a unit that is a number":  {`"unit": "eps"`, `"unit": 1`},
		"a list that is a text":    {`"calcs": []`, `"calcs": ""`},
		"a field that is missing":  {`"calcs": [],`, ``},
	} {
		require.Contains(t, text, change[0], name)
		_, err := read(strings.Replace(text, change[0], change[1], 1))
		require.Error(t, err, name)
	}
}
