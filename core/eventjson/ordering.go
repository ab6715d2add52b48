package eventjson

import (
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// payloadKey begins an ordering key that is a path into the payload.
const payloadKey = "payload."

// CheckOrdering refuses an ordering key that is none. The empty one is fine: it means
// that there is no order. The error names the field ordering_key.
func CheckOrdering(ordering string) error {
	path, inPayload := strings.CutPrefix(ordering, payloadKey)
	switch {
	case ordering == "" || ordering == core.OrderingSubject:
		return nil
	case !inPayload || path == "":
		return core.Invalid("ordering_key", "must be subject, or payload. and a path as in payload.customer.id")
	case CheckPath(path) != nil:
		return core.Invalid("ordering_key", `has a key in quotes that is no JSON string; write one as in payload.user."first.name"`)
	}
	return core.CheckText("ordering_key", ordering, 1, core.MaxOrderingKeyLength)
}

// KeyOf returns the key of an event by an ordering key that [CheckOrdering] lets
// pass: the event's subject, or the text of the string, number or word at a path of its
// payload. It is "" for an event that has no order: nothing is there, or null, an
// object, an array or an empty string is.
//
// A number has one text however it was written: 7, 7.0 and 70e-1 are the key 7, which
// is the key of the string "7" as well.
func KeyOf(ordering string, event *core.Event) string {
	path, inPayload := strings.CutPrefix(ordering, payloadKey)
	switch {
	case ordering == core.OrderingSubject:
		return event.Subject
	case !inPayload:
		return ""
	}
	found, ok := find(event.Payload, path)
	if !ok {
		return ""
	}
	text, ok := scalar(found)
	switch {
	case !ok || text == "null" && found[0] == 'n':
		return ""
	case found[0] == '"':
		return text
	}
	return plainNumber(text)
}

// plainNumber returns the one text of a JSON number, and any other text as it is. It
// has no exponent unless the number is very large or very small.
func plainNumber(text string) string {
	if allDigits(text) { // valid JSON has no zeros in front
		return text
	}
	d, ok := parseDecimal(text)
	if !ok {
		return text
	}
	return d.text()
}

// text returns the number in the form that people expect.
func (d decimal) text() string {
	const longest = 30 // zeros that are written out
	digits, sign := d.digits, ""
	if d.negative {
		sign = "-"
	}
	point := int64(len(digits)) + d.exponent // where it stands among the digits
	switch {
	case digits == "":
		return "0"
	case d.exponent >= 0 && d.exponent <= longest:
		return sign + digits + strings.Repeat("0", int(d.exponent))
	case d.exponent < 0 && point > 0:
		return sign + digits[:point] + "." + digits[point:]
	case d.exponent < 0 && point > -longest:
		return sign + "0." + strings.Repeat("0", int(-point)) + digits
	}
	return sign + digits + "e" + strconv.FormatInt(d.exponent, 10)
}
