package inbound

import (
	"strings"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// textAt returns the text at a path of a payload, or "".
func textAt(payload []byte, place string) string {
	return eventjson.KeyOf(place, &core.Event{Payload: payload})
}

// pinged answers GitHub, which sends a ping when a webhook is made.
func pinged(request Request, _ []byte) (reply any, asked bool) {
	return map[string]string{"status": "PONG"}, request.Header("X-GitHub-Event") == "ping"
}

// challenged answers Slack, which wants to hear its challenge.
func challenged(_ Request, payload []byte) (reply any, asked bool) {
	if textAt(payload, "payload.type") != "url_verification" {
		return nil, false
	}
	return map[string]string{"challenge": textAt(payload, "payload.challenge")}, true
}

// validated answers Event Grid, which wants to hear its code. It asks in the same array
// that events come in.
func validated(request Request, payload []byte) (reply any, asked bool) {
	const validation = "Microsoft.EventGrid.SubscriptionValidationEvent"
	if !strings.EqualFold(request.Header("aeg-event-type"), "SubscriptionValidation") && textAt(payload, "payload.0.eventType") != validation {
		return nil, false
	}
	code := textAt(payload, "payload.0.data.validationCode")
	return map[string]string{"validationResponse": code}, code != ""
}
