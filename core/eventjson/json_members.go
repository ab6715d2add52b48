package eventjson

import "github.com/eventflow-go/eventflow/core"

// Members reads a JSON object and calls visit with each of its members. The name
// comes without its escapes, and the value as it is written: it is a part of object.
// Members stops at the first error that visit returns.
//
// The object has to meet the rules of [ValidJSON]. The depth of each value is counted
// from that value, so that a value may be as deep as a payload.
//
// The error is visit's, or an [*core.Error] like [ValidJSON]'s. Members that come
// before a fault are visited.
func Members(object []byte, visit func(name string, value []byte) error) error {
	s := scanner{data: object}
	if !s.start() {
		return s.invalid("")
	}
	if s.peek() != '{' {
		return core.Invalid("body", "must be a JSON object")
	}
	keys := s.keys.open()
	for more := s.enter('}'); more; more = s.next('}') {
		at := s.pos
		name, escaped, ok := s.name()
		if !ok {
			return s.invalid("")
		}
		text, start := decoded(name, escaped), s.pos
		if !s.keys.add(&keys, name, escaped) {
			s.pos = at
			s.fail("is given twice")
		} else {
			s.value(0)
		}
		if s.reason != "" {
			s.inMember([]byte(text))
			return s.invalid("")
		}
		if err := visit(text, object[start:s.pos:s.pos]); err != nil {
			return err
		}
	}
	if s.reason != "" || !s.finish() {
		return s.invalid("")
	}
	return nil
}

// TextOf returns what a JSON string means, or false for a value that is no string.
// The value was handed out by [Members].
func TextOf(value []byte) (text string, ok bool) {
	if byteAt(value, 0) != '"' || len(value) < 2 {
		return "", false
	}
	raw := value[1 : len(value)-1]
	return decoded(raw, hasEscape(raw)), true
}

// SplitArray splits a batch, a JSON array of events, into the texts of its elements.
// It does not look into them: each is decoded later, and refused for itself. The
// error is about the batch as a whole, like [DecodeArray]'s.
func SplitArray(body []byte) ([][]byte, error) {
	if err := checkBatchSize(body); err != nil {
		return nil, err
	}
	s := scanner{data: body}
	if !s.start() {
		return nil, s.invalid("")
	}
	if s.peek() != '[' {
		return nil, core.Invalid("body", "must be a JSON array of events")
	}
	var elements [][]byte
	for more := s.enter(']'); more; more = s.next(']') {
		if len(elements) == core.MaxBatchEvents {
			return nil, errTooManyEvents()
		}
		end, ok := frame(body, s.pos)
		if !ok {
			return nil, core.Invalid(Place(len(elements)), "is broken JSON at byte %d, so the batch cannot be split into events", end)
		}
		elements = append(elements, body[s.pos:end:end])
		s.pos = end
	}
	switch {
	case s.reason != "":
		return nil, s.invalid(Place(len(elements) - 1))
	case !s.finish():
		return nil, s.invalid("")
	case len(elements) == 0:
		return nil, core.Invalid("events", "must have at least one event")
	}
	return elements, nil
}
