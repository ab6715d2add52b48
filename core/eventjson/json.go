package eventjson

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The limits of a JSON value. They lie well inside what stores and usual parsers take.
// The depth of an event's payload is counted from the payload.
const (
	maxJSONDepth    = 64
	maxNumberLength = 64
)

// ValidJSON refuses data that is not the JSON which every part of EventFlow and
// every store reads alike:
//
//   - it is one value of RFC 8259, in UTF-8 without a byte order mark, with nothing
//     but white space around it;
//   - no object has a key twice, also not in two spellings;
//   - no string has a NUL or half of a surrogate pair;
//   - it is at most 64 levels deep;
//   - its numbers have at most 64 characters and fit in a float64.
//
// The error is an [*core.Error] with [core.CodeValidation]. It names the path of the
// fault (`user.tags[3]`, or `body` for the value as a whole) and its position.
func ValidJSON(data []byte) error {
	s := scanner{data: data}
	if !s.document() {
		return s.invalid("")
	}
	return nil
}

// scanner reads JSON in one pass, without building anything: an event is checked
// where it lies and stored as it is. Each method begins at pos and leaves pos behind
// what it has read.
//
// A method reports false after the first fault, which reason, at and path then
// describe. Its caller returns false, too, and reads no further.
type scanner struct {
	data []byte
	pos  int

	// reason says what is wrong. It is empty as long as nothing is.
	reason string
	// at is the byte at which the fault is.
	at int
	// path leads from the value that was asked for to the fault. It is built from
	// its end while the calls return, so that reading without a fault costs nothing.
	path string

	// keys are the keys of the objects that enclose pos.
	keys openKeys
}

// invalid returns the fault as an error. root is the place of the scanned value.
func (s *scanner) invalid(root string) *core.Error {
	return core.Invalid(place(root, s.path), "%s at byte %d", s.reason, s.at)
}

// place joins a root and a scanner's path to the name of a field.
func place(root, path string) string {
	if root == "" {
		path = strings.TrimPrefix(path, ".")
	}
	if root+path == "" {
		return "body"
	}
	return root + path
}

// fail notes a fault at pos. It returns false for the caller to return.
func (s *scanner) fail(reason string) bool {
	s.reason, s.at = reason, s.pos
	return false
}

// inMember says that the fault is in the value of a key. Like fail it returns false.
func (s *scanner) inMember(name []byte) bool {
	s.path = "." + excerpt(name) + s.path
	return false
}

// inElement says that the fault is in an element of an array.
func (s *scanner) inElement(index int) bool {
	s.path = "[" + strconv.Itoa(index) + "]" + s.path
	return false
}

// excerpt makes a client's text fit to be shown: short, and valid UTF-8.
func excerpt(text []byte) string {
	const longest = 64
	if len(text) <= longest {
		return strings.ToValidUTF8(string(text), "\uFFFD")
	}
	return strings.ToValidUTF8(string(text[:longest]), "") + "…"
}

// document reads the value that data consists of.
func (s *scanner) document() bool {
	return s.start() && s.value(0) && s.finish()
}

const byteOrderMark = "\xef\xbb\xbf"

// start goes to the first value.
func (s *scanner) start() bool {
	s.space()
	switch {
	case s.pos == len(s.data):
		return s.fail("is empty")
	case bytes.HasPrefix(s.data[s.pos:], []byte(byteOrderMark)):
		return s.fail("must not begin with a byte order mark")
	}
	return true
}

// finish refuses anything but white space after the last value.
func (s *scanner) finish() bool {
	s.space()
	if s.pos < len(s.data) {
		return s.fail("has more text after its end")
	}
	return true
}

// space skips white space.
func (s *scanner) space() { s.pos = skipSpace(s.data, s.pos) }

// peek returns the next byte, or 0 at the end: no token begins with it.
func (s *scanner) peek() byte { return byteAt(s.data, s.pos) }

func byteAt(data []byte, pos int) byte {
	if pos < len(data) {
		return data[pos]
	}
	return 0
}

