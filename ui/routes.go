package ui

import (
	"net/url"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// Register tells go-app what to show at which address, in the browser and on the
// server, which renders the page that is served. One shell is around every page. It
// finds the page in routes, and stays mounted while pages change.
func Register() {
	if app.IsClient {
		breathe() // Go and its libraries have kept the thread until here
	}
	app.RouteWithRegexp("^/.*", func() app.Composer { return &shell{} })
}

// route is a page of the dashboard.
type route struct {
	// pattern is the address, with `{name}` for a part that varies.
	pattern string
	title   string
	// action is what the user's role must permit. It is empty for pages that need no
	// permission.
	action core.Action
	// public pages need no session.
	public bool
	view   func(Page) app.Composer
}

// routes lists every page. Of two that match an address, the first is taken.
var routes = []route{
	{"/login", "Sign in", "", true, func(p Page) app.Composer { return &loginView{Page: p} }},
	{"/setup", "Welcome", "", true, func(p Page) app.Composer { return &setupView{Page: p} }},
	{"/forgot", "Forgot password", "", true, func(p Page) app.Composer { return &forgotView{Page: p} }},
	{"/reset", "New password", "", true, func(p Page) app.Composer { return &resetView{Page: p} }},

	{"/", "Home", core.ActionReadStreams, false, func(p Page) app.Composer { return &homeView{Page: p} }},
	{"/streams", "Streams", core.ActionReadStreams, false, func(p Page) app.Composer { return &streamsView{Page: p} }},
	{"/streams/new", "New stream", core.ActionWriteStreams, false, func(p Page) app.Composer { return &newStreamView{Page: p} }},
	{"/streams/{stream}", "Stream", core.ActionReadStreams, false, func(p Page) app.Composer { return &streamView{Page: p} }},
	{"/streams/{stream}/events", "Events", core.ActionReadEvents, false, func(p Page) app.Composer { return &eventsView{Page: p} }},
	{"/streams/{stream}/events/{offset}", "Event", core.ActionReadEvents, false, func(p Page) app.Composer { return &eventView{Page: p} }},
	{"/streams/{stream}/consumers", "Consumers", core.ActionReadGroups, false, func(p Page) app.Composer { return &streamConsumersView{Page: p} }},
	{"/streams/{stream}/processors", "Processors", core.ActionReadProcessors, false, func(p Page) app.Composer { return &processorsView{Page: p} }},
	{"/streams/{stream}/processors/new", "New processor", core.ActionWriteProcessors, false, func(p Page) app.Composer { return &processorEditView{Page: p} }},
	{"/streams/{stream}/schema", "Schema", core.ActionReadStreams, false, func(p Page) app.Composer { return &schemaView{Page: p} }},
	{"/streams/{stream}/quarantine", "Quarantine", core.ActionReadEvents, false, func(p Page) app.Composer { return &quarantineView{Page: p} }},
	{"/streams/{stream}/quarantine/{id}", "Event in quarantine", core.ActionReadEvents, false, func(p Page) app.Composer { return &quarantinedView{Page: p} }},
	{"/streams/{stream}/settings", "Settings", core.ActionReadStreams, false, func(p Page) app.Composer { return &streamSettingsView{Page: p} }},
	{"/events", "All events", core.ActionReadEvents, false, func(p Page) app.Composer { return &eventsView{Page: p} }},
	{"/publish", "Publish", core.ActionIngest, false, func(p Page) app.Composer { return &publishView{Page: p} }},
	{"/consumers", "Consumers", core.ActionReadGroups, false, func(p Page) app.Composer { return &consumersView{Page: p} }},
	{"/consumers/{stream}/{group}", "Consumer group", core.ActionReadGroups, false, func(p Page) app.Composer { return &consumerView{Page: p} }},
	{"/processors", "Processors", core.ActionReadProcessors, false, func(p Page) app.Composer { return &processorsView{Page: p} }},
	{processorPath, "Processor", core.ActionReadProcessors, false, func(p Page) app.Composer { return &processorView{Page: p} }},
	{processorPath + "/edit", "Edit", core.ActionWriteProcessors, false, func(p Page) app.Composer { return &processorEditView{Page: p} }},
	{"/dead-letters", "Dead letters", core.ActionReadLetters, false, func(p Page) app.Composer { return &deadLettersView{Page: p} }},
	{"/dead-letters/{id}", "Dead letter", core.ActionReadLetters, false, func(p Page) app.Composer { return &deadLetterView{Page: p} }},
	{"/sources", "Sources", core.ActionReadSources, false, func(p Page) app.Composer { return &sourcesView{Page: p} }},
	{"/settings/api-keys", "API keys", core.ActionReadKeys, false, func(p Page) app.Composer { return &keysView{Page: p, Kind: core.KindAPIKey} }},
	{"/settings/tokens", "Service tokens", core.ActionReadKeys, false, func(p Page) app.Composer { return &keysView{Page: p, Kind: core.KindServiceToken} }},
	{"/settings/users", "Users", core.ActionReadUsers, false, func(p Page) app.Composer { return &usersView{Page: p} }},
	{"/settings/usage", "Usage", core.ActionReadUsers, false, func(p Page) app.Composer { return &usageView{Page: p} }},
	{"/settings/roles", "Roles", "", false, func(p Page) app.Composer { return &rolesView{Page: p} }},
	{"/settings/account", "Your account", "", false, func(p Page) app.Composer { return &accountView{Page: p} }},
	{"/audit", "Audit trail", core.ActionReadAudit, false, func(p Page) app.Composer { return &auditView{Page: p} }},
	{"/system", "System", "", false, func(p Page) app.Composer { return &systemView{Page: p} }},
}

// Paths returns the patterns of all pages, with `{name}` for a part that varies. Of
// two that match an address, the first is taken.
func Paths() []string {
	paths := make([]string, len(routes))
	for i, r := range routes {
		paths[i] = r.pattern
	}
	return paths
}

// find returns the route of an escaped address and the parts of it that vary.
func find(path string) (r route, params map[string]string, ok bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	for _, r := range routes {
		if params, ok := r.match(parts); ok {
			return r, params, true
		}
	}
	return route{}, nil, false
}

// match returns the parts of an address that vary, and reports whether the address
// has the form of the pattern.
func (r route) match(parts []string) (map[string]string, bool) {
	wanted := strings.Split(strings.Trim(r.pattern, "/"), "/")
	if len(wanted) != len(parts) {
		return nil, false
	}
	params := map[string]string{}
	for i, want := range wanted {
		name, varies := strings.CutPrefix(want, "{")
		if !varies {
			if want != parts[i] {
				return nil, false
			}
			continue
		}
		value, err := url.PathUnescape(parts[i])
		if err != nil || value == "" {
			return nil, false
		}
		params[strings.TrimSuffix(name, "}")] = value
	}
	return params, true
}

// address fills values into a pattern, in their order.
func address(pattern string, values ...string) string {
	for _, value := range values {
		before, rest, varies := strings.Cut(pattern, "{")
		if !varies {
			break
		}
		_, after, _ := strings.Cut(rest, "}")
		pattern = before + url.PathEscape(value) + after
	}
	return pattern
}

func queryEscape(text string) string { return url.QueryEscape(text) }
