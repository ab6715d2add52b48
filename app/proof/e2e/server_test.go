// Package e2e uses the dashboard as people do: the real program, with everything
// that it embeds, and a real Chromium.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/adapters/postgres"
	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/app"
	"github.com/eventflow-go/eventflow/app/proof/browser"
	"github.com/eventflow-go/eventflow/app/proof/frail"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/ui"
)

// asProgram is the variable that makes the test binary the program.
const asProgram = "EVENTFLOW_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		app.Main(app.SharedStorage("sqlite", sqlite.Open), app.SharedStorage("postgres", postgres.Open), app.Storage("memory", memory.Open),
			app.SharedStorage(frail.Scheme, frail.Open))
	}
	code := m.Run()
	browser.Close()
	if folder := os.Getenv(browser.EnvScreenshots); folder != "" {
		if err := browser.WriteIndex(folder); err != nil {
			fmt.Fprintln(os.Stderr, err) // pictures are for people: no test fails without
		}
	}
	os.Exit(code)
}

// patience bounds every wait for the program.
const patience = time.Minute

const (
	adminEmail = "ann@example.com"
	password   = "Correct-Horse-9"
)

// eventRows finds the offsets of the events that are listed, one a row.
const eventRows = `tbody .offset[aria-label^="Show event"]`

// program is `eventflow dev` in a folder of its own.
type program struct {
	t      testing.TB
	folder string
	base   string
	// link is the set-up link that it printed.
	link string
	// key is its test key.
	key   string
	stop  func()
	admin *rest.Client
	// nodes is how many there are, and shared what all of them are told. stores is the
	// part of it that names their stores.
	nodes          int
	shared, stores []string
	// fleet is the nodes, where there are several.
	fleet *fleet
}

// start starts the program at a free address.
func start(t testing.TB) *program {
	t.Helper()
	p := place(t)
	p.run(freeAddress(t))
	return p
}

// addresses are those that programs of these tests have, also while they are stopped.
var addresses sync.Map

// freeAddress is one that nobody listens on, and that no system gives to the client of
// a connection: while a program is stopped, the browser's next question could have it.
// Browsers refuse port 10080.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 100 {
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(11_000+rand.IntN(19_000)))
		if err != nil {
			continue
		}
		require.NoError(t, listener.Close())
		address := listener.Addr().String()
		if _, had := addresses.LoadOrStore(address, true); !had {
			return address
		}
	}
	require.Fail(t, "no port is free")
	return ""
}

// newSite is the dashboard that the programs serve.
var newSite = sync.OnceValues(ui.NewSite)

// place is a program that is not started yet. A dashboard that was not built is a
// fault of the tests' surroundings, and said.
func place(t testing.TB) *program {
	t.Helper()
	site, err := newSite()
	require.NoError(t, err)
	require.True(t, site.Built(), "the dashboard is not built: run `make test`, or `make build` before")
	return &program{t: t, folder: t.TempDir(), nodes: fleetSize(t)}
}

// run runs the program at an address.
func (p *program) run(addr string) {
	p.t.Helper()
	if p.nodes > 1 {
		p.runFleet(addr, p.nodes)
		return
	}
	p.runNode(addr)
}

// runNode runs `eventflow dev` at an address, and reads what it says.
func (p *program) runNode(addr string) *node {
	p.t.Helper()
	binary, err := os.Executable()
	require.NoError(p.t, err)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	cmd := exec.CommandContext(ctx, binary, "dev", "--addr", addr, "--rate-user", "off", "--rate-address", "off")
	cmd.Dir, cmd.Env = p.folder, p.environ()
	stdout, err := cmd.StdoutPipe()
	require.NoError(p.t, err)
	faults := &bytes.Buffer{}
	cmd.Stderr = faults
	require.NoError(p.t, cmd.Start())
	p.stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = cmd.Wait()                          // however it ended
		cancel()
	})
	p.t.Cleanup(p.stop)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		p.read(strings.TrimSpace(lines.Text()))
		if strings.Contains(lines.Text(), "Or prove the whole path") {
			go func() { // what else it prints
				for lines.Scan() {
				}
			}()
			return &node{process: cmd.Process, stop: p.stop}
		}
	}
	p.t.Fatalf("the program ended: %s", faults)
	return nil
}

