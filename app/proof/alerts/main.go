// Command alerts breaks what Prometheus watches, and sees the alerts fire: a real Prometheus
// with the project's rules, whose times are shortened, scrapes a real server under load.
//
//	go run ./app/proof/alerts
//
// Before that it holds all that is written about metrics to this Prometheus. Every query of
// the rules and of the dashboards must have an answer, requests must leave exemplars, and
// every command in the runbooks must succeed. It needs Prometheus (on Debian and Ubuntu
// the package prometheus) and a shell with curl and grep, and prints a line for each thing.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

func main() {
	if len(os.Args) > 1 { // this program has no arguments; the server, and the commands of the runbooks, do
		app.Main(app.SharedStorage("sqlite", sqlite.Open))
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "alerts:", err)
		os.Exit(1)
	}
}

// stage is where everything happens.
type stage struct {
	folder string
	server *server
	prom   *prometheus
}

// run makes a stage in a temporary folder, and looks at everything on it.
func run(ctx context.Context) (err error) {
	folder, err := os.MkdirTemp("", "eventflow-alerts-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	s := &stage{folder: folder}
	if s.server, err = newServer(ctx, folder); err != nil {
		return err
	}
	defer s.server.kill()
	if s.prom, err = startPrometheus(ctx, folder, s.server.addr); err != nil {
		return err
	}
	defer s.prom.kill()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.server.traffic(ctx)
	for _, step := range []func(context.Context) error{
		s.quiet, s.metricsAreWellNamed, s.queriesAnswer, s.exemplarsAreKept, s.runbooksWork, s.breakEverything,
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("%w\nthe server's last words:\n%s", err, s.server.said())
		}
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("  ✓ "+format+"\n", args...) }

// patience bounds every wait. What is waited for takes some ten seconds.
const patience = 2 * time.Minute

// until asks again and again until there is an answer, which is nil. The last one is the
// error when there is none in time.
func until(ctx context.Context, ask func() error) error {
	late := time.Now().Add(patience)
	for {
		err := ask()
		if err == nil || ctx.Err() != nil || time.Now().After(late) {
			return err
		}
		time.Sleep(500 * time.Millisecond)
	}
}
