package cloudevents

import (
	"encoding/base64"
	"mime"
	"strings"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// AppendBinary appends the body of an event as a CloudEvent in binary mode, and calls
// header with each header that goes with it, Content-Type among them. It is the same
// event as [Append]'s. A payload that is text or binary data to the event's media type
// goes out as that, not as JSON. An event without data has no body.
func AppendBinary(b []byte, event *core.Event, header func(name, value string)) []byte {
	o := newOutgoing(event)
	media := ""
	add := func(name, text string) {
		if name == attributeContentType {
			media = text
			header("Content-Type", headerMedia(text))
			return
		}
		header(headerPrefix+name, headerValue(text))
	}
	add(attributeVersion, "1.0")
	o.attributes(add)
	o.extensions(func(name string, value []byte) {
		text, _ := eventjson.TextOf(value)
		add(name, text)
	})
	o.numbers(add)
	if o.foreign && media == "" && o.hasData() && !o.isBinary() {
		header("Content-Type", typeJSON) // what data without a media type is
	}
	return o.appendBody(b, media)
}

// appendBody appends the data as it is.
func (o *outgoing) appendBody(b []byte, media string) []byte {
	if !o.hasData() {
		return b
	}
	if !isString(o.Payload) {
		return append(b, o.Payload...)
	}
	text, _ := eventjson.TextOf(o.Payload)
	if o.isBinary() {
		data, _ := base64.StdEncoding.DecodeString(text) // which isBinary has tried
		return append(b, data...)
	}
	if parsed, _, err := mime.ParseMediaType(media); err != nil || isJSONType(parsed) {
		return append(b, o.Payload...)
	}
	return append(b, text...)
}

// headerMedia returns a media type without its parameters if a header cannot have these.
func headerMedia(text string) string {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			media, _, _ := strings.Cut(text, ";")
			return media
		}
	}
	return text
}

// headerValue percent-encodes what the value of a header cannot have, as the HTTP
// binding says: everything but printable ASCII, and the space, the double quote and the
// percent sign.
func headerValue(text string) string {
	plain := func(c byte) bool { return c > ' ' && c <= '~' && c != '"' && c != '%' }
	clean := true
	for i := range len(text) {
		clean = clean && plain(text[i])
	}
	if clean {
		return text
	}
	b := make([]byte, 0, len(text)+16)
	for i := range len(text) {
		if c := text[i]; plain(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(b)
}
