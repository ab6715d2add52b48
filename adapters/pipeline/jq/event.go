package jq

import (
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// valueOf returns an event as a program sees it.
func valueOf(in *decoded.Event) map[string]any {
	value := map[string]any{
		"type": in.Type, "source": in.Source, "subject": nil, "version": int(in.Version),
		"occurred_at": timeText(in.OccurredAt), "payload": in.PayloadValue(), "context": in.ContextValue(),
		"event_id": in.ID.String(), "offset": int(in.Offset), "received_at": timeText(in.ReceivedAt),
	}
	if in.Subject != "" {
		value["subject"] = in.Subject
	}
	return value
}

func timeText(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// parts are the fields that a transform may change, by the names that they have in an
// event that is ingested. What may not be missing there stands in for what was not changed.
var parts = []struct{ name, ingested, missing string }{
	{"type", "event_type", `"unchanged"`},
	{"source", "source", ""},
	{"subject", "subject", ""},
	{"version", "event_version", ""},
	{"occurred_at", "occurred_at", ""},
	{"payload", "payload", `0`},
	{"context", "context", ""},
}

// assemble puts what a program yielded in the place of what the event had. What was
// changed is written as JSON and read by the parser that reads what producers send, so
// that no event leaves a transform that could not have been ingested.
func assemble(m *meter, in *decoded.Event, was map[string]any, yielded any) (core.Event, error) {
	object, isObject := yielded.(map[string]any)
	if !isObject {
		return core.Event{}, fault("must yield an object, the event, and yields %s for this event", kindOf(yielded))
	}
	if err := onlyParts(object); err != nil {
		return core.Event{}, err
	}
	changed := map[string]any{}
	for _, part := range parts {
		if now, there := object[part.name]; there && !identical(was[part.name], now) {
			changed[part.name] = now
		}
	}
	if len(changed) == 0 {
		return *in.Event, nil
	}
	return merge(m, in, changed)
}

// onlyParts refuses fields that no event has: a misspelt one that is dropped in silence
// costs somebody their data.
func onlyParts(object map[string]any) error {
	var unknown []string
	for name := range object {
		switch name {
		case "type", "source", "subject", "version", "occurred_at", "payload", "context", "event_id", "offset", "received_at":
		default:
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	return fault("yields .%s, which is not a field of an event: put it into .payload or .context", excerpt(slices.Min(unknown)))
}

// identical reports whether a program left a value as it was. It does not look into
// containers: those that it changes are copies.
func identical(was, now any) bool {
	switch was := was.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		return ok && reflect.ValueOf(was).Pointer() == reflect.ValueOf(now).Pointer()
	case []any:
		now, ok := now.([]any)
		return ok && len(was) == len(now) && (len(was) == 0 || &was[0] == &now[0])
	}
	switch now.(type) {
	case map[string]any, []any:
		return false
	}
	return was == now
}

// merge returns the event with the changed parts.
func merge(m *meter, in *decoded.Event, changed map[string]any) (core.Event, error) {
	out := *in.Event
	gone, err := cleared(changed)
	if err != nil {
		return core.Event{}, err
	}
	body, err := ingested(m, in, changed)
	if err != nil {
		return core.Event{}, err
	}
	size := len(body)
	if _, ok := changed["payload"]; !ok {
		size += len(in.Payload)
	}
	if size > core.MaxEventBytes {
		return core.Event{}, fault("yields an event of %d bytes, and it may have %d", size, core.MaxEventBytes)
	}
	draft, err := eventjson.DecodeEvent(body, eventjson.StreamInPath)
	if err != nil {
		return core.Event{}, yieldedFault(err)
	}
	take(&out, changed, gone, &draft.Event)
	return out, nil
}

// cleared takes from the changed parts those that the event shall not have any more: an
// optional part is cleared by null, and a text also by an empty one.
func cleared(changed map[string]any) (gone map[string]bool, err error) {
	gone = map[string]bool{}
	for name, value := range changed {
		switch {
		case name == "payload":
		case name == "subject" && (value == nil || value == ""), name == "context" && value == nil:
			gone[name] = true
		case value == nil:
			return nil, fault("yields null as .%s: leave the field as it is, or out", name)
		}
	}
	for name := range gone {
		delete(changed, name)
	}
	return gone, nil
}

// ingested returns an event with the changed parts as a producer would send it.
func ingested(m *meter, in *decoded.Event, changed map[string]any) ([]byte, error) {
	e := encoder{meter: m, text: make([]byte, 0, len(in.Payload)+len(in.Context)+128)}
	opening := byte('{')
	for _, part := range parts {
		value, there := changed[part.name]
		if !there && part.missing == "" {
			continue
		}
		e.text = append(append(append(e.text, opening, '"'), part.ingested...), `":`...)
		opening = ','
		if !there {
			e.text = append(e.text, part.missing...)
		} else if !e.value(value, 0) {
			return nil, runFault(cmp.Or(m.Err(), errNoJSON))
		}
	}
	return append(e.text, '}'), nil
}

var errNoJSON = errors.New("yields what is no JSON")

// take sets the changed parts of out.
func take(out *core.Event, changed map[string]any, gone map[string]bool, now *core.Event) {
	for name := range changed {
		switch name {
		case "type":
			out.Type = now.Type
		case "source":
			out.Source = now.Source
		case "subject":
			out.Subject = now.Subject
		case "version":
			out.Version = now.Version
		case "occurred_at":
			out.OccurredAt = now.OccurredAt
		case "payload":
			out.Payload = now.Payload
		case "context":
			out.Context = now.Context
		}
	}
	if gone["subject"] {
		out.Subject = ""
	}
	if gone["context"] {
		out.Context = nil
	}
}

var atByte = regexp.MustCompile(` at byte \d+`)

// yieldedFault says what is wrong with a part, by the name that it has in a transform.
func yieldedFault(err error) error {
	var known *core.Error
	if !errors.As(err, &known) || len(known.Details) == 0 {
		return fault("yields an event that cannot be ingested: %v", err)
	}
	place, reason := known.Details[0].Field, known.Details[0].Reason
	for _, part := range parts {
		if rest, ok := strings.CutPrefix(place, part.ingested); ok {
			place = part.name + rest
			break
		}
	}
	// The byte is one of a text that nobody has seen.
	return fault("yields an event that cannot be ingested: .%s %s", excerpt(place), atByte.ReplaceAllString(reason, ""))
}

// sample returns an event that is made up. Its fields have what most events have.
func sample() *core.Event {
	at := time.Date(2026, 1, 31, 9, 30, 0, 123456000, time.UTC)
	return &core.Event{
		ID: core.RandomID(at), Type: "sample", Version: 1, OccurredAt: at, ReceivedAt: at, Source: "sample", Subject: "sample",
		Payload: json.RawMessage(`{"id":1,"name":"sample"}`), Context: json.RawMessage(`{"trace_id":"1"}`),
	}
}
