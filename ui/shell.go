package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// shell is the frame around every page: the rail, the bar, the banners and what opens
// on top. It owns the session, and stays mounted while pages change.
type shell struct {
	app.Compo

	s *session
	// path is the address that is shown, escaped.
	path    string
	update  bool   // there is a newer version of the dashboard
	install bool   // the browser can install the dashboard
	palette bool   // the palette is open
	tab     string // what palette.Tab is then
	menu    bool   // a phone shows all of the rail
	unkeys  func() // ends listen
	untabs  func() // ends watchTabs
}

// OnInit implements [app.Initializer].
func (sh *shell) OnInit() { sh.s = newSession("") }

// OnMount implements [app.Mounter].
func (sh *shell) OnMount(ctx app.Context) {
	sh.s = newSession(app.Window().Get("location").Get("origin").String())
	sh.s.shell = ctx
	applyChoices(ctx)
	sh.start(ctx)
	sh.listen(ctx)
	sh.untabs = sh.watchTabs(ctx)
	trimKept(ctx, time.Now(), "")
	sh.install = ctx.IsAppInstallable()
	every(ctx, time.Second, func(ctx app.Context) {
		tick()
		ctx.PreventUpdate()
	})
	every(ctx, pingEvery, sh.ping)
	every(ctx, time.Minute, func(ctx app.Context) { sh.update = sh.update || ctx.AppUpdateAvailable() })
}

// start shows the page for the user whom the browser remembers, while the server is
// asked whether their session still holds.
func (sh *shell) start(ctx app.Context) {
	s, next := sh.s, anonymous // unless the browser remembers somebody
	if recall(ctx, &s.me) {
		next = signedIn
		s.whose(s.me)
		sh.introduce(ctx)
		every(ctx, refreshEvery, sh.introduce)
	}
	ctx.Async(func() {
		breathe() // the browser draws the frame before the page in it
		s.dispatch(func(app.Context) {
			if s.state == starting {
				s.state = next
			}
		})
	})
}

// introduce asks the server who is signed in and what their role permits, until the
// server has told.
func (sh *shell) introduce(ctx app.Context) {
	s := sh.s
	if s.met || s.meeting || s.state == anonymous {
		return
	}
	s.meeting = true
	ctx.Async(func() {
		var me rest.Me
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		defer cancel()
		err := s.do(limited, func(ctx context.Context, client *rest.Client) (err error) {
			me, err = client.Me(ctx)
			return err
		})
		s.dispatch(func(ctx app.Context) {
			s.meeting = false
			switch {
			case core.CodeOf(err) == core.CodeUnauthorized && s.token() == 0 && !s.offline:
				forget(ctx)
				s.me, s.state = rest.Me{}, anonymous
				return
			case err == nil:
				s.meet(ctx, me)
			}
			s.heardOf(err)
		})
	})
}

// pingEvery is how long no server may have answered before it is asked whether it is
// there. A page that asks for nothing must not say that it is connected.
const pingEvery = 5 * time.Second

// pingTimeout is how long the server has for its answer.
const pingTimeout = 5 * time.Second

// ping asks the server whether it is there, unless it has answered something a moment
// ago.
func (sh *shell) ping(ctx app.Context) {
	s := sh.s
	if hidden() || s.pinging || !s.offline && time.Since(s.heard) < pingEvery-time.Second {
		return
	}
	s.pinging = true
	ctx.Async(func() {
		limited, cancel := context.WithTimeout(ctx, pingTimeout)
		defer cancel()
		_, err := s.client.Health(limited)
		s.dispatch(func(app.Context) {
			s.pinging = false
			s.heardOf(err)
		})
	})
}

// OnNav implements [app.Navigator].
func (sh *shell) OnNav(ctx app.Context) { sh.onNav(ctx) }

func (sh *shell) onNav(ctx app.Context) {
	path := ctx.Page().URL().EscapedPath() // escaped: a name may hold a slash
	changed := sh.path != path
	sh.path, sh.menu, sh.palette = path, false, false
	title := "EventFlow"
	if r, params, ok := find(sh.path); ok && app.IsClient { // the server renders one page for all addresses
		title = crumbTitle(r, params) + " · EventFlow"
	}
	ctx.Page().SetTitle(title)
	if changed {
		// People who use the keyboard or listen to the page begin at its title, unless
		// they are in a field already.
		ctx.Defer(func(app.Context) {
			if !isField(app.Window().Get("document").Get("activeElement")) {
				focus("main h1")
			}
		})
	}
}

