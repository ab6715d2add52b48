package eventjson

import (
	"bytes"
	"strconv"

	"github.com/eventflow-go/eventflow/core"
)

// DecodeArray decodes a JSON array of events.
//
// A refused event has its Err set and does not touch the others. The error is about
// the batch as a whole: it is no array, is empty or too large, or is so broken that
// the ends of its events cannot be told. In the last case the error names the first
// event that is lost.
func DecodeArray(body []byte, sf StreamField) ([]Draft, error) {
	if err := checkBatchSize(body); err != nil {
		return nil, err
	}
	d := decoder{scanner: scanner{data: body}, stream: sf}
	if !d.start() {
		return nil, d.invalid("")
	}
	if d.peek() != '[' {
		return nil, core.Invalid("body", "must be a JSON array of events")
	}
	var drafts []Draft
	for more := d.enter(']'); more; more = d.next(']') {
		if len(drafts) == core.MaxBatchEvents {
			return nil, errTooManyEvents()
		}
		start := d.pos
		drafts = append(drafts, Draft{})
		if err := d.element(&drafts[len(drafts)-1], len(drafts)-1); err != nil {
			return nil, err
		}
		if len(drafts) == 1 { // the first event's size tells about how many there are
			drafts = roomFor(drafts, (len(body)-start)/(d.pos-start)+1)
		}
	}
	if d.reason != "" {
		return nil, d.invalid(Place(len(drafts) - 1))
	}
	if !d.finish() {
		return nil, d.invalid("")
	}
	return drafts, checkBatchCount(drafts)
}

func checkBatchSize(body []byte) error {
	if len(body) > core.MaxBatchBytes {
		return tooLarge("body", "must have at most %d bytes, has %d", core.MaxBatchBytes, len(body))
	}
	return nil
}

func checkBatchCount(drafts []Draft) error {
	if len(drafts) == 0 {
		return core.Invalid("events", "must have at least one event")
	}
	return nil
}

func errTooManyEvents() error {
	return tooLarge("events", "must have at most %d events", core.MaxBatchEvents)
}

// Place returns the place of the i-th event of a batch, as errors name it:
// `events[3]`.
func Place(index int) string { return "events[" + strconv.Itoa(index) + "]" }

// roomFor moves drafts to where there is room for as many as are expected. Growing
// step by step would copy a large batch several times.
func roomFor(drafts []Draft, expected int) []Draft {
	return append(make([]Draft, 0, max(min(expected, core.MaxBatchEvents), len(drafts))), drafts...)
}

// element decodes the event at pos, an element of an array. A refusal is the draft's
// own. The error means that the event's end is not known, so the batch is lost.
//
// The decoder sees no more than an event may have. A longer one fails like one that
// is cut off, and frame then finds its end in the whole batch.
func (d *decoder) element(draft *Draft, index int) error {
	whole, start := d.data, d.pos
	d.data = whole[:min(len(whole), start+core.MaxEventBytes)]
	ok := d.event(draft)
	d.data = whole
	if ok {
		return nil
	}
	root := Place(index)
	end, ok := frame(whole, start)
	if !ok {
		return core.Invalid(root, "is broken JSON at byte %d, so the batch cannot be split into events", end)
	}
	if size := end - start; size > core.MaxEventBytes {
		*draft = Draft{Err: eventTooLarge(root, size)}
	} else {
		*draft = Draft{Err: d.refusal(root)}
	}
	d.restart(end)
	return nil
}

// restart forgets the fault and continues at pos.
func (d *decoder) restart(pos int) {
	*d = decoder{scanner: scanner{data: d.data, pos: pos}, stream: d.stream}
}

// DecodeLines decodes newline-delimited JSON: an event on each line. A line ends with
// LF or CRLF. Blank lines are skipped and not counted.
//
// A refused event has its Err set and does not touch the others. The error is about
// the batch as a whole: it is empty or too large.
func DecodeLines(body []byte, sf StreamField) ([]Draft, error) {
	if err := checkBatchSize(body); err != nil {
		return nil, err
	}
	d := decoder{scanner: scanner{data: body}, stream: sf}
	drafts := roomFor(nil, bytes.Count(body, []byte{'\n'})+1)
	for start := 0; start < len(body); {
		end, after := len(body), len(body)
		if line := bytes.IndexByte(body[start:], '\n'); line >= 0 {
			end, after = start+line, start+line+1
		}
		d.data, d.pos = body[:end], start
		if d.space(); d.pos < end {
			if len(drafts) == core.MaxBatchEvents {
				return nil, errTooManyEvents()
			}
			drafts = append(drafts, Draft{})
			d.onLine(&drafts[len(drafts)-1], len(drafts)-1)
		}
		start = after
	}
	return drafts, checkBatchCount(drafts)
}

// onLine decodes the event that the rest of data consists of. data ends with the
// line, so a broken event cannot reach into the next.
func (d *decoder) onLine(draft *Draft, index int) {
	if size := len(bytes.TrimRight(d.data[d.pos:], " \t\r")); size > core.MaxEventBytes {
		draft.Err = eventTooLarge(Place(index), size)
		return
	}
	if d.start() && d.event(draft) && d.finish() {
		return
	}
	*draft = Draft{Err: d.refusal(Place(index))}
	d.restart(d.pos)
}
