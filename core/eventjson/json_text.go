package eventjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string. It returns what is between its quotes, as it is written, and
// whether that has escapes.
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

// skipPlain skips the characters that stand for themselves in a string: printable
// ASCII without the quote and the backslash. It looks at eight bytes at a time,
// because payloads are mostly such text.
func skipPlain(data []byte, pos int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for pos+8 <= len(data) {
		word := binary.LittleEndian.Uint64(data[pos:])
		// The high bit of each byte that is not plain is set. A borrow may set it in a
		// plain byte, too, but only above one that is not plain, and the lowest counts.
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

// hasEscape reports whether the inside of a string has a backslash.
func hasEscape(raw []byte) bool { return bytes.IndexByte(raw, 0x5c) >= 0 }

// escape reads the escape at pos; an escaped surrogate pair is two of them. It
// refuses what PostgreSQL cannot store: a NUL, and half of a pair.
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

// unescape appends to dst what a string means. raw is the inside of a string that a
// scanner has read, so it has no faults.
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
