package eventjson

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Draft is an event as its producer sent it, checked and decoded.
//
// Payload and Context are parts of the decoded text, so whoever hands the text in
// gives it away. Strings are copies.
type Draft struct {
	// Stream is the id or name in the event's `stream` field, or "". The field
	// is allowed only when the decoder is told [StreamInEvent].
	Stream string
	// Event has Type, Version, Payload and whatever else the producer said. The server
	// fills in a zero OccurredAt and an empty Source.
	Event core.Event
	// Fingerprint is the payload's, for an event with an idempotency key. The event's
	// own fingerprint covers it; in logs of earlier versions it is the event's own.
	Fingerprint core.Fingerprint
	// KeyDecides says that two events with one idempotency key are the same event,
	// whatever else they say.
	KeyDecides bool
	// Err says why this event of a batch, alone, is refused: an [*core.Error] whose
	// fields begin with the event's place (`events[3].payload`).
	Err error
}

// StreamField says where the name of an event's stream comes from.
type StreamField bool

// The values of StreamField. With StreamInEvent an event may name its stream. Whether
// it has to is for [eventlog.Ingest] to decide, which knows the default.
const (
	StreamInPath  StreamField = false
	StreamInEvent StreamField = true
)

// maxContextKeyLength is in characters.
const maxContextKeyLength = 128

// DecodeEvent decodes one event. It is a JSON object by the rules of [ValidJSON] with
// these fields:
//
//   - event_type: required, a string;
//   - event_version: an integer from 1, written without fraction or exponent;
//   - occurred_at: RFC 3339, kept in UTC with microseconds;
//   - source, subject, idempotency_key: strings;
//   - payload: required, any JSON value, kept as it is written;
//   - context: an object of strings;
//   - stream: a string, if sf allows it.
//
// An optional field that is null counts as absent. Any other field is refused: a
// misspelt one that is dropped in silence costs a producer its data.
// The error is an [*core.Error] with [core.CodeValidation], or [core.CodePayloadTooLarge] for
// a text of more than [core.MaxEventBytes].
func DecodeEvent(body []byte, sf StreamField) (Draft, error) {
	if len(body) > core.MaxEventBytes {
		return Draft{}, eventTooLarge("body", len(body))
	}
	d := decoder{scanner: scanner{data: body}, stream: sf}
	var draft Draft
	if !d.start() || !d.event(&draft) || !d.finish() {
		return Draft{}, d.refusal("")
	}
	return draft, nil
}

func eventTooLarge(field string, size int) *core.Error {
	return tooLarge(field, "must have at most %d bytes, has %d", core.MaxEventBytes, size)
}

func tooLarge(field, reason string, args ...any) *core.Error {
	err := core.Invalid(field, reason, args...)
	err.Code = core.CodePayloadTooLarge
	return err
}

// decoder reads events with a scanner. It takes the fields as they come and decodes
// them in the scanner's one pass.
type decoder struct {
	scanner
	stream StreamField
	// missing are the required fields that the last event did not have.
	missing fieldSet
}

// fieldSet is a set of the fields that a producer may send.
type fieldSet uint16

const (
	fieldType fieldSet = 1 << iota
	fieldVersion
	fieldOccurredAt
	fieldSource
	fieldSubject
	fieldPayload
	fieldContext
	fieldIdempotencyKey
	fieldStream
)

// fieldNamed returns the field of a name, or 0. Names are compared byte by byte:
// encoding/json would take `EVENT_TYPE` as well.
func fieldNamed(name []byte) fieldSet {
	switch string(name) {
	case "event_type":
		return fieldType
	case "event_version":
		return fieldVersion
	case "occurred_at":
		return fieldOccurredAt
	case "source":
		return fieldSource
	case "subject":
		return fieldSubject
	case "payload":
		return fieldPayload
	case "context":
		return fieldContext
	case "idempotency_key":
		return fieldIdempotencyKey
	case "stream":
		return fieldStream
	}
	return 0
}

// refusal returns the fault as an error. root is the event's place in its batch.
func (d *decoder) refusal(root string) *core.Error {
	if d.missing == 0 {
		return d.invalid(root)
	}
	const reason = "is required"
	fields := make([]string, 0, 2)
	if d.missing&fieldType != 0 {
		fields = append(fields, place(root, ".event_type"))
	}
	if d.missing&fieldPayload != 0 {
		fields = append(fields, place(root, ".payload"))
	}
	err := core.Invalid(strings.Join(fields, ", "), reason)
	err.Details = err.Details[:0]
	for _, field := range fields {
		err.Details = append(err.Details, core.Detail{Field: field, Reason: reason})
	}
	return err
}

// event reads the event at pos.
func (d *decoder) event(draft *Draft) bool {
	if d.peek() != '{' {
		return d.fail("must be a JSON object")
	}
	draft.Event.Version = 1
	var seen fieldSet
	for more := d.enter('}'); more; more = d.next('}') {
		at := d.pos
		name, escaped, ok := d.name()
		if !ok {
			return false
		}
		if escaped {
			name = unescape(nil, name)
		}
		field := fieldNamed(name)
		if reason := d.refuses(name, field, seen); reason != "" {
			d.pos = at
			d.fail(reason)
			return d.inMember(name)
		}
		if !d.field(field, draft) {
			return d.inMember(name)
		}
		seen |= field
	}
	if d.reason != "" {
		return false
	}
	if d.missing = (fieldType | fieldPayload) &^ seen; d.missing != 0 {
		return false
	}
	draft.sign()
	return true
}

