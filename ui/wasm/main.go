// Command wasm is the dashboard as the browser runs it.
package main

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/ui"
)

func main() {
	ui.Register()
	app.RunWhenOnBrowser()
}
