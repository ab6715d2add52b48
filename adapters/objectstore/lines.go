package objectstore

import (
	"bytes"
	"encoding/json"

	"github.com/klauspost/compress/gzip"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// formatLines is the format of files with a JSON object of each event on a line, with
// the names of [core.Event]. It is the ending of their names, too.
const formatLines = "ndjson.gz"

// linesOf returns the events as lines of JSON. The same events make the same bytes.
// White space in payloads is lost, because an event would not stay on its line; texts
// and numbers are as their producers wrote them.
func linesOf(events []core.Outgoing) ([]byte, error) {
	var b bytes.Buffer
	var event []byte
	for i := range events {
		event = eventjson.AppendEvent(event[:0], &events[i].Event)
		if err := json.Compact(&b, event); err != nil {
			return nil, err
		}
		b.WriteByte('\n')
	}
	return b.Bytes(), nil
}

// packed compresses lines. The header has no time, which would differ each time.
func packed(lines []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(lines); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
