package cloudevents

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// incoming is a CloudEvent whose attributes come in one by one.
type incoming struct {
	attributes []attribute
	// payload is the data as the payload of an event. encoding is the value of
	// [contextDataEncoding], "" if the data is JSON.
	payload  []byte
	encoding string
}

type attribute struct{ name, text string }

// get returns an attribute, "" if there is none.
func (e *incoming) get(name string) string {
	text, _ := e.lookup(name)
	return text
}

func (e *incoming) lookup(name string) (text string, ok bool) {
	for i := range e.attributes {
		if e.attributes[i].name == name {
			return e.attributes[i].text, true
		}
	}
	return "", false
}

// set adds an attribute.
func (e *incoming) set(name, text string) error {
	if err := checkAttributeName(name); err != nil {
		return err
	}
	if _, given := e.lookup(name); given {
		return core.Invalid(name, "is given twice")
	}
	switch {
	case !utf8.ValidString(text):
		return core.Invalid(name, "must be valid UTF-8")
	case strings.ContainsFunc(text, unicode.IsControl):
		return core.Invalid(name, "must not contain control characters")
	}
	e.attributes = append(e.attributes, attribute{name, text})
	return nil
}

// draft turns the CloudEvent into an event. Everything that an event has no
// field for becomes its context: the extensions, and some attributes. field
// says whether the event names its stream.
func (e *incoming) draft(field eventjson.StreamField) (eventjson.Draft, error) {
	if err := e.check(field); err != nil {
		return eventjson.Draft{}, err
	}
	event := core.Event{
		Type: e.get(attributeType), Source: e.get(attributeSource), Subject: e.get(attributeSubject),
		IdempotencyKey: e.idempotencyKey(), Payload: e.payload, Context: e.context(),
	}
	if text := e.get(attributeTime); text != "" {
		var err error
		if event.OccurredAt, err = eventjson.ParseTime(attributeTime, text); err != nil {
			return eventjson.Draft{}, err
		}
	}
	draft, err := eventjson.NewDraft(event, e.get(attributeStream))
	draft.KeyDecides = true // CloudEvents 1.0: events with one source and id are duplicates
	return draft, attributeError(err)
}

// check looks for attributes that are missing, empty or not allowed.
func (e *incoming) check(field eventjson.StreamField) error {
	const required = "is required"
	missing := &core.Error{Code: core.CodeValidation}
	var names []string
	for _, name := range []string{attributeVersion, attributeID, attributeSource, attributeType} {
		if e.get(name) == "" {
			names = append(names, name)
			missing.Details = append(missing.Details, core.Detail{Field: name, Reason: required})
		}
	}
	if len(names) > 0 {
		missing.Message = strings.Join(names, ", ") + ": " + required
		return missing
	}
	if e.get(attributeVersion) != "1.0" {
		return core.Invalid(attributeVersion, `must be "1.0"`)
	}
	for _, name := range []string{attributeSubject, attributeTime, attributeContentType, attributeSchema} {
		if text, given := e.lookup(name); given && text == "" {
			return core.Invalid(name, "must not be empty")
		}
	}
	switch stream, given := e.lookup(attributeStream); {
	case field == eventjson.StreamInPath && given:
		return core.Invalid(attributeStream, "is not allowed here: the path names the stream")
	case field == eventjson.StreamInEvent && stream == "":
		return core.Invalid(attributeStream, "is required here: give the name or id of a stream")
	}
	return nil
}

// idempotencyKey returns what makes a CloudEvent unique: its source and its id,
// or their hash if they are too long.
//
// The last "#" parts the two. Where the id holds a "#" itself, the key begins with
// one and says how long the source is. So it does for a source that begins with
// one: no source and id have the key of another source and id. All other keys are
// as earlier versions made them, so that what they stored is known when it comes
// again.
func (e *incoming) idempotencyKey() string {
	source, id := e.get(attributeSource), e.get(attributeID)
	key := source + "#" + id
	if strings.HasPrefix(source, "#") || strings.Contains(id, "#") {
		key = "#" + strconv.Itoa(len(source)) + "#" + key
	}
	if utf8.RuneCountInString(key) <= core.MaxIdempotencyKeyLength {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "ce-sha256:" + hex.EncodeToString(sum[:])
}

func (e *incoming) context() []byte {
	b := appendText([]byte(`{"`+contextID+`":`), e.get(attributeID))
	for i := range e.attributes {
		switch a := &e.attributes[i]; a.name {
		case attributeVersion, attributeID, attributeSource, attributeType, attributeSubject, attributeTime, attributeStream:
		default:
			b = appendText(append(b, `,"`+a.name+`":`...), a.text)
		}
	}
	if e.encoding != "" {
		b = append(b, `,"`+contextDataEncoding+`":"`+e.encoding+`"`...)
	}
	return append(b, '}')
}
