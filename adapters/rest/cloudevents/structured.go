package cloudevents

import (
	"bytes"
	"strconv"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// IsStructured reports whether a media type is one of CloudEvents, in JSON or
// in another format. Then the body is the whole event, and headers mean
// nothing.
func IsStructured(contentType []byte) bool {
	prefix := []byte("application/cloudevents")
	return len(contentType) >= len(prefix) && bytes.EqualFold(contentType[:len(prefix)], prefix)
}

// Decode decodes a CloudEvent in JSON. The draft keeps parts of body.
func Decode(body []byte, field eventjson.StreamField) (eventjson.Draft, error) {
	var e incoming
	var data, encoded []byte
	err := eventjson.Members(body, func(name string, value []byte) error {
		switch name {
		case memberData:
			data = value
			return nil
		case memberBase64:
			if string(value) != "null" {
				encoded = value
			}
			return nil
		}
		return e.setJSON(name, value)
	})
	if err == nil {
		err = e.setData(data, encoded)
	}
	if err != nil {
		return eventjson.Draft{}, err
	}
	return e.draft(field)
}

// setJSON adds an attribute that came in JSON, where null is no attribute.
func (e *incoming) setJSON(name string, value []byte) error {
	if err := checkAttributeName(name); err != nil {
		return err
	}
	if text, ok := eventjson.TextOf(value); ok {
		return e.set(name, text)
	}
	switch name {
	case attributeVersion, attributeID, attributeSource, attributeType, attributeSubject, attributeTime,
		attributeContentType, attributeSchema, attributeStream:
		if string(value) != "null" {
			return core.Invalid(name, "must be a string")
		}
		return nil
	}
	switch text := string(value); text {
	case "null":
		return nil
	case "true", "false":
		return e.set(name, text)
	default:
		if _, err := strconv.ParseInt(text, 10, 32); err != nil {
			return core.Invalid(name, "must be a string, a boolean or an integer from -2147483648 to 2147483647")
		}
		return e.set(name, text)
	}
}

// setData takes the data from the members that may hold it, which are nil if
// they are missing.
func (e *incoming) setData(data, encoded []byte) error {
	media, _, err := e.media()
	switch {
	case err != nil:
		return err
	case data != nil && encoded != nil:
		return core.Invalid(memberBase64, "must not be given together with data")
	case encoded != nil:
		text, ok := eventjson.TextOf(encoded)
		if !ok || !isBase64(text) {
			return core.Invalid(memberBase64, "must be a base64 string, padded and on one line")
		}
		if len(text) < len(encoded)-len(`""`) {
			encoded = []byte(`"` + text + `"`) // without escapes, as readers expect it
		}
		e.payload, e.encoding = encoded, dataBase64
	case data == nil:
		e.payload, e.encoding = []byte("null"), dataNone
	case data[0] != '"' && !isJSONType(media):
		return core.Invalid(memberData, "must be a string when datacontenttype is not JSON")
	default:
		e.payload = data
	}
	return nil
}