// refuses returns why the event may not have the field, or "".
func (d *decoder) refuses(name []byte, field, seen fieldSet) string {
	switch {
	case field&seen != 0:
		return "is given twice"
	case field == fieldStream && d.stream == StreamInPath:
		return "is not allowed here: the path names the stream"
	case field != 0:
		return ""
	}
	switch string(name) {
	case "event_id", "offset", "received_at", "api_key_id", "stream_id":
		return "is set by the server"
	}
	return "is not a field of an event"
}

// field reads the value of a field.
func (d *decoder) field(field fieldSet, draft *Draft) bool {
	event := &draft.Event
	if field != fieldType && field != fieldPayload && d.has("null") {
		return d.literal("null")
	}
	switch field {
	case fieldType:
		return d.line(&event.Type, core.MaxTypeLength)
	case fieldVersion:
		return d.version(&event.Version)
	case fieldOccurredAt:
		return d.time(&event.OccurredAt)
	case fieldSource:
		return d.line(&event.Source, core.MaxSourceLength)
	case fieldSubject:
		return d.line(&event.Subject, core.MaxSubjectLength)
	case fieldContext:
		return d.context(draft)
	case fieldIdempotencyKey:
		return d.line(&event.IdempotencyKey, core.MaxIdempotencyKeyLength)
	case fieldStream:
		return d.line(&draft.Stream, core.MaxStreamNameLength)
	}
	start := d.pos
	if !d.value(0) {
		return false
	}
	event.Payload = d.data[start:d.pos:d.pos]
	return true
}

// line reads a short text into dst. Nearly all are printable ASCII, which needs no
// further look.
func (d *decoder) line(dst *string, longest int) bool {
	if d.peek() != '"' {
		return d.fail("must be a string")
	}
	at := d.pos
	raw, escaped, ok := d.text()
	if !ok {
		return false
	}
	text := decoded(raw, escaped)
	if len(text) == 0 || len(text) > longest || !isPrintableASCII(text) {
		if err := core.CheckText("", text, 1, longest); err != nil {
			d.pos = at
			return d.fail(reasonOf(err))
		}
	}
	*dst = text
	return true
}

// decoded returns what the inside of a string means, as a copy.
func decoded(raw []byte, escaped bool) string {
	if escaped {
		raw = unescape(nil, raw)
	}
	return string(raw)
}

func isPrintableASCII(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// reasonOf returns what an error about one field says about it.
func reasonOf(err error) string {
	var known *core.Error
	if errors.As(err, &known) && len(known.Details) > 0 {
		return known.Details[0].Reason
	}
	return err.Error()
}

// version reads event_version. A fraction or an exponent is refused even when the
// number is whole.
func (d *decoder) version(dst *int32) bool {
	const reason = "must be an integer from 1 to 2147483647"
	start := d.pos
	if c := d.peek(); c != '-' && (c < '0' || c > '9') {
		return d.fail(reason)
	}
	if !d.number() {
		return false
	}
	version, err := strconv.ParseInt(string(d.data[start:d.pos]), 10, 32)
	if err != nil || version < 1 {
		d.pos = start
		return d.fail(reason)
	}
	*dst = int32(version)
	return true
}

// time reads occurred_at.
func (d *decoder) time(dst *time.Time) bool {
	const reason = "must be an RFC 3339 time, like 2026-01-31T09:30:00.123456Z"
	if d.peek() != '"' {
		return d.fail(reason)
	}
	at := d.pos
	raw, escaped, ok := d.text()
	if !ok {
		return false
	}
	if escaped {
		raw = unescape(nil, raw)
	}
	t, ok := core.ParseTime(raw)
	if !ok {
		d.pos = at
		return d.fail(reason)
	}
	t = core.Stamp(t)
	// Go's zero time means that nothing was said; a producer that sends it has
	// most likely forgotten to set it.
	if t.Year() < 1 || t.Year() > 9999 || t.IsZero() {
		d.pos = at
		return d.fail("must be after 0001-01-01T00:00:00Z and before the year 10000 in UTC")
	}
	*dst = t
	return true
}

// context reads an object of strings and keeps it as it is written. An object
// without members counts as absent.
func (d *decoder) context(draft *Draft) bool {
	start := d.pos
	if d.peek() != '{' {
		return d.fail("must be an object whose values are strings")
	}
	if !d.value(0) {
		return false
	}
	text := d.data[start:d.pos:d.pos]
	pairs := 0
	for key, value := range members(text) {
		pairs++
		if reason := contextReason(key, value); reason != "" {
			d.pos = start + len(text) - len(value)
			d.fail(reason)
			return d.inMember(key)
		}
	}
	switch {
	case pairs > core.MaxContextPairs:
		d.pos = start
		return d.fail("must have at most " + strconv.Itoa(core.MaxContextPairs) + " members, has " + strconv.Itoa(pairs))
	case len(text) > core.MaxContextBytes:
		d.pos = start
		return d.fail("must have at most " + strconv.Itoa(core.MaxContextBytes) + " bytes, has " + strconv.Itoa(len(text)))
	case pairs > 0:
		draft.Event.Context = text
	}
	return true
}

// contextReason returns what is wrong with a member of a context, or "".
func contextReason(key, value []byte) string {
	if byteAt(value, 0) != '"' {
		return "must be a string"
	}
	if text := decoded(key, hasEscape(key)); core.CheckText("", text, 1, maxContextKeyLength) != nil {
		return "must have a key of 1 to 128 characters without control characters"
	}
	return ""
}
