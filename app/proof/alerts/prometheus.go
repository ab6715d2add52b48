package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// rulesPath is where the rules are, from the project's folder.
var rulesPath = filepath.Join("deploy", "prometheus", "eventflow.rules.yml")

// rules are what is read of the file of rules.
type rules struct {
	Groups []struct {
		Rules []struct {
			Record string `yaml:"record"`
			Alert  string `yaml:"alert"`
			Expr   string `yaml:"expr"`
		} `yaml:"rules"`
	} `yaml:"groups"`
}

// prometheus is a process of Prometheus.
type prometheus struct {
	addr    string
	process *exec.Cmd
	rules   rules
}

// shortened are the rules with their times in seconds. The thresholds stay as they are.
func shortened(text string) string {
	text = regexp.MustCompile(`(?m)^(\s+for:) .*$`).ReplaceAllString(text, "$1 2s")
	return regexp.MustCompile(`\[\d+[mhd]\]`).ReplaceAllString(text, "[10s]")
}

const config = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
scrape_configs:
  - job_name: eventflow
    authorization: {credentials: %s}
    static_configs: [{targets: [%q]}]
`

// startPrometheus starts a Prometheus that scrapes a target once a second.
func startPrometheus(ctx context.Context, folder, target string) (*prometheus, error) {
	text, err := os.ReadFile(rulesPath)
	if err != nil {
		return nil, fmt.Errorf("run it in the project's folder: %w", err)
	}
	p := &prometheus{}
	if err := yaml.Unmarshal(text, &p.rules); err != nil {
		return nil, err
	}
	if p.addr, err = freeAddr(ctx); err != nil {
		return nil, err
	}
	for name, content := range map[string]string{"rules.yml": shortened(string(text)), "prometheus.yml": fmt.Sprintf(config, metricsToken, target)} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			return nil, err
		}
	}
	p.process = exec.CommandContext(ctx, "prometheus", "--config.file="+filepath.Join(folder, "prometheus.yml"), "--log.level=error",
		"--storage.tsdb.path="+filepath.Join(folder, "tsdb"), "--web.listen-address="+p.addr, "--enable-feature=exemplar-storage")
	p.process.Stderr = os.Stderr
	if err := p.process.Start(); err != nil {
		return nil, fmt.Errorf("%w: install Prometheus (Debian and Ubuntu: apt-get install prometheus)", err)
	}
	return p, until(ctx, func() error { return p.ask(ctx, "query?query=1", nil) })
}

func (p *prometheus) kill() {
	_ = p.process.Process.Kill() // it may have ended
	_ = p.process.Wait()
}

// ask reads the data of an answer of Prometheus's API.
func (p *prometheus) ask(ctx context.Context, path string, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+"/api/v1/"+path, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		return fmt.Errorf("%s: %w", answer.Status, err)
	}
	if body.Status != "success" {
		return fmt.Errorf("prometheus refuses %s: %s", path, body.Error)
	}
	return nil
}

// answers fails unless a query has a value.
func (p *prometheus) answers(ctx context.Context, query string) error {
	var data struct {
		Result []json.RawMessage
	}
	if err := p.ask(ctx, "query?query="+url.QueryEscape(query), &data); err != nil {
		return err
	}
	if len(data.Result) == 0 {
		return fmt.Errorf("nothing answers %s", query)
	}
	return nil
}

// alert is one that fires.
type alert struct {
	Labels map[string]string
	State  string
}

// firing are the alerts that fire, by name.
func (p *prometheus) firing(ctx context.Context) (map[string]alert, error) {
	var data struct{ Alerts []alert }
	err := p.ask(ctx, "alerts", &data)
	found := map[string]alert{}
	for _, one := range data.Alerts {
		if one.State == "firing" {
			found[one.Labels["alertname"]] = one
		}
	}
	return found, err
}
