package rest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The media types of CloudEvents 1.0 in JSON.
const (
	// TypeCloudEvent is one event in structured mode.
	TypeCloudEvent = "application/cloudevents+json"
	// TypeCloudEvents is an array of them.
	TypeCloudEvents = "application/cloudevents-batch+json"
)

// CloudEventStream is the extension attribute that names an event's stream
// where the path names none.
const CloudEventStream = "eventflowstream"

// The members of a context that say what an event was as a CloudEvent.
const (
	// ContextCloudEventID is the attribute id. Only events that came as
	// CloudEvents have it.
	ContextCloudEventID = "cloudevent_id"
	// ContextDataEncoding says how the payload holds data that is not JSON:
	// [DataBase64] or [DataNone].
	ContextDataEncoding = "datacontentencoding"
)

// The values of [ContextDataEncoding].
const (
	// DataBase64: the payload is a string, the data in base64.
	DataBase64 = "base64"
	// DataNone: the payload is null because there is no data.
	DataNone = "none"
)

// notExtensions are the names that no member of a context goes out under: the
// attributes of the specification, and what the server says itself.
var notExtensions = []string{
	"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data",
	ContextDataEncoding, CloudEventStream, "eventflowoffset", "eventflowreceivedat",
}

// AppendCloudEvent appends an event as a CloudEvent 1.0 in JSON.
//
// An event that came as a CloudEvent goes out with the attributes and the data
// that it came with; extensions that were numbers or booleans are strings, and
// its time is in UTC with microseconds. Another one has its event_id for an id,
// its source, escaped where that is no URI reference, and application/json for
// a datacontenttype.
//
// The members of the context are extensions: under their names where an
// attribute can be called so, otherwise, for an event that did not come as a
// CloudEvent, in lower case and without `_`, `-` and `.` (correlation_id is
// correlationid). What still is no name, is the name of an attribute of the
// specification, or is taken, is left out. Two extensions are the server's own:
// eventflowoffset and eventflowreceivedat, both strings, since an offset can be
// larger than a CloudEvent's integers.
func AppendCloudEvent(b []byte, event *core.Event) []byte {
	pairs := pairsOf(event.Context)
	id := pairs.text(ContextCloudEventID)
	foreign := id != ""
	if !foreign {
		id = event.ID.String()
	}
	b = append(b, `{"specversion":"1.0"`...)
	b = appendAttribute(b, "id", id)
	source := event.Source
	if source == "" {
		source = "/streams/" + event.Stream.String()
	}
	b = appendAttribute(b, "source", uriReference(source))
	b = appendAttribute(b, "type", event.Type)
	b = appendAttribute(b, "subject", event.Subject)
	if !event.OccurredAt.IsZero() {
		b = appendAttribute(b, "time", event.OccurredAt.Format(time.RFC3339Nano))
	}
	encoding := ""
	if foreign {
		encoding = pairs.text(ContextDataEncoding)
	}
	hasData := len(event.Payload) > 0 && (encoding != DataNone || string(event.Payload) != "null")
	b = appendAttribute(b, "datacontenttype", contentType(pairs, foreign, !hasData || isString(event.Payload)))
	b = appendAttribute(b, "dataschema", uriReference(pairs.text("dataschema")))
	b = pairs.appendExtensions(b, foreign)
	b = appendAttribute(b, "eventflowoffset", strconv.FormatInt(int64(event.Offset), 10))
	b = appendAttribute(b, "eventflowreceivedat", event.ReceivedAt.Format(time.RFC3339Nano))
	switch {
	case !hasData:
	case encoding == DataBase64 && holdsBase64(event.Payload):
		b = append(append(b, `,"data_base64":`...), event.Payload...)
	default:
		b = append(append(b, `,"data":`...), event.Payload...)
	}
	return append(b, '}')
}

// IsJSONType reports whether CloudEvents takes the data of a media type, which
// is in lower case and has no parameters, for JSON.
func IsJSONType(media string) bool {
	_, subtype, _ := strings.Cut(media, "/")
	return subtype == "json" || strings.HasSuffix(subtype, "+json")
}

