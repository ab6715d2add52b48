// Command grafana writes the dashboards for Grafana, from the tables in this package:
//
//	go run ./deploy/grafana
//
// The files in dashboards are what it has written; a test holds them to the tables. Who
// changes a panel changes its line here, and sees in the difference what that does.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := filepath.Join("deploy", "grafana", "dashboards")
	for _, one := range boards {
		if err := os.WriteFile(filepath.Join(folder, one.file()), one.encode(), 0o644); err != nil { //nolint:gosec // a public file
			fmt.Fprintln(os.Stderr, "grafana: run it in the project's folder:", err)
			os.Exit(1)
		}
	}
}

// board is a dashboard in few words.
type board struct {
	name   string
	says   string
	panels []panel
}

// panel is one picture. Units are Grafana's.
type panel struct {
	title string
	says  string
	unit  string
	lines []line
}

// line is one query of a panel. legend is a template of the labels.
type line struct{ expr, legend string }

func (b board) file() string { return "eventflow-" + b.name + ".json" }

// encode returns the dashboard as Grafana reads it.
func (b board) encode() []byte {
	const schema = 39 // of Grafana 10; later ones migrate it
	text, _ := json.MarshalIndent(map[string]any{
		"uid": "eventflow-" + b.name, "title": "EventFlow: " + b.name, "description": b.says,
		"tags": []string{"eventflow"}, "schemaVersion": schema, "version": 1, "editable": true, "graphTooltip": 1,
		"timezone": "browser", "refresh": "30s", "time": map[string]string{"from": "now-3h", "to": "now"},
		"templating": map[string]any{"list": variables()},
		"links": []any{map[string]any{
			"title": "EventFlow", "type": "dashboards", "tags": []string{"eventflow"}, "asDropdown": true, "includeVars": true, "keepTime": true,
			"icon": "external link", "tooltip": "", "targetBlank": false,
		}},
		"annotations": map[string]any{"list": []any{}},
		"panels":      b.pictures(),
	}, "", "  ") // never fails: it is made of texts and numbers
	return append(text, '\n')
}

var source = map[string]string{"type": "prometheus", "uid": "${datasource}"}

// variables let a reader choose the Prometheus, the installation and the nodes.
func variables() []any {
	choice := func(name, label string) map[string]any {
		query := fmt.Sprintf("label_values(%s)", label)
		return map[string]any{
			"name": name, "type": "query", "datasource": source, "definition": query, "refresh": 2, "sort": 1,
			"query": map[string]any{"query": query, "refId": "labels"},
		}
	}
	nodes := choice("instance", `eventflow_build_info{job="$job"}, instance`)
	nodes["multi"], nodes["includeAll"], nodes["allValue"] = true, true, ".*"
	nodes["current"] = map[string]any{"text": "All", "value": "$__all"}
	return []any{
		map[string]any{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus"},
		choice("job", "eventflow_build_info, job"), nodes,
	}
}

// pictures lays the panels out, three in a row.
func (b board) pictures() []any {
	const perRow, width, height = 3, 8, 8
	all := make([]any, len(b.panels))
	for i, p := range b.panels {
		targets := make([]any, len(p.lines))
		for n, l := range p.lines {
			targets[n] = map[string]any{
				"refId": string(rune('A' + n)), "datasource": source, "expr": l.expr, "legendFormat": l.legend, "range": true, "exemplar": true,
			}
		}
		all[i] = map[string]any{
			"id": i + 1, "type": "timeseries", "title": p.title, "description": p.says, "datasource": source, "targets": targets,
			"gridPos":     map[string]int{"x": i % perRow * width, "y": i / perRow * height, "w": width, "h": height},
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.unit, "min": 0}, "overrides": []any{}},
			"options": map[string]any{
				"legend":  map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}},
				"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
			},
		}
	}
	return all
}
