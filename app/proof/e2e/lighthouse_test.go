package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/browser"
)

// EnvLighthouse names the variable that holds the path of Lighthouse's program;
// `make lighthouse` installs it.
const EnvLighthouse = "EVENTFLOW_TEST_LIGHTHOUSE"

// What Lighthouse is to say at least of every page.
const (
	performanceGoal   = 0.9
	accessibilityGoal = 1.0
)

// BenchmarkLighthouse has Lighthouse judge the dashboard on a desktop: the page
// to sign in at as a first visitor gets it, and what is behind it as somebody
// does who has been there before. It prints a line of JSON for each figure.
func BenchmarkLighthouse(b *testing.B) {
	binary := os.Getenv(EnvLighthouse)
	if binary == "" {
		b.Skip("run `make lighthouse`, which installs Lighthouse")
	}
	p := start(b)
	p.setUp()
	furnish(b, p)
	for b.Loop() { // one round is enough: Lighthouse looks several times itself
		judge(b, binary, p.base, "/login", 0)
		page, port := p.signInAt(b, adminEmail)
		page.Await("the worker", "navigator.serviceWorker.ready.then(() => true)")
		page.Eval("location.replace('about:blank')", nil) // or two dashboards would share the machine
		for _, path := range []string{"/", "/streams"} {
			judge(b, binary, p.base, path, port)
		}
	}
	b.ReportMetric(0, "ns/op")
}

// judgement is what of Lighthouse's report matters here.
type judgement struct {
	Categories map[string]struct{ Score float64 }
	Audits     map[string]struct {
		Title, DisplayValue string
		Score               *float64
	}
	RuntimeError struct{ Message string }
}

// judge runs Lighthouse on a page: in a browser of its own, or in the one that
// listens at a port, with the cookies and files that it has.
func judge(b *testing.B, binary, base, path string, port int) {
	b.Helper()
	chromium, err := browser.Find()
	require.NoError(b, err)
	report := filepath.Join(b.TempDir(), "report.json")
	arguments := []string{
		base + path, "--preset=desktop", "--only-categories=performance,accessibility", "--output=json", "--output-path=" + report,
		"--quiet", "--no-enable-error-reporting", "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
	}
	if port != 0 {
		arguments = append(arguments, "--disable-storage-reset", "--port="+strconv.Itoa(port))
	}
	cmd := exec.CommandContext(b.Context(), binary, arguments...)
	cmd.Env = append(os.Environ(), "CHROME_PATH="+chromium)
	if said, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("Lighthouse on %s: %v\n%s", path, err, said)
	}
	found, err := readJudgement(report)
	require.NoError(b, err)
	tell(b, path, found)
}

func readJudgement(path string) (found judgement, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(text, &found); err != nil {
		return found, err
	}
	if found.RuntimeError.Message != "" {
		return found, errors.New(found.RuntimeError.Message)
	}
	return found, nil
}

// tell prints the figures of a page, and what cost it points.
func tell(b *testing.B, path string, found judgement) {
	b.Helper()
	for _, figure := range []struct {
		category string
		goal     float64
	}{{"performance", performanceGoal}, {"accessibility", accessibilityGoal}} {
		value := found.Categories[figure.category].Score
		line, err := json.Marshal(map[string]any{"figure": "lighthouse_" + figure.category, "page": path, "value": value, "goal": figure.goal})
		require.NoError(b, err)
		fmt.Println(string(line))
		if value < figure.goal {
			b.Errorf("%s of %s is %.2f, not %.2f", figure.category, path, value, figure.goal)
		}
	}
	for _, name := range []string{"first-contentful-paint", "largest-contentful-paint", "speed-index", "total-blocking-time", "cumulative-layout-shift"} {
		fmt.Fprintf(os.Stderr, "# %s: %s %s\n", path, name, found.Audits[name].DisplayValue)
	}
	for name, audit := range found.Audits {
		if audit.Score != nil && *audit.Score < 0.9 {
			fmt.Fprintf(os.Stderr, "# %s: %s (%s) %.2f %s\n", path, audit.Title, name, *audit.Score, audit.DisplayValue)
		}
	}
}

// signInAt is signIn in a browser of its own, which listens at a port.
func (p *program) signInAt(b *testing.B, email string) (page *browser.Page, port int) {
	b.Helper()
	page, port = browser.OpenAlone(b, p.base)
	p.enter(page, email)
	return page, port
}