func skipSpace(data []byte, pos int) int {
	for pos < len(data) && isSpace(data[pos]) {
		pos++
	}
	return pos
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// value reads the value at pos. depth is how many arrays and objects enclose it,
// which bounds the recursion.
func (s *scanner) value(depth int) bool {
	switch s.peek() {
	case '"':
		_, _, ok := s.text()
		return ok
	case '{':
		return s.object(depth + 1)
	case '[':
		return s.array(depth + 1)
	case 't':
		return s.literal("true")
	case 'f':
		return s.literal("false")
	case 'n':
		return s.literal("null")
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return s.number()
	}
	return s.fail("needs a value")
}

// literal reads a word, such as null.
func (s *scanner) literal(word string) bool {
	if !s.has(word) {
		return s.fail("needs a value")
	}
	s.pos += len(word)
	return true
}

// has reports whether a word comes next.
func (s *scanner) has(word string) bool {
	return len(s.data)-s.pos >= len(word) && string(s.data[s.pos:s.pos+len(word)]) == word
}

// object reads an object that is at a depth.
func (s *scanner) object(depth int) bool {
	if depth > maxJSONDepth {
		return s.fail("is nested more than 64 levels deep")
	}
	keys := s.keys.open()
	for more := s.enter('}'); more; more = s.next('}') {
		at := s.pos
		name, escaped, ok := s.name()
		if !ok {
			return false
		}
		if !s.keys.add(&keys, name, escaped) {
			s.pos = at
			s.fail("is given twice")
			return s.inMember(name)
		}
		if !s.value(depth) {
			return s.inMember(name)
		}
	}
	s.keys.close(keys)
	return s.reason == ""
}

// array reads an array that is at a depth.
func (s *scanner) array(depth int) bool {
	if depth > maxJSONDepth {
		return s.fail("is nested more than 64 levels deep")
	}
	index := 0
	for more := s.enter(']'); more; more = s.next(']') {
		if !s.value(depth) {
			return s.inElement(index)
		}
		index++
	}
	return s.reason == ""
}

// enter steps into an object or array and reports whether it has members. end is the
// bracket that closes it.
func (s *scanner) enter(end byte) bool {
	s.pos++
	s.space()
	if s.peek() == end {
		s.pos++
		return false
	}
	return true
}

// next steps over the comma to the next member and reports true, or steps over the
// end. False may also mean a fault, which reason tells.
func (s *scanner) next(end byte) bool {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		s.space()
		return true
	case end:
		s.pos++
		return false
	}
	return s.fail("needs a comma or " + string(rune(end)))
}

// name reads a key and its colon.
func (s *scanner) name() (name []byte, escaped, ok bool) {
	if s.peek() != '"' {
		return nil, false, s.fail(`needs a key in double quotes`)
	}
	if name, escaped, ok = s.text(); !ok {
		return nil, false, false
	}
	s.space()
	if s.peek() != ':' {
		return nil, false, s.fail("needs a colon after a key")
	}
	s.pos++
	s.space()
	return name, escaped, true
}

// number reads a number. It is not converted, unless its exponent is so long that it
// may not fit in a float64.
func (s *scanner) number() bool {
	end, exponent, ok := numberEnd(s.data, s.pos)
	switch literal := s.data[s.pos:end]; {
	case !ok:
		return s.fail("has a malformed number")
	case len(literal) > maxNumberLength:
		return s.fail("has a number of more than 64 characters")
	case exponent > 2: // with fewer digits it is 64 digits times 10⁹⁹ at most, which fits
		if _, err := strconv.ParseFloat(string(literal), 64); err != nil {
			return s.fail("has a number that is too large for a 64-bit float")
		}
	}
	s.pos = end
	return true
}

// numberEnd finds the end of the number at pos, and how many digits its exponent
// has. It reports false when the number is malformed.
func numberEnd(data []byte, pos int) (end, exponent int, ok bool) {
	if byteAt(data, pos) == '-' {
		pos++
	}
	whole := pos
	if pos = skipDigits(data, pos); pos == whole || data[whole] == '0' && pos > whole+1 {
		return pos, 0, false
	}
	if byteAt(data, pos) == '.' {
		fraction := pos + 1
		if pos = skipDigits(data, fraction); pos == fraction {
			return pos, 0, false
		}
	}
	if c := byteAt(data, pos); c == 'e' || c == 'E' {
		pos++
		if sign := byteAt(data, pos); sign == '+' || sign == '-' {
			pos++
		}
		digits := pos
		pos = skipDigits(data, pos)
		return pos, pos - digits, pos > digits
	}
	return pos, 0, true
}

func skipDigits(data []byte, pos int) int {
	for pos < len(data) && data[pos]-'0' <= 9 {
		pos++
	}
	return pos
}
