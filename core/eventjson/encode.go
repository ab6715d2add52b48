package eventjson

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// AppendEvent appends an event as JSON, with the names of [core.Event]. The payload and
// the context go out byte for byte.
func AppendEvent(b []byte, event *core.Event) []byte {
	b = append(b, `{"event_id":"`...)
	b = event.ID.AppendText(b)
	b = append(b, `","stream_id":"`...)
	b = event.Stream.AppendText(b)
	b = append(b, `","offset":`...)
	b = strconv.AppendInt(b, int64(event.Offset), 10)
	b = append(b, `,"event_type":`...)
	b = AppendText(b, event.Type)
	b = append(b, `,"event_version":`...)
	b = strconv.AppendInt(b, int64(event.Version), 10)
	b = append(b, `,"occurred_at":"`...)
	b = event.OccurredAt.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","received_at":"`...)
	b = event.ReceivedAt.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","source":`...)
	b = AppendText(b, event.Source)
	b = appendOptional(b, `,"subject":`, event.Subject)
	b = append(b, `,"payload":`...)
	b = append(b, event.Payload...)
	if len(event.Context) > 0 {
		b = append(b, `,"context":`...)
		b = append(b, event.Context...)
	}
	if !event.APIKeyID.IsZero() {
		b = append(b, `,"api_key_id":"`...)
		b = event.APIKeyID.AppendText(b)
		b = append(b, '"')
	}
	b = appendOptional(b, `,"idempotency_key":`, event.IdempotencyKey)
	return append(b, '}')
}

func appendOptional(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	return AppendText(append(b, name...), text)
}

// AppendText appends a text as a JSON string.
func AppendText(b []byte, text string) []byte {
	plain, ascii := true, true
	for i := range len(text) {
		c := text[i]
		plain = plain && c >= ' ' && c != '"' && c != '\\'
		ascii = ascii && c < utf8.RuneSelf
	}
	if plain && (ascii || utf8.ValidString(text)) {
		b = append(b, '"')
		b = append(b, text...)
		return append(b, '"')
	}
	encoded, _ := json.Marshal(text) // a string always has a JSON form
	return append(b, encoded...)
}
