// Command bench measures EventFlow against the floor it stands on: the same
// binary's no-op route, plain COPY and SELECT, and one transaction per request.
// Absolute figures depend on the machine; what it prints are ratios inside one
// run, a JSON line each:
//
//	{"figure": "post_postgres_over_noop", "value": 0.61, "goal": 0.5}
//
// For every point of every part there is also the CPU time of one event, such as
// post_postgres_cpu_us: microseconds that the server's process has used, and those
// of PostgreSQL if the events are there, by /proc. It depends on the machine, and
// not on how many processors the load leaves to the server.
//
// Three parts look at what others do beside a producer:
//
//   - watched: 10,000 live tails and polls wait on a stream, and are looked at again
//     and again (post_with_10000_waiters_over_without). How much of one processor that
//     takes by itself is cpu_share_of_10000_waiters;
//   - slow: 10,000 clients, half of them with a key, send a byte of a request's headers
//     every two seconds (post_with_10000_slow_over_without), and the heap is so much
//     larger for it (heap_of_10000_slow_mb), or by so much where the server speaks TLS
//     itself (heap_of_10000_slow_tls_mb);
//   - neighbour: another organization does something that costs the server much, one
//     attack after the other. For each there is the producer's rate over what it has
//     alone (noisy_neighbour_tails), and its p99 over what that is alone
//     (noisy_neighbour_tails_p99). noisy_neighbour and noisy_neighbour_p99 are the
//     worst of all. Another attack is one more function in neighbour.go.
//
// The part telemetry compares a server that sends traces to a collector with one that
// does not (telemetry_over_off), and one that traces every request.
//
// The part jetstream compares three servers of JetStream, each of which flushes what it
// acknowledges, with one PostgreSQL that does: jetstream_r3_over_postgres for batches of
// 1,000, and jetstream_r3_posts_over_postgres for single events of 256 connections. All
// share one disk and the processors, which a cluster would not.
//
// The part process measures processors: route_over_batch, webhooks one by one, how soon
// an event is on its way, and hostile expressions beside a producer.
//
// The part shards starts three primaries of its own: two of them behind one server against
// one (sharded2_over_one), and two streams beside a shard that is away
// (shards_one_down_over_all).
//
// It needs EVENTFLOW_TEST_POSTGRES, which `make bench` provides.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/eventflow-go/eventflow/adapters/jetstream"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
)

func main() {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "key", "org"}, os.Args[1]) {
		profile()
		app.Main(app.SharedStorage("sqlite", sqlite.Open), app.SharedStorage("postgres", postgres.Open),
			app.Storage("memory", memory.Open), app.Storage("naive", openNaive), app.SharedStorage("nats", jetstream.Open))
	}
	b := &bench{}
	flag.DurationVar(&b.slice, "slice", 3*time.Second, "how long each load of each round runs")
	flag.IntVar(&b.rounds, "rounds", 3, "rounds; the median of their ratios counts")
	flag.IntVar(&b.stored, "stored", 2_000_000, "stored events for the figures on a full log; 0 leaves them out")
	flag.IntVar(&b.connections, "connections", 512, "connections of the single-event load")
	flag.StringVar(&b.only, "only", "", "run one part only: idle, post, batch, read, fresh, deliver, waits, fanout, archive, jetstream, shards, watched, slow, neighbour, telemetry, process, full")
	flag.StringVar(&b.profiles, "profiles", "", "folder for a CPU profile of every server, named by its process id")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := b.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench is one run.
type bench struct {
	slice       time.Duration
	rounds      int
	stored      int
	connections int
	only        string
	postgres    string
	// postmaster is PostgreSQL's process, or 0 if it runs elsewhere.
	postmaster int
	folder     string
	profiles   string
}

// envProfile names the file for a server's CPU profile.
const envProfile = "BENCH_PROFILE"

// profile profiles this process, from a moment after its start, for as long as
// a load of two rounds takes.
func profile() {
	folder := os.Getenv(envProfile)
	if folder == "" || os.Args[1] != "serve" {
		return
	}
	go func() {
		file, err := os.Create(filepath.Join(folder, strconv.Itoa(os.Getpid())+".pprof"))
		if err == nil {
			err = pprof.StartCPUProfile(file)
		}
		if err != nil {
			note("no profile: %v", err)
			return
		}
		time.Sleep(profileTime)
		pprof.StopCPUProfile()
		_ = file.Close() // a profile cut short says so itself
	}()
}

const profileTime = 12 * time.Second

func (b *bench) run(ctx context.Context) (err error) {
	b.postgres = os.Getenv("EVENTFLOW_TEST_POSTGRES")
	if b.postgres == "" {
		return fmt.Errorf("EVENTFLOW_TEST_POSTGRES is not set: run `make bench`")
	}
	if err := b.findPostmaster(ctx); err != nil {
		return err
	}
	if b.profiles != "" {
		if err := os.Setenv(envProfile, b.profiles); err != nil {
			return err
		}
	}
	b.folder, err = os.MkdirTemp("", "eventflow-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.folder) //nolint:errcheck // a temporary folder
	defer func() {
		killServers()
		for _, schema := range schemas {
			err = errors.Join(err, dropSchema(context.WithoutCancel(ctx), b.postgresStore(schema)))
		}
	}()
	for _, part := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"idle", b.idle},
		{"post", b.post},
		{"batch", b.batch},
		{"read", b.read},
		{"fresh", b.fresh},
		{"deliver", b.deliver},
		{"waits", b.waits},
		{"fanout", b.fanout},
		{"archive", b.archived},
		{"jetstream", b.jetstream},
		{"shards", b.shards},
		{"watched", b.watched},
		{"slow", b.slow},
		{"neighbour", b.neighbour},
		{"telemetry", b.telemetry},
		{"process", b.process},
		{"full", b.full},
	} {
		if b.only != "" && b.only != part.name {
			continue
		}
		if err := part.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// schemas are those that the parts make on PostgreSQL.
var schemas = []string{"post", "naive", "batch", "read", "fresh", "analyzed", "deliver", "jetstream", "jetcatalog", "watched", "slow", "neighbour", "off", "on", "all", "empty", "full"}

// figure is one line of the report. A goal of "at most" is marked.
type figure struct {
	Name   string  `json:"figure"`
	Value  float64 `json:"value"`
	Goal   float64 `json:"goal,omitempty"` // 0: none is set
	AtMost bool    `json:"at_most,omitempty"`
}

func report(f figure) {
	line, err := json.Marshal(f)
	if err != nil {
		panic(err) // a struct of numbers
	}
	fmt.Println(string(line))
}

// note tells what a figure was made of, on stderr.
func note(format string, args ...any) { fmt.Fprintf(os.Stderr, "# "+format+"\n", args...) }
