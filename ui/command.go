package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"github.com/eventflow-go/eventflow/core"
)

// keyHeader gives curl the key, which commands take from the shell's variable KEY: the
// server has only its hash. What exportKey returns sets the variable.
const keyHeader = `-H "X-API-Key: $KEY"`

// exportKey is a command that sets the variable of keyHeader.
func exportKey(secret string) string { return "export KEY=" + secret }

// getCommand is a command that asks for an address.
func getCommand(address string) string { return "curl " + quote(address) + " " + keyHeader }

// postCommand is a command that posts JSON to an address.
func postCommand(address, body string) string {
	return "curl -X POST " + quote(address) + " \\\n  " + keyHeader + " -H 'Content-Type: application/json' \\\n  --data-binary " + quote(body)
}

// commandBox shows a command to be copied, and says where its key comes from.
func commandBox(s *session, text string) app.UI {
	return app.Div().Class("stack", "tight").Body(&copyBox{Text: text}, keyHint(s))
}

// keyHint says where the key of a command comes from.
func keyHint(s *session) app.UI {
	parts := []app.UI{app.Code().Text("$KEY"), app.Text(" is an API key or a service token: "), app.Code().Text(exportKey("…"))}
	if s.may(core.ActionWriteKeys) {
		parts = append(parts, app.Text(" · "), app.A().Href("/settings/api-keys").Text("API keys"))
	}
	return app.P().Class("hint").Body(parts...)
}
