package objectstore

import (
	"bytes"

	"github.com/klauspost/compress/gzip"

	"github.com/eventflow-go/eventflow/adapters/destination"
	"github.com/eventflow-go/eventflow/core"
)

// formatLines is the format of files with a JSON object of each event on a line, with
// the names of [core.Event]. It is the ending of their names, too.
const formatLines = "ndjson.gz"

// linesOf returns the events as lines of JSON. The same events make the same bytes.
func linesOf(events []core.Outgoing) ([]byte, error) {
	var b bytes.Buffer
	for i := range events {
		if err := destination.WriteLine(&b, &events[i].Event); err != nil {
			return nil, err
		}
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
