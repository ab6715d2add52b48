package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// Page is what every page is given: the session and the address.
type Page struct {
	s *session
	// Path is the address, escaped. It stays the same while the page is mounted.
	Path string
	// Params are the parts of the address that vary, by their names in the route.
	Params map[string]string
	// Rev is the session's rev. Where it differs from the last one, the framework draws
	// the page anew.
	Rev int
}

// CompoID implements [app.DismountEnforcer]: another address is another page.
func (p Page) CompoID() string { return p.Path }

// here reports whether the browser is still at the page's address. A page hears of
// every navigation once more before it is taken away, and must then leave the
// address alone, which is another page's by then.
func (p Page) here(ctx app.Context) bool { return ctx.Page().URL().EscapedPath() == p.Path }

// stream is the stream that the address names.
func (p Page) stream() string { return p.Params["stream"] }
