package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// crumbs are links to the pages above this one.
func (sh *shell) crumbs() app.UI {
	r, params, ok := find(sh.path)
	if !ok {
		return app.Div()
	}
	items := []app.UI{}
	parts := strings.Split(strings.Trim(r.pattern, "/"), "/")
	for i := 1; i < len(parts); i++ {
		above := "/" + strings.Join(strings.Split(strings.Trim(sh.path, "/"), "/")[:i], "/")
		if up, upParams, ok := find(above); ok {
			items = append(items, app.Li().Body(app.A().Href(above).Text(crumbTitle(up, upParams)), sh.switcher(up, r)))
		}
	}
	items = append(items, app.Li().Aria("current", "page").Body(app.Span().Text(crumbTitle(r, params)), sh.switcher(r, r)))
	return app.Nav().Class("crumbs").Aria("label", "Breadcrumb").Body(app.Ol().Body(items...))
}

// switcher is a button beside the crumb of a stream. It opens the page that is shown
// for another stream.
func (sh *shell) switcher(crumb, shown route) app.UI {
	tab, _, _ := strings.Cut(shown.pattern, "/{offset}")
	return app.If(crumb.pattern == "/streams/{stream}" && sh.s.state == signedIn, func() app.UI {
		return iconButton("Switch stream", "switch", func(app.Context, app.Event) { sh.palette, sh.tab = true, tab }).Class("switch")
	})
}

// crumbTitle is the title of a page. A page about one thing is titled by its name.
func crumbTitle(r route, params map[string]string) string {
	if at := strings.LastIndex(r.pattern, "/{"); at >= 0 && strings.HasSuffix(r.pattern, "}") {
		return params[strings.Trim(r.pattern[at:], "/{}")]
	}
	return r.title
}
