// Package decoded holds an event whose JSON is decoded when it is needed, and then once
// for all that look at it.
package decoded

import (
	"github.com/eventflow-go/eventflow/core"
)

// Event is an event and what its JSON means. One goroutine may use it.
type Event struct {
	*core.Event

	payload, context any
	hasPayload       bool
	hasContext       bool
}

// Open returns an event of which nothing is decoded yet. Nobody may write to it
// meanwhile.
func Open(event *core.Event) *Event { return &Event{Event: event} }

// PayloadValue returns the payload: nil, a bool, a string, an int, a [json.Number] for
// each number that is no int, []any or map[string]any. Nobody may write to it.
func (e *Event) PayloadValue() any {
	if !e.hasPayload {
		e.payload, e.hasPayload = Value(string(e.Payload)), true
	}
	return e.payload
}

// ContextValue returns the context, an object of strings. Nobody may write to it.
func (e *Event) ContextValue() map[string]any {
	if !e.hasContext {
		e.context, e.hasContext = Value(string(e.Context)), true
	}
	object, _ := e.context.(map[string]any)
	if object == nil {
		object = map[string]any{}
		e.context = object
	}
	return object
}
