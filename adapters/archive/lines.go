package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"reflect"
	"strconv"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// exact is what a line has besides the event where white space in it is lost, because an
// event would not stay on its line.
type exact struct {
	Payload string `json:"payload,omitempty"`
	Context string `json:"context,omitempty"`
}

// appendLine appends an event as a line of JSON, with the names of [core.Event]. The same
// event makes the same bytes.
func appendLine(to *bytes.Buffer, event *core.Event) error {
	begin := to.Len()
	if err := json.Compact(to, eventjson.AppendEvent(nil, event)); err != nil {
		return err
	}
	lost := exact{Payload: original(event.Payload), Context: original(event.Context)}
	if lost != (exact{}) {
		text := bytes.Buffer{}
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(lost); err != nil {
			return err
		}
		to.Truncate(to.Len() - 1)
		to.WriteString(`,"exact":`)
		to.Write(bytes.TrimSuffix(text.Bytes(), []byte{'\n'}))
		to.WriteByte('}')
	}
	to.WriteByte('\n')
	return same(to.Bytes()[begin:to.Len()-1], event)
}

// original is a JSON text that has white space, and "" for one that has none.
func original(text json.RawMessage) string {
	var compact bytes.Buffer
	if len(text) == 0 || json.Compact(&compact, text) == nil && compact.Len() == len(text) {
		return ""
	}
	return string(text)
}

// same fails unless a line is read as the event that it was made of.
func same(line []byte, event *core.Event) error {
	read, err := eventOf(line)
	if err != nil {
		return fmt.Errorf("the event at offset %d cannot be written: %w", event.Offset, err)
	}
	written := *event
	if len(written.Context) == 0 {
		written.Context = nil
	}
	if !reflect.DeepEqual(read, written) {
		return fmt.Errorf("the event at offset %d would not be read as it is", event.Offset)
	}
	return nil
}

// eventOf reads a line. What it returns shares no memory with it.
func eventOf(line []byte) (event core.Event, err error) {
	var lost exact
	for name, value := range members(line) {
		if name == "exact" {
			err = json.Unmarshal(value, &lost)
		} else {
			err = readMember(&event, name, value)
		}
		if err != nil {
			return event, fmt.Errorf("the %s in a line is damaged: %w", name, err)
		}
	}
	if lost.Payload != "" {
		event.Payload = json.RawMessage(lost.Payload)
	}
	if lost.Context != "" {
		event.Context = json.RawMessage(lost.Context)
	}
	return event, nil
}

// readMember sets a field of an event. Names that it does not know are of a later version.
func readMember(event *core.Event, name string, value []byte) (err error) {
	text := ""
	if name != "payload" && name != "context" {
		if text, err = textOf(value); err != nil {
			return err
		}
	}
	switch name {
	case "event_id":
		event.ID, err = core.ParseID(text)
	case "stream_id":
		event.Stream, err = core.ParseID(text)
	case "api_key_id":
		event.APIKeyID, err = core.ParseID(text)
	case "offset":
		var number int64
		number, err = strconv.ParseInt(text, 10, 64)
		event.Offset = core.Offset(number)
	case "event_version":
		var number int64
		number, err = strconv.ParseInt(text, 10, 32)
		event.Version = int32(number)
	case "occurred_at":
		event.OccurredAt, err = timeOf(text)
	case "received_at":
		event.ReceivedAt, err = timeOf(text)
	case "event_type":
		event.Type = text
	case "source":
		event.Source = text
	case "subject":
		event.Subject = text
	case "idempotency_key":
		event.IdempotencyKey = text
	case "payload":
		event.Payload = bytes.Clone(value)
	case "context":
		event.Context = bytes.Clone(value)
	}
	return err
}

// members yields the members of a line. It goes by strings and brackets alone: the line is
// compact, and known to be the one that was written.
func members(line []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for at := 1; at < len(line) && line[at] == '"'; {
			colon := stringEnd(line, at)
			end := valueEnd(line, colon+1)
			if end <= colon+1 || !yield(string(line[at+1:colon-1]), line[colon+1:end:end]) {
				return
			}
			at = end + 1
		}
	}
}

// stringEnd returns where the string ends that begins at a place.
func stringEnd(line []byte, at int) int {
	for at++; at < len(line); at++ {
		switch line[at] {
		case '\\':
			at++
		case '"':
			return at + 1
		}
	}
	return len(line)
}

// valueEnd returns where the value ends that begins at a place.
func valueEnd(line []byte, at int) int {
	for depth := 0; at < len(line); {
		switch line[at] {
		case '"':
			at = stringEnd(line, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return at
			}
			depth--
		case ',':
			if depth == 0 {
				return at
			}
		}
		at++
	}
	return len(line)
}

// textOf returns what a string means. Of a number it returns the literal.
func textOf(value []byte) (text string, err error) {
	if n := len(value); n >= 2 && value[0] == '"' && bytes.IndexByte(value, '\\') < 0 {
		return string(value[1 : n-1]), nil
	}
	if len(value) > 0 && value[0] == '"' {
		err = json.Unmarshal(value, &text)
		return text, err
	}
	return string(value), nil
}

func timeOf(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339Nano, text)
	return at.UTC(), err
}

// pack compresses lines. The header has no time, which would differ each time.
func pack(lines []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(lines); err != nil {
		return nil, err
	}
	err := w.Close()
	return b.Bytes(), err
}

func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// maxLines bounds what an object unpacks to: somebody may have put another one there.
const maxLines = 4*maxObjectBytes + 2*(core.MaxEventBytes+core.MaxContextBytes)

// opened is an object that was read and unpacked. It never changes.
type opened struct {
	segment core.Segment
	lines   []byte
	// ends are where the lines end, in the order of the offsets.
	ends []int
}

// open unpacks the object of a segment, if it is the one that was written.
func open(segment core.Segment, content []byte) (*opened, error) {
	if sum := sumOf(content); sum != segment.SHA256 {
		return nil, damaged("has the SHA-256 %s, and %s was written", sum, segment.SHA256)
	}
	r, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, damaged("cannot be unpacked: %v", err)
	}
	lines := bytes.Buffer{}
	if n, err := io.Copy(&lines, io.LimitReader(r, maxLines+1)); err != nil || n > maxLines {
		return nil, damaged("cannot be unpacked: %v", err)
	}
	o := &opened{segment: segment, lines: lines.Bytes(), ends: make([]int, 0, segment.Next-segment.First)}
	for at := 0; at < len(o.lines); {
		length := bytes.IndexByte(o.lines[at:], '\n')
		if length < 0 {
			return nil, damaged("ends within a line")
		}
		at += length + 1
		o.ends = append(o.ends, at)
	}
	if len(o.ends) != int(segment.Next-segment.First) {
		return nil, damaged("holds %d events, and %d were written", len(o.ends), segment.Next-segment.First)
	}
	return o, nil
}

// event reads the event at an offset, which is within the segment.
func (o *opened) event(offset core.Offset) (core.Event, error) {
	i, begin := int(offset-o.segment.First), 0
	if i > 0 {
		begin = o.ends[i-1]
	}
	event, err := eventOf(o.lines[begin : o.ends[i]-1])
	if err != nil {
		return event, damaged("%v", err)
	}
	if event.Offset != offset || event.Stream != o.segment.Stream {
		return event, damaged("has offset %d of the stream %s where %d of %s belongs", event.Offset, event.Stream, offset, o.segment.Stream)
	}
	return event, nil
}
