package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// lost is the alert that fires from the beginning, as there is no Redis.
const lost = "EventFlowRateLimiterLost"

// quiet waits until nothing is alerted about but Redis.
func (s *stage) quiet(ctx context.Context) error {
	if err := until(ctx, func() error { return s.only(ctx, lost) }); err != nil {
		return err
	}
	say("%s fires: there is no Redis; nothing else does", lost)
	return nil
}

// only fails unless exactly these alerts fire.
func (s *stage) only(ctx context.Context, names ...string) error {
	firing, err := s.prom.firing(ctx)
	if err != nil {
		return err
	}
	found := slices.Sorted(maps.Keys(firing))
	if !slices.Equal(found, slices.Sorted(slices.Values(names))) {
		return fmt.Errorf("%v should fire, and %v do", names, found)
	}
	return nil
}

// metricsAreWellNamed has promtool judge a scrape.
func (s *stage) metricsAreWellNamed(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, "sh", "-c", `curl -sSf -H "Authorization: Bearer $TOKEN" "$URL/metrics" | promtool check metrics`)
	cmd.Env = append(os.Environ(), "TOKEN="+metricsToken, "URL=http://"+s.server.addr)
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		return fmt.Errorf("promtool check metrics: %w\n%s", err, out)
	}
	say("promtool finds nothing wrong with the names of metrics")
	return nil
}

// queriesAnswer asks everything that the rules and the dashboards ask.
func (s *stage) queriesAnswer(ctx context.Context) error {
	asked := s.ruleQueries()
	boards, err := dashboardQueries()
	if err != nil {
		return err
	}
	maps.Copy(asked, boards)
	for where, query := range asked {
		if err := until(ctx, func() error { return s.prom.answers(ctx, query) }); err != nil {
			return fmt.Errorf("%s: %w", where, err)
		}
	}
	say("%d queries of rules and dashboards have answers", len(asked))
	return nil
}

// selector is what chooses series in a query.
var selector = regexp.MustCompile(`\b(?:(?:eventflow|go|process)[_:][a-z0-9_:]+|up\b)(?:\{[^}]*\})?`)

// ruleQueries are what is recorded, and of the alerts, which have no value while nothing is
// wrong, the series that they look at.
func (s *stage) ruleQueries() map[string]string {
	asked := map[string]string{}
	for _, group := range s.prom.rules.Groups {
		for _, rule := range group.Rules {
			if rule.Record != "" {
				asked[rule.Record] = rule.Record
				continue
			}
			for _, found := range selector.FindAllString(rule.Expr, -1) {
				asked[rule.Alert+": "+found] = found
			}
		}
	}
	return asked
}

// dashboardQueries are those of all panels, for a reader who has chosen nothing.
func dashboardQueries() (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join("deploy", "grafana", "dashboards", "*.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no dashboards: %w", err)
	}
	chosen := strings.NewReplacer("$job", "eventflow", "$instance", ".*", "$__rate_interval", "10s")
	asked := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var board struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
		}
		if err := json.Unmarshal(text, &board); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for _, panel := range board.Panels {
			for i, target := range panel.Targets {
				asked[fmt.Sprintf("%s, %s, %d", filepath.Base(file), panel.Title, i)] = chosen.Replace(target.Expr)
			}
		}
	}
	return asked, nil
}

// exemplarsAreKept finds the trace of the load behind the times of its requests.
func (s *stage) exemplarsAreKept(ctx context.Context) error {
	now := time.Now().Unix()
	query := fmt.Sprintf("query_exemplars?query=%s&start=%d&end=%d", url.QueryEscape("eventflow_http_request_duration_seconds_bucket"), now-600, now)
	var found []struct {
		Exemplars []struct{ Labels map[string]string }
	}
	if err := s.prom.ask(ctx, query, &found); err != nil {
		return err
	}
	for _, series := range found {
		for _, exemplar := range series.Exemplars {
			if exemplar.Labels["trace_id"] == traceID {
				say("slow requests lead to their traces: Prometheus has exemplars")
				return nil
			}
		}
	}
	return fmt.Errorf("prometheus has no exemplar of the trace %s", traceID)
}

// runbooksWork runs every command of the runbooks.
func (s *stage) runbooksWork(ctx context.Context) error {
	pages, err := filepath.Glob(filepath.Join("docs", "runbooks", "*.md"))
	if err != nil || len(pages) == 0 {
		return fmt.Errorf("no runbooks: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	bin := filepath.Join(s.folder, "bin") // where the commands find eventflow
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	if err := os.Symlink(self, filepath.Join(bin, "eventflow")); err != nil {
		return err
	}
	environ := append(slices.Clone(s.server.environ), "PATH="+bin+":"+os.Getenv("PATH"), "URL=http://"+s.server.addr, "KEY="+s.server.key,
		"TOKEN="+metricsToken, "PROMETHEUS=http://"+s.prom.addr)
	ran := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			cmd := exec.CommandContext(ctx, "sh", "-ec", block[1])
			cmd.Env = environ
			out, err := cmd.CombinedOutput()
			if err == nil && len(out) == 0 {
				err = errors.New("the command says nothing")
			}
			if err != nil {
				return fmt.Errorf("%s: %w\n%s%s", page, err, block[1], out)
			}
			ran++
		}
	}
	say("%d commands of the runbooks succeed", ran)
	return nil
}