// OnAppUpdate implements [app.AppUpdater].
func (sh *shell) OnAppUpdate(ctx app.Context) { sh.update = ctx.AppUpdateAvailable() }

// OnAppInstallChange implements [app.AppInstaller].
func (sh *shell) OnAppInstallChange(ctx app.Context) { sh.install = ctx.IsAppInstallable() }

// OnDismount implements [app.Dismounter].
func (sh *shell) OnDismount() {
	if sh.unkeys != nil {
		sh.unkeys()
		sh.untabs()
	}
}

// listen opens the palette by Ctrl+K, and goes through lists by j and k.
func (sh *shell) listen(ctx app.Context) {
	sh.unkeys = onKey(func(e app.Value) {
		walkRows(e)
		if (e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool()) && e.Get("key").String() == "k" {
			e.Call("preventDefault")
			ctx.Dispatch(func(app.Context) { sh.palette, sh.tab = sh.s.state == signedIn && !sh.palette, "" })
		}
	})
}

// Render implements [app.Composer].
func (sh *shell) Render() app.UI {
	r, params, found := find(sh.path)
	page := Page{s: sh.s, Path: sh.path, Params: params, Rev: sh.s.rev}
	switch {
	case found && r.public:
		return sh.bare(r.view(page))
	case sh.s.state == starting || sh.path == "": // a page that is drawn before its address is known would be drawn anew, and lose what was typed
		return sh.frame(app.Div().Class("pending"))
	case sh.s.state == anonymous:
		return sh.bare(&loginView{Page: page})
	case !found:
		return sh.frame(app.H1().TabIndex(-1).Text("Page not found"),
			emptyPanel("Nothing here", "The address may be mistyped or from an older version.", "", linkButton("Home", "home", "/")))
	case !sh.s.may(r.action):
		return sh.frame(app.H1().TabIndex(-1).Text(r.title), forbidden(r.action, sh.s.me.Role))
	}
	return sh.frame(r.view(page))
}

// bare is the frame around pages without a session.
func (sh *shell) bare(content app.UI) app.UI {
	return app.Div().ID("app").Class("bare").Body(
		app.Main().ID("main").Body(app.Div().Class("brand").Body(mark(), app.Text("EventFlow")), content),
	)
}

func (sh *shell) frame(content ...app.UI) app.UI {
	parts := []app.UI{
		app.A().Class("skip").Href("#main").Text("Skip to content"),
		sh.rail(),
		app.Header().Class("bar").Body(sh.bar()...),
		// The banners are in a box of their own: beside the page they would change its
		// place when they come and go, and it would be drawn anew without its focus and
		// what was typed into it.
		app.Main().ID("main").Body(append([]app.UI{app.Div().Class("banners").Body(sh.banners()...)}, content...)...),
	}
	if sh.s.state == expired {
		parts = append(parts, sh.again())
	}
	parts = append(parts, sh.notice())
	if sh.palette {
		parts = append(parts, &palette{Page: Page{s: sh.s, Rev: sh.s.rev}, Tab: sh.tab, Close: func(app.Context) { sh.palette = false }})
	}
	return app.Div().ID("app").Body(parts...)
}

// again asks for the password on top of the page, which keeps what its user did.
func (sh *shell) again() app.UI {
	return &dialog{Title: "Sign in again", Body: []app.UI{
		app.P().Text("Your session has expired. Your work on this page is kept."),
		&loginForm{Page: Page{s: sh.s, Rev: sh.s.rev}, Email: sh.s.email(), Done: sh.s.resume},
	}}
}

// notice says what the user has done. It is there before it says anything, because
// people who listen to the page hear only what changes in it.
func (sh *shell) notice() app.UI {
	return app.Div().Class("notice").Role("status").Body(app.If(sh.s.said != "", func() app.UI {
		return app.Div().Class("note", "ok").Body(icon("ok"), app.Span().Text(sh.s.said))
	}))
}

