// Package browser lets tests use the dashboard as people do: in a real Chromium,
// by the names of what they see.
package browser

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// EnvChromium names the variable that holds the program's path; without it, it
// is looked for.
const EnvChromium = "EVENTFLOW_TEST_CHROMIUM"

// ErrNotInstalled says that this machine has no Chromium.
var ErrNotInstalled = errors.New("no Chromium is installed (chromium-headless-shell, chromium, chromium-browser and google-chrome were not found)")

// Find returns the path of the machine's Chromium. The shell is the same browser
// without windows, tabs and menus around its pages, which cost a third as much again.
func Find() (string, error) {
	if path := os.Getenv(EnvChromium); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNotInstalled
}

// running is the one browser of a test process. Every page has its own cookies
// and storage in it.
var running struct {
	once   sync.Once
	ctx    context.Context
	cancel func()
	err    error
}

// start starts the browser. Its context lives until Close: one with a time-out
// would take the browser along.
func start(t testing.TB) {
	path, err := Find()
	if err != nil {
		running.err = fmt.Errorf("%w: run `make test`, which gets one, or set %s", err, EnvChromium)
		return
	}
	flags := options(path)
	if _, measures := t.(*testing.B); !measures {
		// A page is open for seconds. To compile its program once more, and better, would
		// cost more than it gains: a quarter of all that the browser does.
		flags = append(flags, chromedp.Flag("js-flags", "--liftoff-only --no-wasm-dynamic-tiering"))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	ctx, cancel := chromedp.NewContext(allocator)
	running.ctx, running.cancel = ctx, func() { cancel(); stop() } //nolint:fatcontext // it is made once
	running.err = chromedp.Run(ctx)
}

func options(path string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		// The first start reads the browser from a cold disk, beside compilers.
		chromedp.WSURLReadTimeout(2*patience),
		// It calls nobody but the server of the test.
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		// The first three as chromedp has them. The others are pages of the
		// browser's own, which cost a window as much as the dashboard does.
		chromedp.Flag("disable-features", "site-per-process,Translate,BlinkGenPropertyTrees,WebUIOmniboxPopup,WebUIOmniboxAimPopup"),
		chromedp.WindowSize(1280, 820))
}

// Close ends the browser, where one was started, and waits for its end: only the browser
// itself ends all of its processes, and a test process that has gone cannot ask it to.
func Close() {
	if running.cancel != nil {
		end(running.ctx)
		running.cancel()
	}
}

// end ends the browser of a context, with patience.
func end(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = chromedp.Cancel(ctx) // it may have ended
}

// patience bounds every wait: what is waited for takes milliseconds, on a busy
// machine seconds.
const patience = time.Minute

// Page is one page of the browser, with cookies and storage of its own.
type Page struct {
	t    testing.TB
	ctx  context.Context
	base string

	mu      sync.Mutex
	faults  []string
	allowed []string
}

// Open opens an empty page for a server at base. When the test ends, whatever
// the page complained of fails it, unless it was allowed.
func Open(t testing.TB, base string) *Page {
	t.Helper()
	running.once.Do(func() { start(t) })
	if running.err != nil {
		t.Fatal(running.err)
	}
	tab, err := newTab()
	if err != nil {
		t.Fatalf("opening a page: %v", err)
	}
	ctx, cancel := chromedp.NewContext(running.ctx, chromedp.WithTargetID(tab))
	t.Cleanup(cancel)
	p := &Page{t: t, ctx: ctx, base: base}
	chromedp.ListenTarget(ctx, p.listen)
	if err := chromedp.Run(ctx); err != nil { // without a time-out, which the page would end with
		t.Fatalf("opening a page: %v", err)
	}
	p.Size(1280, 820)
	t.Cleanup(p.complain)
	return p
}

// OpenAlone is Open in a browser that ends with the test, for tools that look at
// pages themselves: they find it at a port of this machine, and what they open in
// it has this page's cookies and storage.
func OpenAlone(t testing.TB, base string) (p *Page, port int) {
	t.Helper()
	path, err := Find()
	if err != nil {
		t.Fatal(err)
	}
	if port, err = freePort(); err != nil {
		t.Fatal(err)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(options(path), chromedp.Flag("remote-debugging-port", strconv.Itoa(port)))...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { end(ctx); cancel() })
	p = &Page{t: t, ctx: ctx, base: base}
	chromedp.ListenTarget(ctx, p.listen)
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("opening a page: %v", err)
	}
	return p, port
}

func freePort() (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// newTab opens a window with cookies and storage of its own.
func newTab() (tab target.ID, err error) {
	// To the browser itself, not to its first page.
	ctx := cdp.WithExecutor(running.ctx, chromedp.FromContext(running.ctx).Browser)
	jar, err := target.CreateBrowserContext().WithDisposeOnDetach(true).Do(ctx)
	if err != nil {
		return "", err
	}
	return target.CreateTarget("about:blank").WithBrowserContextID(jar).WithNewWindow(true).Do(ctx)
}

// listen collects what a page complains of.
func (p *Page) listen(event any) {
	switch event := event.(type) {
	case *runtime.EventExceptionThrown:
		p.fault("exception: " + event.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if event.Type == runtime.APITypeError || event.Type == runtime.APITypeWarning {
			var words []string
			for _, argument := range event.Args {
				words = append(words, string(argument.Value)+argument.Description)
			}
			p.fault("console: " + strings.Join(words, " "))
		}
	case *cdplog.EventEntryAdded:
		if event.Entry.Level == cdplog.LevelError {
			p.fault(event.Entry.URL + ": " + event.Entry.Text)
		}
	}
}

func (p *Page) fault(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, text)
}

// Allow lets the page complain of what contains this text.
func (p *Page) Allow(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, text)
}

func (p *Page) complain() {
	p.mu.Lock()
	defer p.mu.Unlock()
faults:
	for _, fault := range p.faults {
		for _, allowed := range p.allowed {
			if strings.Contains(fault, allowed) {
				continue faults
			}
		}
		p.t.Errorf("the page complained: %s", fault)
	}
}

// run runs actions within patience, and fails the test with what was to be
// done.
func (p *Page) run(what string, actions ...chromedp.Action) {
	p.t.Helper()
	if err := p.try(actions...); err != nil {
		p.fail(what, err)
	}
}

// try runs actions within patience.
func (p *Page) try(actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// fail ends the test with what the page shows.
func (p *Page) fail(what string, err error) {
	p.t.Helper()
	var text string
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate(`document.title + "\n" + document.body.innerText`, &text)) // what went wrong before is told
	p.mu.Lock()
	faults := strings.Join(p.faults, "\n")
	p.mu.Unlock()
	p.t.Fatalf("%s: %v\nat %s, a picture is in %s; the page shows:\n%s\nit complained:\n%s", what, err, p.URL(), p.picture("failed "+p.t.Name()), text, faults)
}

// Throttle has the page reach its server through a line of so many bits a second
// and so much delay.
func (p *Page) Throttle(bits float64, delay time.Duration) {
	p.t.Helper()
	p.run("throttling", network.Enable(), network.EmulateNetworkConditions(false, float64(delay.Milliseconds()), bits/8, bits/8))
}

// Size sets the size of what is seen.
func (p *Page) Size(width, height int64) {
	p.t.Helper()
	p.run("sizing the page", chromedp.EmulateViewport(width, height))
}

// Dark has the system prefer dark colours, or light ones.
func (p *Page) Dark(dark bool) {
	p.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.run("choosing colours", emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}))
}
