package jsonschema

import (
	"bytes"
	"encoding/json"
)

// walk reads a payload once, along the tree that is to take it.
//
// The payload has passed [eventjson.ValidJSON]. The walk relies on that for two
// things only, which would cost time to check again: an object has no key twice,
// and strings are UTF-8 without control characters. Everything else that is
// malformed it notices, and does not take.
type walk struct {
	data []byte
	pos  int  // everything before it was read and fits
	lost bool // the text at pos is not JSON
	// matching is what patterns have taken: the products of programs and texts.
	matching int
}

// maxMatching bounds the matching of one payload: about ten milliseconds.
const maxMatching = 1 << 20

// matches reports whether a pattern certainly matches.
func (w *walk) matches(p *pattern, text []byte) bool {
	w.matching += len(p.prog.Inst) * (len(text) + 1)
	return w.matching <= maxMatching && p.small.Match(text)
}

// maxDepth is how deeply nested a payload may be that is valid at all.
const maxDepth = 64

// takes reports whether the payload certainly fits.
func (n *node) takes(payload []byte) bool {
	w := walk{data: payload}
	w.space()
	if !w.value(n, 0) {
		return false
	}
	w.space()
	return w.pos == len(payload)
}

// value reads the value at pos. depth is how many arrays and objects enclose it.
func (w *walk) value(n *node, depth int) bool {
	if n == nil {
		n = anything
	}
	switch w.peek() {
	case '"':
		quoted, escaped, ok := w.text()
		return ok && w.string(n, quoted, escaped)
	case '{':
		return depth < maxDepth && w.object(n, depth+1)
	case '[':
		return depth < maxDepth && w.array(n, depth+1)
	case 't':
		return n.takesWord(isTrue) && w.word("true")
	case 'f':
		return n.takesWord(isFalse) && w.word("false")
	case 'n':
		return n.takesWord(isNull) && w.word("null")
	}
	return w.number(n)
}

// peek returns the next byte, or 0, which no token begins with, at the end.
func (w *walk) peek() byte {
	if w.pos < len(w.data) {
		return w.data[w.pos]
	}
	return 0
}

func (w *walk) space() {
	for w.pos < len(w.data) {
		switch w.data[w.pos] {
		case ' ', '\n', '\t', '\r':
			w.pos++
		default:
			return
		}
	}
}

func (n *node) takesWord(kind kinds) bool {
	for _, c := range n.choices {
		if c.kinds&kind == 0 {
			return false
		}
	}
	return n.kinds&kind != 0
}

func (w *walk) word(word string) bool {
	if len(w.data)-w.pos < len(word) || string(w.data[w.pos:w.pos+len(word)]) != word {
		return false
	}
	w.pos += len(word)
	return true
}

func (w *walk) object(n *node, depth int) bool {
	if n.kinds&isObject == 0 || len(n.choices) > 0 {
		return false
	}
	var found uint64
	count := 0
	for more := w.enter('}'); more; more = w.next('}') {
		key, ok := w.key()
		if !ok {
			return false
		}
		p, listed := n.properties[string(key)]
		if !listed {
			p.value = n.rest
		}
		if !w.value(p.value, depth) {
			return false
		}
		found |= p.bit
		count++
	}
	// Each required property has a bit, so one comparison shows that all are there.
	return !w.lost && found == n.required && count >= n.minProperties && count <= n.maxProperties
}

func (w *walk) array(n *node, depth int) bool {
	if n.kinds&isArray == 0 || len(n.choices) > 0 {
		return false
	}
	count := 0
	for more := w.enter(']'); more; more = w.next(']') {
		if !w.value(n.items, depth) {
			return false
		}
		count++
	}
	return !w.lost && count >= n.minItems && count <= n.maxItems
}

// enter steps into an object or array and reports whether it has members.
func (w *walk) enter(end byte) bool {
	w.pos++
	w.space()
	if w.peek() == end {
		w.pos++
		return false
	}
	return true
}

// next steps over the comma to the next member, or over the end.
func (w *walk) next(end byte) bool {
	w.space()
	c := w.peek()
	w.pos++
	if c == ',' {
		w.space()
		return true
	}
	w.lost = c != end
	return false
}

// key reads a key and its colon.
func (w *walk) key() (key []byte, ok bool) {
	if w.peek() != '"' {
		return nil, false
	}
	quoted, escaped, ok := w.text()
	if !ok {
		return nil, false
	}
	if key = quoted[1 : len(quoted)-1]; escaped {
		if key, ok = unquote(quoted); !ok {
			return nil, false
		}
	}
	w.space()
	if w.peek() != ':' {
		return nil, false
	}
	w.pos++
	w.space()
	return key, true
}

// text reads a string, with its quotes.
func (w *walk) text() (quoted []byte, escaped, ok bool) {
	start := w.pos
	pos, quote := start+1, start
	for {
		// The quote that was found last is still the next one, unless the escape
		// before it was its own. So a text of nothing but escapes is not searched to
		// its end for each of them, which would take time by the square.
		if quote < pos {
			i := bytes.IndexByte(w.data[min(pos, len(w.data)):], '"')
			if i < 0 {
				return nil, false, false
			}
			quote = pos + i
		}
		i := bytes.IndexByte(w.data[pos:quote], '\\')
		if i < 0 {
			w.pos = quote + 1
			return w.data[start:w.pos], escaped, true
		}
		escaped = true
		pos += i + 2
	}
}

// unquote returns the text that a string with escapes stands for. It uses
// encoding/json, as the full validator does, so both see the same text.
func unquote(quoted []byte) (text []byte, ok bool) {
	var s string
	err := json.Unmarshal(quoted, &s)
	return []byte(s), err == nil
}

func (w *walk) number(n *node) bool {
	literal, whole, ok := w.literal()
	if !ok || n.kinds&isNumber == 0 {
		return false
	}
	// Most schemas ask for a number or an integer and no more. Then the spelling
	// tells enough, and nothing is calculated.
	if n.limits == nil && len(n.choices) == 0 && (n.kinds&isNumber == isNumber || whole && n.kinds&isInteger != 0) {
		return true
	}
	d, ok := parseDecimal(literal)
	return ok && n.takesNumber(d)
}

// literal reads a number. whole says that it has neither a fraction nor an exponent.
// A number whose exponent has three digits or more is left to the full validator.
func (w *walk) literal() (literal []byte, whole, ok bool) {
	start := w.pos
	if w.peek() == '-' {
		w.pos++
	}
	first := w.peek()
	if digits := w.digits(); digits == 0 || first == '0' && digits > 1 {
		return nil, false, false
	}
	whole = true
	if w.peek() == '.' {
		w.pos++
		if whole = false; w.digits() == 0 {
			return nil, false, false
		}
	}
	if c := w.peek(); c == 'e' || c == 'E' {
		w.pos++
		if sign := w.peek(); sign == '+' || sign == '-' {
			w.pos++
		}
		whole = false
		if digits := w.digits(); digits == 0 || digits > 2 {
			return nil, false, false
		}
	}
	return w.data[start:w.pos], whole, true
}

// digits skips digits and counts them.
func (w *walk) digits() (count int) {
	start := w.pos
	for w.pos < len(w.data) && w.data[w.pos]-'0' <= 9 {
		w.pos++
	}
	return w.pos - start
}
