package chaos_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/pgtest"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/app/proof/chaos/disk"
	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// cuts is how often a test cuts the power: as often as `make chaos` and `make chaos-long`
// say. Where they do not say it, ok is false, because each cut takes long. Where the power
// cannot be cut ok is false, too, and the test has failed.
func cuts(t *testing.T) (n int, ok bool) {
	t.Helper()
	text := os.Getenv("EVENTFLOW_TEST_CUTS")
	if text == "" {
		t.Log("make chaos cuts the power")
		return 0, false
	}
	if _, err := os.Stat(disk.Device); err != nil || os.Getuid() != 0 {
		const why = "THE POWER WAS NOT CUT: that takes root, and a Linux with " + disk.Device
		t.Error(why)
		return 0, false
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n, true
}

// powered is a server under load, and its store on a disk that can lose its power.
type powered struct {
	t       *testing.T
	disk    *disk.Disk
	folder  string
	node    *node
	cluster *pgtest.Cluster // nil with SQLite
	client  *rest.Client
	load    *workload
	slowest time.Duration
}

// newPowered mounts a disk on a folder.
func newPowered(t *testing.T, folder string) *powered {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("the disk's seed is %d", seed)
	p := &powered{t: t, disk: disk.New(seed), folder: folder}
	require.NoError(t, p.disk.Mount(folder))
	t.Cleanup(func() { require.NoError(t, p.disk.Unmount()) })
	return p
}

// onSQLite has log and catalog in one folder.
func onSQLite(t *testing.T, settings ...string) *powered {
	t.Helper()
	p := newPowered(t, t.TempDir())
	p.node = newNode(t, "sqlite:"+p.folder, settings...)
	return p
}

// onPostgres has all of a cluster's data on the disk.
func onPostgres(t *testing.T, option string, settings ...string) *powered {
	t.Helper()
	// Below t.TempDir, PostgreSQL's own user could not enter.
	folder, err := os.MkdirTemp("", "eventflow-power-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	data := filepath.Join(folder, pgtest.DataFolder)
	require.NoError(t, os.Mkdir(data, 0o700))
	p := newPowered(t, data)
	p.cluster, err = pgtest.Start(t.Context(), folder, option)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.cluster.Stop()) })
	p.node = newNode(t, p.cluster.URL(), settings...)
	return p
}

// run starts the server and its load. What was made until then is on the disk.
func (p *powered) run() {
	p.t.Helper()
	p.node.start()
	p.client = p.node.client(p.node.key())
	createStreams(p.t, p.client, streams...)
	if p.cluster != nil {
		p.checkpoint()
	}
	p.disk.Flush()
	p.load = startLoad(p.t, p.client)
}

// checkpoint has PostgreSQL write what, relaxed, it keeps in its memory for a while.
func (p *powered) checkpoint() {
	p.t.Helper()
	conn, err := pgx.Connect(p.t.Context(), p.cluster.URL())
	require.NoError(p.t, err)
	_, err = conn.Exec(p.t.Context(), "checkpoint")
	require.NoError(p.t, err)
	require.NoError(p.t, conn.Close(p.t.Context()))
}

// cut cuts the power at whatever is being done, and starts everything anew.
func (p *powered) cut(left disk.Left) {
	p.t.Helper()
	p.load.progress(someEvents())
	p.disk.Cut(left)
	p.node.kill()
	if p.cluster != nil {
		p.cluster.Kill()
	}
	require.NoError(p.t, p.disk.Unmount())
	require.NoError(p.t, p.disk.Mount(p.folder))
	if p.cluster != nil {
		require.NoError(p.t, p.cluster.Restart(p.t.Context()))
	}
	p.slowest = max(p.slowest, p.node.start())
}

// survives cuts the power again and again. In turns all that was not flushed is lost,
// and some of it is kept.
func (p *powered) survives(times int) {
	p.t.Helper()
	p.run()
	for i := range times {
		p.cut([]disk.Left{disk.Nothing, disk.Some}[i%2])
	}
	p.load.progress(someEvents())
	p.t.Logf("%d cuts, ready again after %s at most", times, p.slowest.Round(time.Millisecond))
	p.end()
}

// end compares the record with the log, and looks for damage.
func (p *powered) end() {
	p.t.Helper()
	p.load.check(p.client)
	p.node.end(syscall.SIGTERM)
	doctor := exec.Command(p.node.program, "doctor")
	doctor.Env = p.node.environ
	report, err := doctor.CombinedOutput()
	require.NoError(p.t, err, "%s", report)
}

// loses cuts the power until acknowledged events are found to be lost.
func (p *powered) loses() {
	p.t.Helper()
	p.run()
	const enough = 5
	for range enough {
		p.cut(disk.Nothing)
	}
	recorded := p.load.end()
	lost := map[string]int{}
	for _, violation := range history.Check(recorded, logsOf(p.t, p.client)) {
		lost[violation.Rule]++
	}
	p.t.Logf("%s; violations: %v", history.Summary(recorded), lost)
	require.NotZero(p.t, lost[history.RuleMissing], "this test sees no loss where there must be some")
}

func TestThePowerIsCutUnderSQLite(t *testing.T) {
	t.Parallel()
	if n, ok := cuts(t); ok {
		onSQLite(t).survives(n)
	}
}

func TestThePowerIsCutUnderPostgres(t *testing.T) {
	t.Parallel()
	if n, ok := cuts(t); ok {
		onPostgres(t, "synchronous_commit=on").survives(n)
	}
}

// relaxed lets a server run although it may lose what it has acknowledged.
const relaxed = "EVENTFLOW_ALLOW_RELAXED_DURABILITY=true"

// A server that leaves a commit to be flushed later loses events, and the tests above
// see it. It takes as long as many cuts: `make chaos` and `make chaos-long` look.
func TestRelaxedSQLiteLosesEventsInAPowerCut(t *testing.T) {
	t.Parallel()
	if n, ok := cuts(t); ok && n > 1 {
		p := onSQLite(t, relaxed)
		p.node.program = relaxedProgram(t)
		p.loses()
	}
}

func TestRelaxedPostgresLosesEventsInAPowerCut(t *testing.T) {
	t.Parallel()
	if n, ok := cuts(t); ok && n > 1 {
		onPostgres(t, "synchronous_commit=off", relaxed).loses()
	}
}

// relaxedProgram builds the program with SQLite's synchronous=NORMAL.
func relaxedProgram(t *testing.T) string {
	t.Helper()
	const changed = "../../../adapters/sqlitefile/open.go"
	source, err := os.ReadFile(changed)
	require.NoError(t, err)
	planted := strings.ReplaceAll(string(source), "synchronous(full)", "synchronous(normal)")
	require.NotEqual(t, string(source), planted)
	folder := t.TempDir()
	file := filepath.Join(folder, "open.go")
	require.NoError(t, os.WriteFile(file, []byte(planted), 0o600))
	whole, err := filepath.Abs(changed)
	require.NoError(t, err)
	overlay := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(overlay, []byte(`{"Replace":{`+strconv.Quote(whole)+`:`+strconv.Quote(file)+`}}`), 0o600))
	program := filepath.Join(folder, "eventflow")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-overlay", overlay, "-o", program, "../../eventflow")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return program
}
