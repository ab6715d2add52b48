package cloudevents

import (
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Append appends an event as a CloudEvent 1.0 in JSON.
//
// An event that came as a CloudEvent goes out with the attributes and the data
// that it came with. Extensions that were numbers or booleans are strings by
// then, and its time is in UTC with microseconds. The id of any other event is
// its event_id, its source is escaped where that is no URI reference, and its
// datacontenttype is application/json.
//
// The members of the context become extensions. A member keeps its name where
// an attribute can have that name. Otherwise, unless the event came as a
// CloudEvent, it goes out in lower case and without `_`, `-` and `.`:
// correlation_id as correlationid. A member is left out when even that is not a
// name, when it is the name of an attribute of the specification, or when
// another member has it. The server adds two extensions, eventflowoffset and
// eventflowreceivedat, both strings: an offset can be larger than a CloudEvent's
// integers.
func Append(b []byte, event *core.Event) []byte {
	return append(appendMembers(b, event), '}')
}

// AppendDelivered is [Append] for an event that is handed to a consumer: the
// extension eventflowattempt says how often it has been handed out by now.
func AppendDelivered(b []byte, event *core.Event, attempt int) []byte {
	b = append(appendMembers(b, event), `,"`+attributeAttempt+`":`...)
	return append(strconv.AppendInt(b, int64(attempt), 10), '}')
}

// appendMembers appends a CloudEvent without its closing bracket.
func appendMembers(b []byte, event *core.Event) []byte {
	o := newOutgoing(event)
	b = append(b, `{"specversion":"1.0"`...)
	add := func(name, text string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = appendText(append(b, `":`...), text)
	}
	o.attributes(add)
	o.extensions(func(name string, value []byte) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(append(b, `":`...), value...)
	})
	o.numbers(add)
	return o.appendData(b)
}

// outgoing is a stored event on its way out.
type outgoing struct {
	*core.Event
	pairs contextPairs
	// foreign says that the event came as a CloudEvent, and encoding how its
	// payload then holds the data.
	foreign  bool
	encoding string
}

func newOutgoing(event *core.Event) outgoing {
	o := outgoing{Event: event, pairs: pairsOf(event.Context)}
	if o.foreign = o.pairs.text(contextID) != ""; o.foreign {
		o.encoding = o.pairs.text(contextDataEncoding)
	}
	return o
}

func (o *outgoing) id() string {
	if o.foreign {
		return o.pairs.text(contextID)
	}
	return o.ID.String()
}

func (o *outgoing) source() string {
	if o.Source == "" {
		return "/streams/" + o.Stream.String()
	}
	return uriReference(o.Source)
}

// attributes calls add with each attribute of the specification but specversion.
func (o *outgoing) attributes(add func(name, text string)) {
	some := func(name, text string) {
		if text != "" {
			add(name, text)
		}
	}
	some(attributeID, o.id())
	some(attributeSource, o.source())
	some(attributeType, o.Type)
	some(attributeSubject, o.Subject)
	if !o.OccurredAt.IsZero() {
		add(attributeTime, o.OccurredAt.Format(time.RFC3339Nano))
	}
	some(attributeContentType, o.contentType())
	some(attributeSchema, uriReference(o.pairs.text(attributeSchema)))
}

// numbers calls add with the extensions that the server sets.
func (o *outgoing) numbers(add func(name, text string)) {
	add(attributeOffset, strconv.FormatInt(int64(o.Offset), 10))
	add(attributeReceivedAt, o.ReceivedAt.Format(time.RFC3339Nano))
}

func (o *outgoing) hasData() bool {
	return len(o.Payload) > 0 && (o.encoding != dataNone || string(o.Payload) != "null")
}

// contentType returns the attribute datacontenttype. The type that the context
// names is passed on only if the payload can be of that type, so that no reader
// fails on it.
func (o *outgoing) contentType() string {
	text := o.pairs.text(attributeContentType)
	if o.foreign && text == "" {
		return ""
	}
	media, _, err := mime.ParseMediaType(text)
	mayBeText := !o.hasData() || isString(o.Payload)
	if !o.foreign || err != nil || !mayBeText && !isJSONType(media) {
		return typeJSON
	}
	return text
}

// notExtensions are the names that no member of a context goes out under: the
// attributes of the specification, and those that the server sets.
var notExtensions = []string{
	attributeVersion, attributeID, attributeSource, attributeType, attributeSubject, attributeTime, attributeContentType, attributeSchema,
	memberData, contextDataEncoding, attributeStream, attributeOffset, attributeReceivedAt, attributeAttempt,
}

// extensions calls add with the members of the context, under names that attributes may
// have. The values are JSON strings. Members that need no other name come first, so
// that they keep theirs.
func (o *outgoing) extensions(add func(name string, value []byte)) {
	var taken []string
	first := func(name string, value []byte) {
		if !isAttributeName(name) || slices.Contains(notExtensions, name) || slices.Contains(taken, name) {
			return
		}
		taken = append(taken, name)
		add(name, value)
	}
	for i := range o.pairs {
		first(o.pairs[i].name, o.pairs[i].value)
	}
	if o.foreign {
		return // its other members are not from its producer
	}
	for i := range o.pairs {
		if !isAttributeName(o.pairs[i].name) {
			first(strings.ToLower(withoutMarks.Replace(o.pairs[i].name)), o.pairs[i].value)
		}
	}
}

var withoutMarks = strings.NewReplacer("_", "", "-", "", ".", "")

// appendData appends the payload, as the member that its encoding asks for.
func (o *outgoing) appendData(b []byte) []byte {
	switch {
	case !o.hasData():
		return b
	case o.isBinary():
		b = append(b, `,"data_base64":`...)
	default:
		b = append(b, `,"data":`...)
	}
	return append(b, o.Payload...)
}

// isBinary reports whether the payload is a string that holds other data in base64.
func (o *outgoing) isBinary() bool { return o.encoding == dataBase64 && holdsBase64(o.Payload) }