func (p *program) read(line string) {
	if after, found := strings.CutPrefix(line, "API"); found {
		p.base = strings.TrimSuffix(strings.TrimSpace(after), rest.Prefix)
	}
	if after, found := strings.CutPrefix(line, "Test key"); found {
		p.key = strings.TrimSpace(after)
	}
	if at := strings.Index(line, "/setup#t="); at >= 0 {
		p.link = line[at:]
	}
}

// host runs a command beside the program, as its operator.
func (p *program) host(args ...string) {
	p.t.Helper()
	binary, err := os.Executable()
	require.NoError(p.t, err)
	cmd := exec.CommandContext(p.t.Context(), binary, args...)
	cmd.Dir, cmd.Env = p.folder, p.environ()
	output, err := cmd.CombinedOutput()
	require.NoError(p.t, err, "%s", output)
}

func (p *program) environ() []string {
	return append([]string{asProgram + "=1", "GORACE=atexit_sleep_ms=10", "HOME=" + p.folder, "XDG_CONFIG_HOME=" + p.folder, fmt.Sprintf("EVENTFLOW_SHARE_STREAMS=%d", 2*manyStreams)}, p.shared...)
}

// again starts the program anew, where it was.
func (p *program) again() {
	p.t.Helper()
	u, err := url.Parse(p.base)
	require.NoError(p.t, err)
	require.Eventually(p.t, func() bool { // until the port is free
		listener, err := net.Listen("tcp", u.Host)
		if err == nil {
			_ = listener.Close()
		}
		return err == nil
	}, patience, 50*time.Millisecond)
	p.run(u.Host)
}

// mayBeAway lets the browser say that the program was stopped, at whatever point of a
// request that was.
func mayBeAway(page *browser.Page) {
	for _, said := range []string{"ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_EMPTY_RESPONSE", "Failed to fetch"} {
		page.Allow(said)
	}
}

// client is a client with the program's test key.
func (p *program) client() *rest.Client { return rest.NewClient(p.base, p.key) }

// setUp makes the first admin by the API, where a test is not about that.
func (p *program) setUp() {
	p.t.Helper()
	p.admin = rest.NewClient(p.base, "")
	_, err := p.admin.Setup(p.t.Context(), rest.SetupRequest{
		Token: strings.TrimPrefix(p.link, "/setup#t="), Email: adminEmail, Name: "Ann", Password: password,
	})
	require.NoError(p.t, err)
}

// person makes a user of a role.
func (p *program) person(email string, role core.Role) {
	p.t.Helper()
	invited, err := p.admin.Invite(p.t.Context(), rest.InviteRequest{Email: email, Role: role})
	require.NoError(p.t, err)
	_, ticket, _ := strings.Cut(invited.Link, "#invite=")
	_, err = rest.NewClient(p.base, "").Accept(p.t.Context(), rest.AcceptRequest{Token: ticket, Name: "N", Password: password})
	require.NoError(p.t, err)
}

// signIn is a page of a browser in which a user is signed in, and that shows nothing of
// the dashboard yet. The form for it has tests of its own.
func (p *program) signIn(email string) *browser.Page {
	p.t.Helper()
	page := browser.Open(p.t, p.base)
	page.Go("/robots.txt") // the least that there is at this address
	given, err := json.Marshal(rest.LoginRequest{Email: email, Password: password})
	require.NoError(p.t, err)
	page.Eval(`(async () => {
		const read = answer => answer.ok ? answer.json() : Promise.reject(answer.status);
		const session = await fetch('/api/v1/auth/login', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: `+text(string(given))+`}).then(read);
		const me = await fetch('/api/v1/auth/me', {headers: {Authorization: 'Bearer ' + session.access_token}}).then(read);
		localStorage.setItem('eventflow me', JSON.stringify(me)); // without it the dashboard asks for nobody's session
	})()`, nil)
	return page
}

// signInHome is signIn, and the dashboard is open.
func (p *program) signInHome(email string) *browser.Page {
	p.t.Helper()
	page := p.signIn(email)
	page.Go("/")
	page.See("Newest events")
	return page
}

func (p *program) enter(page *browser.Page, email string) {
	p.t.Helper()
	page.Go("/")
	page.Fill("Email", email)
	page.Fill("Password", password)
	page.Click("Sign in")
	page.See("Newest events")
}
