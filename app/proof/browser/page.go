package browser

import (
	"compress/gzip"
	"context"
	_ "embed" // for axe-core below
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Go opens an address of the server.
func (p *Page) Go(path string) {
	p.t.Helper()
	p.run("opening "+path, chromedp.Navigate(p.base+path))
}

// Visit goes to an address within the dashboard, as a link would: nothing is
// loaded but what the page asks for.
func (p *Page) Visit(path string) {
	p.t.Helper()
	p.Eval("goappNav("+quote(path)+")", nil)
	path, _, _ = strings.Cut(path, "?")
	p.Await("the address "+path, "location.pathname === new URL("+quote(path)+", location).pathname")
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.t.Helper()
	p.run("loading again", chromedp.Reload())
}

// Eval evaluates JavaScript, waits for it where it promises, and reads the
// result into result, which may be nil.
func (p *Page) Eval(script string, result any) {
	p.t.Helper()
	p.run("evaluating "+script[:min(len(script), 80)], chromedp.Evaluate(script, result, awaited))
}

func awaited(params *runtime.EvaluateParams) *runtime.EvaluateParams {
	return params.WithAwaitPromise(true)
}

// pause is between two looks at a page that is waited for. A look at each frame would
// be most of what the browser does.
const pause = 40 * time.Millisecond

// Await waits until a JavaScript expression is true.
func (p *Page) Await(what, condition string) {
	p.t.Helper()
	for range 5 { // a page that is just being opened takes the question away with the one before
		err := p.try(chromedp.Poll(condition, nil, chromedp.WithPollingInterval(pause), chromedp.WithPollingTimeout(patience)))
		if err == nil {
			return
		}
		if text := err.Error(); !strings.Contains(text, "Cannot find context") && !strings.Contains(text, "target navigated") {
			p.fail("waiting for "+what, err)
		}
	}
	p.fail("waiting for "+what, errors.New("the page is opened again and again"))
}

// Frames waits until the page was drawn so often: what it knows already is seen then.
func (p *Page) Frames(n int) {
	p.t.Helper()
	p.Eval(fmt.Sprintf("(async () => { for (let frame = 0; frame < %d; frame++) await new Promise(requestAnimationFrame) })()", n), nil)
}

// quote writes a text in JavaScript.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // a text always can be
	return string(quoted)
}

// See waits until a text can be read on the page.
func (p *Page) See(text string) {
	p.t.Helper()
	p.Await("the text "+text, "document.body.innerText.includes("+quote(text)+")")
}

// Gone waits until a text can no longer be read on the page.
func (p *Page) Gone(text string) {
	p.t.Helper()
	p.Await("the end of the text "+text, "!document.body.innerText.includes("+quote(text)+")")
}

// Shows reports whether a text can be read now.
func (p *Page) Shows(text string) (shows bool) {
	p.t.Helper()
	p.Eval("document.body.innerText.includes("+quote(text)+")", &shows)
	return shows
}

// Count is how many elements a selector finds.
func (p *Page) Count(selector string) (n int) {
	p.t.Helper()
	p.Eval("document.querySelectorAll("+quote(selector)+").length", &n)
	return n
}

// URL is the page's address, without the server.
func (p *Page) URL() (address string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	_ = chromedp.Run(ctx, chromedp.Evaluate("location.pathname + location.search + location.hash", &address)) // empty says it as well
	return address
}

// named finds what people can click, or fill, by its name: in the topmost
// dialog, where there is one, else in what the page is about before what leads
// elsewhere.
const named = `(kind, name) => {
	const within = [...document.querySelectorAll('dialog[open]')].pop() || document;
	const clean = text => (text || '').replace(/\s+/g, ' ').trim();
	const shown = element => element.getClientRects().length > 0;
	if (kind === 'click') {
		const nameOf = element => clean(element.getAttribute('aria-label') || element.innerText);
		const choices = [...within.querySelectorAll('button, a[href], summary, [role=option], [role=tab]')];
		const found = choices.filter(shown).filter(element => nameOf(element) === name);
		return found.find(element => element.closest('main')) || found[0];
	}
	const label = [...within.querySelectorAll('label')].filter(shown).find(label => clean(label.innerText) === name);
	if (label) return document.getElementById(label.htmlFor);
	return [...within.querySelectorAll('input, select, textarea')].filter(shown).find(element => element.getAttribute('aria-label') === name);
}`

