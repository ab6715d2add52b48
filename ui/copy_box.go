package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// copyBox shows a text, such as a command or a key, with a button that copies it.
type copyBox struct {
	app.Compo
	Text string

	copied bool
}

// Render implements [app.Composer].
func (c *copyBox) Render() app.UI {
	label, name := "Copy", "copy"
	if c.copied {
		label, name = "Copied", "ok"
	}
	return app.Div().Class("copybox").Body(
		app.Pre().TabIndex(0).Body(app.Code().Text(c.Text)),
		iconButton(label, name, c.copy),
	)
}

func (c *copyBox) copy(ctx app.Context, _ app.Event) {
	copyText(c.Text)
	c.copied = true
	time.AfterFunc(2*time.Second, func() { ctx.Dispatch(func(app.Context) { c.copied = false }) })
}

// copyText puts a text into the clipboard.
func copyText(text string) {
	if clipboard := app.Window().Get("navigator").Get("clipboard"); clipboard.Truthy() {
		clipboard.Call("writeText", text)
	}
}
