package decoded

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Value returns what a JSON text means, by the types that [Event.PayloadValue] names.
// Whoever stored the text has checked it, so Value does not: it makes something of
// every text and panics at none. Strings and numbers without escapes are parts of text.
//
// encoding/json takes twice as long, most of it for checks that were made.
func Value(text string) any {
	r := reader{text: text}
	return r.value(0)
}

// deepest bounds the recursion on texts that nobody has checked.
const deepest = 1000

type reader struct {
	text string
	pos  int
}

// peek returns the next byte that is no space, or 0.
func (r *reader) peek() byte {
	for ; r.pos < len(r.text); r.pos++ {
		switch c := r.text[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

func (r *reader) value(depth int) any {
	switch r.peek() {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	case '"':
		return r.str()
	}
	word := r.word()
	switch word {
	case "true":
		return true
	case "false":
		return false
	case "null", "":
		return nil
	}
	return number(word)
}

// number keeps the digits of what is no int, so that they come out as they came in.
func number(word string) any {
	if len(word) < 20 {
		if i, err := strconv.Atoi(word); err == nil && word != "-0" {
			return i
		}
	}
	return json.Number(word)
}

// word reads a number or a name, and at least one byte unless the text is over.
func (r *reader) word() string {
	start := r.pos
	for r.pos < len(r.text) && (r.text[r.pos] > ' ' && strings.IndexByte(`,:]}[{"`, r.text[r.pos]) < 0) {
		r.pos++
	}
	if r.pos == start && r.pos < len(r.text) {
		r.pos++
		return ""
	}
	return r.text[start:r.pos]
}

func (r *reader) object(depth int) map[string]any {
	object := make(map[string]any, 8)
	for r.pos++; ; {
		switch c := r.peek(); c {
		case '"':
			key := r.str()
			if r.peek() == ':' {
				r.pos++
			}
			if depth < deepest {
				object[key] = r.value(depth + 1)
			}
		case 0:
			return object
		default:
			if r.pos++; c == '}' {
				return object
			}
		}
	}
}

func (r *reader) array(depth int) []any {
	array := []any{}
	for r.pos++; ; {
		switch c := r.peek(); c {
		case 0:
			return array
		case ']':
			r.pos++
			return array
		case ',':
			r.pos++
		default:
			if depth >= deepest {
				r.pos++
				continue
			}
			array = append(array, r.value(depth+1))
		}
	}
}

// str reads the string at pos.
func (r *reader) str() string {
	r.pos++
	rest := r.text[r.pos:]
	end := strings.IndexByte(rest, '"')
	if end < 0 {
		end = len(rest)
	}
	if plain := rest[:end]; strings.IndexByte(plain, '\\') < 0 {
		r.pos = min(r.pos+end+1, len(r.text))
		return plain
	}
	return r.escaped()
}

func (r *reader) escaped() string {
	var text strings.Builder
	for r.pos < len(r.text) {
		c := r.text[r.pos]
		r.pos++
		switch c {
		case '"':
			return text.String()
		case '\\':
			r.escape(&text)
		default:
			text.WriteByte(c)
		}
	}
	return text.String()
}

// escape reads what follows a backslash.
func (r *reader) escape(text *strings.Builder) {
	if r.pos >= len(r.text) {
		return
	}
	c := r.text[r.pos]
	r.pos++
	switch c {
	case 'b':
		text.WriteByte('\b')
	case 'f':
		text.WriteByte('\f')
	case 'n':
		text.WriteByte('\n')
	case 'r':
		text.WriteByte('\r')
	case 't':
		text.WriteByte('\t')
	case 'u':
		char := r.hex()
		if utf16.IsSurrogate(char) && strings.HasPrefix(r.text[r.pos:], `\u`) {
			r.pos += 2
			char = utf16.DecodeRune(char, r.hex())
		}
		text.WriteRune(char)
	default:
		text.WriteByte(c)
	}
}

// hex reads four digits.
func (r *reader) hex() rune {
	end := min(r.pos+4, len(r.text))
	digits, err := strconv.ParseUint(r.text[r.pos:end], 16, 16)
	r.pos = end
	if err != nil {
		return utf8.RuneError
	}
	return rune(digits)
}
