package mirror

import (
	"bytes"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// appendEvent appends an event as a producer sends it. Its payload goes out byte for
// byte, as its producer sent it.
func appendEvent(b []byte, event *core.Event, via string) []byte {
	b = append(b, `{"idempotency_key":"`...)
	b = event.ID.AppendText(b)
	b = append(b, `","event_type":`...)
	b = eventjson.AppendText(b, event.Type)
	b = append(b, `,"event_version":`...)
	b = strconv.AppendInt(b, int64(event.Version), 10)
	b = append(b, `,"occurred_at":"`...)
	b = event.OccurredAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	if event.Source != "" {
		b = eventjson.AppendText(append(b, `,"source":`...), event.Source)
	}
	if event.Subject != "" {
		b = eventjson.AppendText(append(b, `,"subject":`...), event.Subject)
	}
	b = append(b, `,"context":`...)
	b = appendContext(b, event.Context, via)
	b = append(b, `,"payload":`...)
	b = append(b, event.Payload...)
	return append(b, '}')
}

// worthPacking is the size from which on a body is compressed, in bytes.
const worthPacking = 1 << 10

// pack compresses a body where that is worth it, and reports whether it did.
func pack(body []byte) ([]byte, bool) {
	if len(body) < worthPacking {
		return body, false
	}
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err == nil {
		_, err = w.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil { // which memory does not give
		return body, false
	}
	return b.Bytes(), true
}
