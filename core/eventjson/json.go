package eventjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// The limits of a JSON value. The depth of an event's payload is counted from
// the payload.
const (
	maxJSONDepth    = 64
	maxNumberLength = 64
)

// ValidJSON holds data to the JSON that every part of EventFlow and every
// store reads alike: RFC 8259 in UTF-8 without a byte order mark, no key twice
// in an object (escaped spellings count as what they mean), no NUL, no half of
// a surrogate pair, at most 64 levels deep, numbers of at most 64 characters
// that a float64 can hold, and nothing but white space around one value.
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

// scanner reads JSON in one pass, without building anything. Its methods
// report false after the first fault, which is then described by reason, at
// and path; reason is empty as long as there is none.
type scanner struct {
	data []byte
	pos  int

	reason string
	at     int
	// path leads from the value that was asked for to the fault. It is built
	// from its end while the calls return.
	path string

	keys openKeys
}

// invalid is the fault as an error; root is the place of the value scanned.
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

func (s *scanner) fail(reason string) bool {
	s.reason, s.at = reason, s.pos
	return false
}

// inMember and inElement say in which part of a value the fault is.
func (s *scanner) inMember(name []byte) bool {
	s.path = "." + excerpt(name) + s.path
	return false
}

func (s *scanner) inElement(index int) bool {
	s.path = "[" + strconv.Itoa(index) + "]" + s.path
	return false
}

// excerpt makes a client's text fit to be shown.
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

// finish holds what follows the last value to white space.
func (s *scanner) finish() bool {
	s.space()
	if s.pos < len(s.data) {
		return s.fail("has more text after its end")
	}
	return true
}

func (s *scanner) space() { s.pos = skipSpace(s.data, s.pos) }

// peek returns the next byte, or 0, which no token begins with, at the end.
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

// value reads the value at pos, which depth arrays and objects enclose.
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

func (s *scanner) literal(word string) bool {
	if !s.has(word) {
		return s.fail("needs a value")
	}
	s.pos += len(word)
	return true
}

func (s *scanner) has(word string) bool {
	return len(s.data)-s.pos >= len(word) && string(s.data[s.pos:s.pos+len(word)]) == word
}

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

// enter steps into an object or array and reports whether it has members.
func (s *scanner) enter(end byte) bool {
	s.pos++
	s.space()
	if s.peek() == end {
		s.pos++
		return false
	}
	return true
}

// next steps over the comma to the next member, or over the end.
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

// text reads a string and returns what is between its quotes.
func (s *scanner) text() (raw []byte, escaped, ok bool) {
	start := s.pos + 1
	for s.pos = start; ; {
		s.pos = skipPlain(s.data, s.pos)
		if s.pos == len(s.data) {
			return nil, false, s.fail("has an unterminated string")
		}
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start : s.pos-1], escaped, true
		case c == '\\':
			if !s.escape() {
				return nil, false, false
			}
			escaped = true
		case c < ' ':
			return nil, false, s.fail("has a control character in a string")
		default:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return nil, false, s.fail("is not valid UTF-8")
			}
			s.pos += size
		}
	}
}

// skipPlain skips what stands for itself in a string: printable ASCII but the
// quote and the backslash, eight bytes at a time.
func skipPlain(data []byte, pos int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for pos+8 <= len(data) {
		word := binary.LittleEndian.Uint64(data[pos:])
		// The high bit of a byte is set where the byte is not plain; a borrow
		// can set it wrongly only above a byte where it is set rightly.
		special := (word | (word - ones*' ') | ((word ^ ones*'"') - ones) | ((word ^ ones*'\\') - ones)) & highs
		if special != 0 {
			return pos + bits.TrailingZeros64(special)/8
		}
		pos += 8
	}
	for pos < len(data) && data[pos] >= ' ' && data[pos] < utf8.RuneSelf && data[pos] != '"' && data[pos] != '\\' {
		pos++
	}
	return pos
}

func hasEscape(raw []byte) bool { return bytes.IndexByte(raw, 0x5c) >= 0 }

func (s *scanner) escape() bool {
	if byteAt(s.data, s.pos+1) != 'u' {
		if strings.IndexByte(`"\/bfnrt`, byteAt(s.data, s.pos+1)) < 0 {
			return s.fail("has an unknown escape")
		}
		s.pos += 2
		return true
	}
	r, ok := hexEscape(s.data[s.pos:])
	switch {
	case !ok:
		return s.fail(`has a \u without four hexadecimal digits`)
	case r == 0:
		return s.fail(`has a NUL (\u0000)`)
	case !utf16.IsSurrogate(r):
		s.pos += 6
		return true
	}
	low, ok := hexEscape(s.data[s.pos+6:])
	if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
		return s.fail("has half of a surrogate pair")
	}
	s.pos += 12
	return true
}

// hexEscape reads the \uXXXX that text begins with.
func hexEscape(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// unescape appends what a string says to dst; raw has been read by a scanner.
func unescape(dst, raw []byte) []byte {
	for {
		plain := bytes.IndexByte(raw, '\\')
		if plain < 0 {
			return append(dst, raw...)
		}
		dst, raw = append(dst, raw[:plain]...), raw[plain:]
		switch c := byteAt(raw, 1); c {
		case 'u':
			r, _ := hexEscape(raw)
			raw = raw[min(6, len(raw)):]
			if utf16.IsSurrogate(r) {
				low, _ := hexEscape(raw)
				r, raw = utf16.DecodeRune(r, low), raw[min(6, len(raw)):]
			}
			dst = utf8.AppendRune(dst, r)
			continue
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		default:
			dst = append(dst, c)
		}
		raw = raw[min(2, len(raw)):]
	}
}

func (s *scanner) number() bool {
	end, exponent, ok := numberEnd(s.data, s.pos)
	switch literal := s.data[s.pos:end]; {
	case !ok:
		return s.fail("has a malformed number")
	case len(literal) > maxNumberLength:
		return s.fail("has a number of more than 64 characters")
	case exponent > 2: // below, 64 digits times 10⁹⁹ at most
		if _, err := strconv.ParseFloat(string(literal), 64); err != nil {
			return s.fail("has a number that is too large for a 64-bit float")
		}
	}
	s.pos = end
	return true
}

// numberEnd finds the end of the number at pos, and how many digits its
// exponent has.
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