func (sh *shell) banners() (all []app.UI) {
	if sh.update {
		all = append(all, app.Div().Class("banner").Role("status").Body(icon("info"), app.Span().Text("A new version of the dashboard is available."),
			button("Reload", "refresh", func(ctx app.Context, _ app.Event) { ctx.Reload() })))
	}
	if sh.s.offline {
		text := "Server unreachable"
		if !sh.s.heard.IsZero() {
			text += " since " + sh.s.heard.Local().Format("15:04:05")
		}
		text += ". Data may be out of date, and changes are disabled."
		all = append(all, app.Div().Class("banner", "warn").Role("status").Body(icon("warn"), app.Span().Text(text)))
	}
	return all
}

func (sh *shell) rail() app.UI {
	var links []app.UI
	shown := 0
	for _, p := range places {
		if !sh.s.known() || !sh.s.may(p.action) {
			continue
		}
		link := app.A().Href(p.path).Title(p.name).Body(icon(p.icon), app.Span().Text(p.name))
		if sh.inside(p.path) {
			link = link.Aria("current", "page")
		}
		if shown++; shown > firstPlaces {
			link = link.Class("later")
		}
		if slices.Contains(apart, p.path) {
			link = link.Class("apart")
		}
		links = append(links, link)
	}
	more := app.Button().Class("more").Type("button").Aria("expanded", sh.menu).
		OnClick(func(app.Context, app.Event) { sh.menu = !sh.menu }).Body(icon("more"), app.Span().Text("More"))
	nav := app.Nav().Class("rail").Aria("label", "Main")
	if sh.menu {
		nav = nav.Class("open")
	}
	return nav.Body(append([]app.UI{app.A().Class("brand").Href("/").Aria("label", "EventFlow, home").Body(mark(), app.Span().Text("EventFlow"))},
		append(links, more)...)...)
}

// inside reports whether the address is a place's or below it.
func (sh *shell) inside(path string) bool {
	return sh.path == path || path != "/" && strings.HasPrefix(sh.path, path+"/")
}

func (sh *shell) bar() []app.UI {
	dot := badge("ok", "Connected")
	if sh.s.offline {
		dot = badge("bad", "Offline")
	}
	bar := []app.UI{sh.crumbs(), app.Span().Class("grow")}
	if !sh.s.known() {
		return bar
	}
	bar = append(bar,
		app.Button().Class("button", "find").Type("button").Aria("label", "Go to… Ctrl K").OnClick(func(app.Context, app.Event) { sh.palette, sh.tab = true, "" }).
			Body(icon("search"), app.Span().Text("Go to…"), app.Kbd().Text("Ctrl K")),
		app.Div().Class("dot").Body(dot))
	if sh.install {
		bar = append(bar, iconButton("Install app", "install", func(ctx app.Context, _ app.Event) { ctx.ShowAppInstallPrompt() }))
	}
	return append(bar,
		iconButton("Exact or relative times", "wait", func(ctx app.Context, _ app.Event) { switchTimes(ctx) }),
		iconButton("Light or dark", "theme", func(ctx app.Context, _ app.Event) { switchTheme(ctx) }),
		app.A().Class("button", "bare", "who").Href("/settings/account").Title(sh.account()).Body(icon("user"), app.Span().Text(sh.who())),
		iconButton("Sign out", "out", sh.signOut))
}

// who is the user in few words. Where there are several organizations, the one that
// is shown comes first.
func (sh *shell) who() string {
	if sh.s.several() {
		return sh.s.me.Organization.Name + " · " + sh.s.email()
	}
	return sh.s.email()
}

// account says where the user's name leads.
func (sh *shell) account() string {
	if sh.s.several() {
		return "Your account in " + sh.s.me.Organization.Name + ", and your other organizations"
	}
	return "Your account"
}

// signOutTimeout is how long signing out waits for the server.
const signOutTimeout = 5 * time.Second

func (sh *shell) signOut(ctx app.Context, _ app.Event) {
	s := sh.s
	s.over.Store(true) // before forget: no answer that still comes is kept
	forget(ctx)        // even if the server does not answer
	tellTabs(ctx)
	ctx.Async(func() {
		limited, cancel := context.WithTimeout(ctx, signOutTimeout)
		defer cancel()
		_ = s.client.Logout(limited) // the dashboard is signed out either way
		s.shell.Dispatch(func(ctx app.Context) { sh.anonymous(ctx, s) })
	})
}