// atRest finds where to click something: when it can be clicked, has not moved
// for a frame, and nothing lies on top of it. A click that comes to something else,
// because the page moved meanwhile, is kept from it.
const atRest = `async find => {
	for (let last = ''; ; await new Promise(requestAnimationFrame)) {
		const found = find();
		if (!found || found.disabled) {
			await new Promise(again => setTimeout(again, 40));
			continue;
		}
		found.scrollIntoView({block: 'center'});
		const box = found.getBoundingClientRect(), place = [box.x, box.y, box.width, box.height].join();
		const at = [box.x + box.width / 2, box.y + box.height / 2], hit = document.elementFromPoint(...at);
		if (place === last && hit && (found.contains(hit) || hit.contains(found))) {
			removeEventListener('click', window.guard, true);
			window.clicked = false;
			window.guard = event => {
				removeEventListener('click', window.guard, true);
				window.clicked = event.target === hit || found.contains(event.target);
				if (!window.clicked) { event.stopImmediatePropagation(); event.preventDefault(); }
			};
			addEventListener('click', window.guard, true);
			return at;
		}
		last = place;
	}
}`

// Click clicks the button, link or the like that has this name, with the mouse.
func (p *Page) Click(name string) {
	p.t.Helper()
	p.click(name, "("+named+")('click', "+quote(name)+")")
}

// ClickOn clicks the first element that a selector finds.
func (p *Page) ClickOn(selector string) {
	p.t.Helper()
	p.click(selector, "document.querySelector("+quote(selector)+")")
}

// tries bounds how often something is done again, because the page changed below it.
const tries = 10

// click clicks what an expression finds.
func (p *Page) click(what, find string) {
	p.t.Helper()
	for range tries {
		var at []float64
		p.run("finding something to click named "+what, chromedp.Evaluate("("+atRest+")(() => "+find+")", &at, awaited))
		p.run("clicking "+what, chromedp.MouseClickXY(at[0], at[1]))
		var arrived bool
		if p.Eval("window.clicked !== false", &arrived); arrived { // or another page was loaded
			return
		}
	}
	p.fail("clicking "+what, errors.New("it never holds still"))
}

// Fill puts a text into the field with this label, in place of what is there. A
// page that has just come may draw its fields anew, in the next frame of its own:
// what went into one that is gone is put in again.
func (p *Page) Fill(label, text string) {
	p.t.Helper()
	find := "(" + named + ")('field', " + quote(label) + ")"
	for range tries {
		p.Await("a field named "+label, "!!"+find)
		p.Eval("(() => { const found = "+find+"; found.focus(); found.select && found.select() })()", nil)
		p.run("filling "+label, input.InsertText(text))
		p.Frames(3)
		var filled bool
		if p.Eval("("+find+")?.value !== ''", &filled); filled || text == "" {
			return
		}
	}
	p.fail("filling "+label, errors.New("it stays empty"))
}

// Choose selects an option, by its text, in the field with this label.
func (p *Page) Choose(label, option string) {
	p.t.Helper()
	find := "(" + named + ")('field', " + quote(label) + ")"
	p.Await("an option "+option, "(() => { const found = "+find+"; return found && [...found.options].some(o => o.text === "+quote(option)+") })()")
	p.Eval("(() => { const found = "+find+"; found.value = [...found.options].find(o => o.text === "+quote(option)+").value; "+
		"found.dispatchEvent(new Event('change', {bubbles: true})) })()", nil)
}

// Press types keys: letters, or one of kb's.
func (p *Page) Press(keys string) {
	p.t.Helper()
	p.run("pressing "+keys, chromedp.ActionFunc(func(ctx context.Context) error { return press(ctx, keys, true, 0) }))
}

// PressControl types a letter with the control key held.
func (p *Page) PressControl(letter string) {
	p.t.Helper()
	p.run("pressing control and "+letter, chromedp.ActionFunc(func(ctx context.Context) error { return press(ctx, letter, false, input.ModifierCtrl) }))
}

