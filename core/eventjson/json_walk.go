package eventjson

import (
	"crypto/sha256"
	"iter"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The functions in this file walk JSON without checking it. Most of them are for
// payloads that a scanner has read.

// frame finds where the value at pos ends. It goes by strings and brackets alone, so
// it also finds the end of most values that are not valid. That keeps one bad event
// from taking its batch along. When it reports false the end is not certain, and end
// is where that shows.
func frame(data []byte, pos int) (end int, ok bool) {
	var open brackets
	for {
		pos = skipSpace(data, pos)
		after := false // a value ends here
		switch c := byteAt(data, pos); c {
		case '{', '[':
			open.push(c == '{')
			pos++
		case '}', ']':
			if !open.pop(c == '}') {
				return pos, false
			}
			pos++
			after = true
		case ',', ':':
			if open.depth == 0 {
				return pos, false
			}
			pos++
		default:
			if end, ok = frameScalar(data, pos); !ok {
				return end, false
			}
			pos = end
			after = true
		}
		if after && open.depth == 0 {
			return pos, true
		}
		if c := byteAt(data, skipSpace(data, pos)); after && c != ',' && c != ':' && c != '}' && c != ']' {
			return pos, false // two values without anything between them: a quote is missing or too many
		}
	}
}

// frameScalar finds the end of a string, or of a run of characters without meaning
// for the structure, such as a number.
func frameScalar(data []byte, pos int) (end int, ok bool) {
	if byteAt(data, pos) == '"' {
		return frameString(data, pos)
	}
	start := pos
	for pos < len(data) && !isSpace(data[pos]) && strings.IndexByte(`{}[],:"`, data[pos]) < 0 {
		pos++
	}
	return pos, pos > start
}

// frameString finds the end of the string at pos.
func frameString(data []byte, pos int) (end int, ok bool) {
	for pos++; ; {
		pos = skipPlain(data, pos)
		switch byteAt(data, pos) {
		case '"':
			return pos + 1, true
		case '\\':
			pos++
		}
		if pos++; pos >= len(data) {
			return len(data), false
		}
	}
}

// brackets is a stack of open brackets, one bit each: set for an object. A client may
// send megabytes of brackets, so the stack has no limit and is small.
type brackets struct {
	// first holds the outermost 64, which are enough for nearly every event. more
	// holds the rest.
	first uint64
	more  []uint64
	depth int
}

// word returns the word that holds the i-th bit.
func (b *brackets) word(i int) *uint64 {
	if i < 64 {
		return &b.first
	}
	return &b.more[i/64-1]
}

// push opens a bracket.
func (b *brackets) push(object bool) {
	if b.depth/64 > len(b.more) {
		b.more = append(b.more, 0)
	}
	word, bit := b.word(b.depth), uint64(1)<<(b.depth%64)
	*word &^= bit
	if object {
		*word |= bit
	}
	b.depth++
}

// pop closes the innermost bracket and reports whether it is of this kind.
func (b *brackets) pop(object bool) bool {
	if b.depth == 0 {
		return false
	}
	b.depth--
	return *b.word(b.depth)>>(b.depth%64)&1 == 1 == object
}

// members walks a valid object. It yields each key as it is written, without its
// quotes, and the text that begins with the key's value and goes on to the end of
// the object.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		pos := skipSpace(object, 1)
		for byteAt(object, pos) == '"' {
			end, ok := frameString(object, pos)
			if !ok {
				return
			}
			key := object[pos+1 : end-1]
			if pos = skipSpace(object, end); byteAt(object, pos) != ':' {
				return
			}
			value := object[skipSpace(object, pos+1):]
			if !yield(key, value) {
				return
			}
			if end, ok = frame(value, 0); !ok {
				return
			}
			pos = len(object) - len(value) + end
			if pos = skipSpace(object, pos); byteAt(object, pos) != ',' {
				return
			}
			pos = skipSpace(object, pos+1)
		}
	}
}

// member finds the value of a key.
func member(object []byte, name string) (value []byte, ok bool) {
	for key, value := range members(object) {
		if says(key, name) {
			return value, true
		}
	}
	return nil, false
}

// says reports whether the inside of a string, as it is written, means text. It is
// called for every key on the way to a value, so it avoids the unescaping when it
// can.
func says(raw []byte, text string) bool {
	if string(raw) == text {
		return strings.IndexByte(text, '\\') < 0
	}
	// Every escape is longer than the character that it means.
	if len(raw) <= len(text) || !hasEscape(raw) {
		return false
	}
	var room [64]byte
	return string(unescape(room[:0], raw)) == text
}

// element finds the value at an index, which is written without leading zeros.
func element(array []byte, segment string) (value []byte, ok bool) {
	index, err := strconv.Atoi(segment)
	if err != nil || strconv.Itoa(index) != segment {
		return nil, false
	}
	pos := skipSpace(array, 1)
	for ; index > 0; index-- {
		end, ok := frame(array, pos)
		if !ok {
			return nil, false
		}
		if pos = skipSpace(array, end); byteAt(array, pos) != ',' {
			return nil, false
		}
		pos = skipSpace(array, pos+1)
	}
	return array[pos:], index == 0 && byteAt(array, pos) != ']'
}

// scalar returns the string, number or word that a text begins with, or false for an
// object or array.
func scalar(text []byte) (value string, ok bool) {
	end, ok := frameScalar(text, 0)
	switch {
	case !ok:
		return "", false
	case text[0] != '"':
		return string(text[:end]), true
	case !hasEscape(text[1 : end-1]):
		return string(text[1 : end-1]), true
	}
	return string(unescape(nil, text[1:end-1])), true
}

// fingerprint is a hash of a valid payload without its insignificant white
// space. A producer that writes its retry with other line ends sends the same event.
func fingerprint(payload []byte) (f core.Fingerprint) {
	// Small payloads are compacted on the stack.
	var room [1024]byte
	sum := sha256.Sum256(compact(room[:0], payload))
	copy(f[:], sum[:])
	return f
}

// compact returns a valid JSON text without insignificant white space. A text that
// has none is returned itself; otherwise the result is appended to dst.
func compact(dst, text []byte) []byte {
	start := 0
	for pos := 0; pos < len(text); {
		switch c := text[pos]; {
		case c == '"':
			pos, _ = frameString(text, pos)
		case isSpace(c):
			dst = append(dst, text[start:pos]...)
			pos = skipSpace(text, pos)
			start = pos
		default:
			pos++
		}
	}
	if start == 0 {
		return text
	}
	return append(dst, text[start:]...)
}
