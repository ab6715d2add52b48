// Package ui is the dashboard: a progressive web app in Go, compiled to
// WebAssembly. It talks to the server through adapters/rest alone, as any other
// client does, and is held to the same rights.
package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// Register tells go-app what to show at which address, in the browser and where
// pages are rendered ahead.
func Register() {
	app.RouteWithRegexp("^/.*", func() app.Composer { return &shell{} })
}
