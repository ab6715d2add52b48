// Command wasm is the dashboard as the browser runs it.
package main

import (
	"runtime/debug"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/ui"
)

func main() {
	// A collection stops the page, which has one thread: rather a few megabytes
	// more than four pauses.
	debug.SetGCPercent(400)
	ui.Register()
	app.RunWhenOnBrowser()
}