// contentType is the attribute datacontenttype. What a context says is passed
// on only if the payload can be that, so that nobody's reader fails on it.
func contentType(pairs contextPairs, foreign, mayBeText bool) string {
	text := pairs.text("datacontenttype")
	if foreign && text == "" {
		return ""
	}
	media, _, err := mime.ParseMediaType(text)
	if !foreign || err != nil || !mayBeText && !IsJSONType(media) {
		return TypeJSON
	}
	return text
}

// contextPairs are the members of a context, the values as they are written.
type contextPairs []contextPair

type contextPair struct {
	name  string
	value []byte
}

func pairsOf(context []byte) (pairs contextPairs) {
	if len(context) == 0 {
		return nil
	}
	// A stored context is valid; of any other, what can be read is taken.
	_ = core.Members(context, func(name string, value []byte) error {
		if isString(value) {
			pairs = append(pairs, contextPair{name, value})
		}
		return nil
	})
	return pairs
}

func (p contextPairs) text(name string) string {
	for i := range p {
		if p[i].name == name {
			text, _ := core.TextOf(p[i].value)
			return text
		}
	}
	return ""
}

// appendExtensions appends the members under names that attributes may have.
// Those that need no other name come first, so that they keep theirs.
func (p contextPairs) appendExtensions(b []byte, foreign bool) []byte {
	var taken []string
	add := func(name string, value []byte) {
		if !IsAttributeName(name) || slices.Contains(notExtensions, name) || slices.Contains(taken, name) {
			return
		}
		taken = append(taken, name)
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(append(b, `":`...), value...)
	}
	for i := range p {
		add(p[i].name, p[i].value)
	}
	if foreign {
		return b // its other members are not from its producer
	}
	for i := range p {
		if !IsAttributeName(p[i].name) {
			add(strings.ToLower(withoutMarks.Replace(p[i].name)), p[i].value)
		}
	}
	return b
}

var withoutMarks = strings.NewReplacer("_", "", "-", "", ".", "")

// IsAttributeName reports whether a CloudEvent may have an attribute of this
// name: lower-case letters and digits of ASCII.
func IsAttributeName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}

// appendAttribute appends an attribute, unless it is empty.
func appendAttribute(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			encoded, _ := json.Marshal(text) // a string always has a JSON form
			return append(b, encoded...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// holdsBase64 reports whether a payload is what ingest makes of binary data. It
// is looked at again because anybody may have written such a context.
func holdsBase64(payload []byte) bool {
	return isString(payload) && IsBase64(string(payload[1:len(payload)-1]))
}

func isString(value []byte) bool { return len(value) > 1 && value[0] == '"' }

// IsBase64 reports whether a text is base64 as CloudEvents has it in JSON: of
// the standard alphabet, padded, without line breaks.
func IsBase64(text string) bool {
	if strings.ContainsAny(text, "\r\n") {
		return false
	}
	_, err := io.Copy(io.Discard, base64.NewDecoder(base64.StdEncoding, strings.NewReader(text)))
	return err == nil
}

// uriReference returns a text with everything escaped that no URI reference
// has; one that is a URI reference stays as it is.
func uriReference(text string) string {
	const kept = "-._~:/?#[]@!$&'()*+,;="
	brackets := strings.Contains(text, "//[") // the host is an IPv6 address
	hash := strings.IndexByte(text, '#')
	var b []byte
	for i := range len(text) {
		c := text[i]
		keep := isAlphanumeric(c) || strings.IndexByte(kept, c) >= 0
		switch c {
		case '#':
			keep = i == hash
		case '[', ']':
			keep = brackets
		case '%':
			keep = i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2])
		}
		if keep {
			b = append(b, c)
		} else {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	if _, err := url.Parse(string(b)); err != nil {
		return strings.ReplaceAll(url.PathEscape(text), ":", "%3A")
	}
	return string(b)
}

const upperHex = "0123456789ABCDEF"

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
