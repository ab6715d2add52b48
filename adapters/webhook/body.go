package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/eventflow-go/eventflow/adapters/rest/cloudevents"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// format is what a request looks like.
type format string

const (
	formatPlain      format = "plain"
	formatPayload    format = "payload"
	formatStructured format = "cloudevents-structured"
	formatBinary     format = "cloudevents-binary"
	formatBatched    format = "cloudevents-batched"
)

const typeJSON = "application/json"

// shape is how a format is written.
type shape struct {
	media  string
	append func(b []byte, event *core.Event) []byte
	// many says that a request may have several events, as an array, and alwaysMany
	// that it is an array even where it may have one only.
	many, alwaysMany bool
}

// formats are all formats. An array of payloads is none: its receiver could not tell
// those that were sent again.
var formats = map[format]shape{
	formatPlain:      {media: typeJSON, append: eventjson.AppendEvent, many: true},
	formatPayload:    {media: typeJSON, append: func(b []byte, event *core.Event) []byte { return append(b, event.Payload...) }},
	formatStructured: {media: cloudevents.TypeEvent, append: cloudevents.Append},
	formatBinary:     {},
	formatBatched:    {media: cloudevents.TypeBatch, append: cloudevents.Append, many: true, alwaysMany: true},
}

func formatNames() (names []string) {
	for _, f := range slices.Sorted(maps.Keys(formats)) {
		names = append(names, string(f))
	}
	return names
}

// encode returns the body of a request, and adds the headers that go with it.
func (s *settings) encode(events []core.Outgoing, header http.Header) []byte {
	size := 0
	for i := range events {
		const others = 512 // the other fields of an event, roughly
		size += events[i].Event.Size() + others
	}
	b := make([]byte, 0, size)
	if s.Format == formatBinary {
		return cloudevents.AppendBinary(b, &events[0].Event, header.Set)
	}
	shape := formats[s.Format]
	header["Content-Type"] = []string{shape.media}
	if !shape.alwaysMany && *s.Batch == 1 {
		return shape.append(b, &events[0].Event)
	}
	for i := range events {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		b = shape.append(append(b, separator), &events[i].Event)
	}
	return append(b, ']')
}

// idOf returns the id of a request: that of its event, and for a batch one of these very
// events. The same batch has the same id when it is sent again. Another batch has another
// one even if it begins with the same event, because a receiver drops what it has seen.
func (s *settings) idOf(events []core.Outgoing) string {
	first := events[0].Event.ID
	if *s.Batch == 1 {
		return first.String()
	}
	hash := sha256.New()
	for i := range events {
		hash.Write(events[i].Event.ID[:])
	}
	const told = 8
	return first.String() + "-" + strconv.Itoa(len(events)) + "-" + hex.EncodeToString(hash.Sum(nil)[:told])
}

// traceparentOf returns the W3C trace context that an event came with, or "".
func traceparentOf(event *core.Event) string {
	var context struct {
		Traceparent string `json:"traceparent"`
	}
	if len(event.Context) == 0 || json.Unmarshal(event.Context, &context) != nil || !isTraceparent(context.Traceparent) {
		return ""
	}
	return context.Traceparent
}

// isTraceparent reports whether a text has the form 00-<32 hex>-<16 hex>-<2 hex>.
func isTraceparent(text string) bool {
	const whole, second, third, last = 55, 3, 36, 53
	if len(text) != whole || text[:second] != "00-" || text[third-1] != '-' || text[last-1] != '-' {
		return false
	}
	for _, part := range []string{text[second : third-1], text[third : last-1], text[last:]} {
		for i := range len(part) {
			if c := part[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
				return false
			}
		}
	}
	return true
}