// press presses keys and lets them go. What a key writes goes along with it, not as
// an event of its own as chromedp has it, which a page could not prevent.
func press(ctx context.Context, keys string, writes bool, held input.Modifier) error {
	for _, key := range keys {
		events := kb.Encode(key)
		down, up := events[0], events[len(events)-1]
		if writes && len(events) == 3 {
			down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		for _, event := range []*input.DispatchKeyEventParams{down, up} {
			event.Modifiers |= held
			if err := event.Do(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// The keys that have no letter.
const (
	Escape = kb.Escape
	Enter  = kb.Enter
	Tab    = kb.Tab
)

// EnvScreenshots names the variable that holds the folder for pictures.
const EnvScreenshots = "EVENTFLOW_TEST_SCREENSHOTS"

// Screenshot keeps a picture of the page, where a folder for that is named.
func (p *Page) Screenshot(name string) {
	p.t.Helper()
	if os.Getenv(EnvScreenshots) != "" {
		p.picture(name)
	}
}

// picture writes a picture and returns its path, or why there is none.
func (p *Page) picture(name string) string {
	folder := os.Getenv(EnvScreenshots)
	if folder == "" {
		folder = filepath.Join(os.TempDir(), "eventflow-screenshots")
	}
	var picture []byte
	path := filepath.Join(folder, strings.NewReplacer("/", "-", " ", "-").Replace(name)+".png")
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := errors.Join(
		chromedp.Run(ctx, chromedp.CaptureScreenshot(&picture)),
		os.MkdirAll(folder, 0o750), os.WriteFile(path, picture, 0o600))
	if err != nil {
		return fmt.Sprintf("no file (%v)", err)
	}
	return path
}

// axeCore is axe-core 4.14.1, under the Mozilla Public License 2.0: see
// testdata/axe.LICENSE.
//
//go:embed testdata/axe.min.js.gz
var axeCore string

// Axe fails the test for everything on the page that keeps people out, by the
// rules of WCAG 2.2 AA that a program can check.
func (p *Page) Axe(what string) {
	p.t.Helper()
	p.violations(what, `['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']`)
}

// Contrast is Axe for what depends on colours alone: for a page that has passed
// Axe in others.
func (p *Page) Contrast(what string) {
	p.t.Helper()
	p.violations(what, `{type: 'rule', values: ['color-contrast', 'link-in-text-block']}`)
}

// violations fails the test for what breaks some of axe-core's rules.
func (p *Page) violations(what, rules string) {
	p.t.Helper()
	p.loadAxe()
	var violations []struct {
		ID, Help string
		Nodes    []struct{ HTML, FailureSummary string }
	}
	// Of what is as it should be nothing is said, which would take a while.
	p.Eval(`axe.run(document, {runOnly: `+rules+`, resultTypes: ['violations']}).then(found => found.violations)`, &violations)
	for _, violation := range violations {
		for _, node := range violation.Nodes {
			p.t.Errorf("%s: %s (%s): %s\n%s", what, violation.Help, violation.ID, node.HTML, node.FailureSummary)
		}
	}
}

// loadAxe brings axe-core to the page, unless it is there.
func (p *Page) loadAxe() {
	p.t.Helper()
	var there bool
	if p.Eval("typeof axe === 'object'", &there); there {
		return
	}
	unpacked, err := gzip.NewReader(strings.NewReader(axeCore))
	if err != nil {
		p.t.Fatal(err)
	}
	script, err := io.ReadAll(unpacked)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Eval(string(script)+"; undefined", nil)
}

// Before has every page that is opened from now on run a script first.
func (p *Page) Before(script string) {
	p.t.Helper()
	p.run("preparing pages", chromedp.ActionFunc(func(ctx context.Context) error {
		_, err := page.AddScriptToEvaluateOnNewDocument(script).Do(ctx)
		return err
	}))
}

// Collect has the browser give back the memory that nothing needs.
func (p *Page) Collect() {
	p.t.Helper()
	p.run("collecting garbage", heapprofiler.CollectGarbage())
}
