package app_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/eventflow-go/eventflow/core"
)

// ruleFile is what is read of the rules of Prometheus, and of their tests.
type ruleFile struct {
	Groups []struct {
		Rules []promRule `yaml:"rules"`
	} `yaml:"groups"`
	Tests []struct {
		Alerts []struct {
			Name     string           `yaml:"alertname"`
			Expected []map[string]any `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	} `yaml:"tests"`
}

type promRule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

func readRules(t *testing.T, name string) (file ruleFile) {
	t.Helper()
	require.NoError(t, yaml.Unmarshal([]byte(readFile(t, "..", "deploy", "prometheus", name)), &file))
	return file
}

func readFile(t *testing.T, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	require.NoError(t, err)
	return string(text)
}

// scraped are the metrics of a server by their names, each with its labels.
func scraped(text string) map[string]map[string]bool {
	found := map[string]map[string]bool{}
	for _, series := range regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+$`).FindAllStringSubmatch(text, -1) {
		if found[series[1]] == nil {
			found[series[1]] = map[string]bool{}
		}
		for _, label := range regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`).FindAllStringSubmatch(series[2], -1) {
			found[series[1]][label[1]] = true
		}
	}
	return found
}

// watchedServer is a server that has done a little of everything, and its metrics. Redis
// is lost to it.
func watchedServer(t *testing.T) string {
	t.Helper()
	h := newHome(t)
	server := h.serve("EVENTFLOW_REDIS=redis://127.0.0.1:1/0")
	client := server.client(h.key())
	_, err := client.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
	require.NoError(t, err)
	_, err = client.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "mail"})
	require.NoError(t, err)
	spec := core.ProcessorSpec{Destination: []byte(`{"type":"log"}`)}
	spec.Name = "log"
	_, err = client.CreateProcessor(t.Context(), "orders", spec)
	require.NoError(t, err)
	source, err := client.CreateSource(t.Context(), core.SourceSpec{Name: "ci", Stream: "orders", Preset: core.PresetGitHub, Secret: "a signing secret"})
	require.NoError(t, err)
	refused, err := http.Post(server.url+source.Path, "application/json", strings.NewReader(`{}`))
	require.NoError(t, err)
	require.NoError(t, refused.Body.Close())
	require.Equal(t, http.StatusUnauthorized, refused.StatusCode, "it is not signed")
	_, err = client.Publish(t.Context(), "orders", someEvent)
	require.NoError(t, err)
	var text string
	require.Eventually(t, func() bool {
		text = get(t, server.url+"/metrics").body
		return strings.Contains(text, `eventflow_processor_events_total{destination="log",outcome="delivered"} 1`) &&
			strings.Contains(text, "eventflow_processor_send_seconds_count") &&
			strings.Contains(text, "\neventflow_consumer_groups ") && strings.Contains(text, "\neventflow_processors{") // a busy machine counts them late
	}, patience, 10*time.Millisecond)
	return text
}

// TestMonitoringKnowsTheMetrics holds what is said about metrics, in docs/monitoring.md,
// in the rules and in the dashboards, to what a server tells.
func TestMonitoringKnowsTheMetrics(t *testing.T) {
	t.Parallel()
	text := watchedServer(t)
	found := scraped(text)
	documented := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|(.*?)\\| ")
	for _, line := range row.FindAllStringSubmatch(readFile(t, "..", "docs", "monitoring.md"), -1) {
		name, labels := line[1], found[line[1]]
		if strings.Contains(text, "\n# TYPE "+name+" histogram\n") {
			labels = found[name+"_count"]
		}
		require.NotNil(t, labels, "docs/monitoring.md has a metric that there is not: %s", name)
		var said []string
		for _, label := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(line[2], -1) {
			said = append(said, label[1])
		}
		require.ElementsMatch(t, slices.Collect(maps.Keys(labels)), said, "the labels of %s", name)
		documented[name] = true
	}
	for _, help := range regexp.MustCompile(`(?m)^# HELP (eventflow_\w+) `).FindAllStringSubmatch(text, -1) {
		require.True(t, documented[help[1]], "docs/monitoring.md does not explain %s", help[1])
	}
	known := maps.Clone(found)
	known["up"] = nil // Prometheus's own
	var asked []string
	for _, group := range readRules(t, "eventflow.rules.yml").Groups {
		for _, rule := range group.Rules {
			known[rule.Record] = nil
			asked = append(asked, rule.Expr)
		}
	}
	for where, expr := range dashboardExprs(t) {
		require.NotEmpty(t, expr, where)
		asked = append(asked, expr)
	}
	require.Greater(t, len(asked), 80)
	for _, expr := range asked {
		for _, name := range metricsIn(expr) {
			require.Contains(t, known, name, "no server has the metric %q of %s", name, expr)
		}
	}
}

// metricsIn are the names of metrics in an expression of Prometheus.
func metricsIn(expr string) []string {
	expr = regexp.MustCompile(`"[^"]*"`).ReplaceAllString(expr, "")
	return regexp.MustCompile(`\b(?:eventflow|go|process)[_:][a-z0-9_:]+|\bup\b`).FindAllString(expr, -1)
}

// dashboardExprs are the queries of all dashboards, by where they are.
func dashboardExprs(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := map[string]string{}
	for _, file := range files {
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		require.NoError(t, json.Unmarshal([]byte(readFile(t, file)), &board))
		for _, panel := range board.Panels {
			for i, target := range panel.Targets {
				all[fmt.Sprintf("%s: %s %d", file, panel.Title, i)] = target.Expr
			}
		}
	}
	return all
}

// TestEveryAlertHasAPageAndTests holds that whoever is called finds out why, and that each
// alert was seen to fire and to be quiet. deploy/check/prometheus.sh runs these tests.
func TestEveryAlertHasAPageAndTests(t *testing.T) {
	t.Parallel()
	fires, quiet := map[string]bool{}, map[string]bool{}
	for _, test := range readRules(t, "eventflow.rules.test.yml").Tests {
		for _, alert := range test.Alerts {
			fires[alert.Name] = fires[alert.Name] || len(alert.Expected) > 0
			quiet[alert.Name] = quiet[alert.Name] || len(alert.Expected) == 0
		}
	}
	index := readFile(t, "..", "docs", "runbooks", "README.md")
	pages := map[string]bool{"README.md": true}
	for _, group := range readRules(t, "eventflow.rules.yml").Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			severity, file := rule.Labels["severity"], rule.Alert+".md"
			require.Contains(t, []string{"critical", "high", "medium"}, severity, rule.Alert)
			require.NotEmpty(t, rule.For, rule.Alert)
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["description"], rule.Alert)
			require.Equal(t, "https://github.com/eventflow-go/eventflow/blob/main/docs/runbooks/"+file, rule.Annotations["runbook_url"])
			page := readFile(t, "..", "docs", "runbooks", file)
			require.True(t, strings.HasPrefix(page, "# "+rule.Alert+"\n\nSeverity: "+severity+"\n"), file)
			for _, part := range []string{"What it means", "What users notice", "How to look", "What to do"} {
				require.Contains(t, page, "\n## "+part+"\n", file)
			}
			require.Contains(t, index, fmt.Sprintf("| [%s](%s) | %s |", rule.Alert, file, severity))
			require.True(t, fires[rule.Alert], "no test has %s fire", rule.Alert)
			require.True(t, quiet[rule.Alert], "no test has %s be quiet", rule.Alert)
			pages[file] = true
		}
	}
	files, err := os.ReadDir("../docs/runbooks")
	require.NoError(t, err)
	for _, file := range files {
		require.True(t, pages[file.Name()], "no alert leads to docs/runbooks/%s", file.Name())
	}
}
