package cloudevents

import (
	"errors"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// attributeOf maps the fields of an event to the attributes they came from.
var attributeOf = map[string]string{
	"event_type": attributeType, "idempotency_key": attributeID, "stream": attributeStream,
	"payload": memberData, "body": memberData, "context": fieldExtensions,
}

// attributeError makes an error about a field of an event name the attribute
// that the field came from.
func attributeError(err error) error {
	known, ok := errors.AsType[*core.Error](err)
	if !ok || len(known.Details) == 0 {
		return err
	}
	field, reason := known.Details[0].Field, known.Details[0].Reason
	if name, ok := strings.CutPrefix(field, "context."); ok {
		field = name
	} else if name, ok := attributeOf[field]; ok {
		field = name
	}
	return renamed(known, field, reason)
}

func renamed(err *core.Error, field, reason string) *core.Error {
	renamed := core.Invalid(field, "%s", reason)
	renamed.Code = err.Code
	return renamed
}

// dataError makes an error about a JSON value name the data.
func dataError(err error) error {
	known, ok := errors.AsType[*core.Error](err)
	if !ok || len(known.Details) == 0 {
		return err
	}
	field := memberData
	if path := known.Details[0].Field; strings.HasPrefix(path, "[") {
		field += path
	} else if path != "body" {
		field += "." + path
	}
	return renamed(known, field, known.Details[0].Reason)
}

var errCharset = &core.Error{
	Code:    core.CodeUnsupportedMedia,
	Message: "Content-Type: must have the charset utf-8 when the data is JSON",
	Details: []core.Detail{{Field: "Content-Type", Reason: "must have the charset utf-8 when the data is JSON"}},
}
