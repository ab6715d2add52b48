package jq

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/itchyny/gojq"
)

// encoder writes values as JSON as the library does, with the keys of objects in order.
// It pays as it goes, because the tree of a value may be far larger than the memory that
// the value takes, and is twice as fast.
type encoder struct {
	meter *meter
	text  []byte
}

// deepestYield is one level more than an event may have, so that the parser refuses it.
const deepestYield = 70

// value reports false when the run is over.
func (e *encoder) value(value any, depth int) bool {
	if !e.meter.Charge(2) {
		return false
	}
	switch value := value.(type) {
	case nil:
		e.text = append(e.text, "null"...)
	case bool:
		e.text = strconv.AppendBool(e.text, value)
	case int:
		e.text = strconv.AppendInt(e.text, int64(value), 10)
	case json.Number:
		e.text = append(e.text, value...)
	case *big.Int:
		e.text = value.Append(e.text, 10)
	case string:
		return e.str(value)
	case []any:
		return e.array(value, depth)
	case map[string]any:
		return e.object(value, depth)
	default:
		text, err := gojq.Marshal(value) // a float64
		e.text = append(e.text, text...)
		return err == nil
	}
	return true
}

func (e *encoder) array(array []any, depth int) bool {
	e.text = append(e.text, '[')
	for i, element := range array {
		if i > 0 {
			e.text = append(e.text, ',')
		}
		if depth < deepestYield && !e.value(element, depth+1) {
			return false
		}
	}
	e.text = append(e.text, ']')
	return true
}

func (e *encoder) object(object map[string]any, depth int) bool {
	var room [16]string
	keys := room[:0]
	if !e.meter.Charge(3 * len(object)) {
		return false
	}
	for key := range object {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	e.text = append(e.text, '{')
	for i, key := range keys {
		if i > 0 {
			e.text = append(e.text, ',')
		}
		if !e.str(key) {
			return false
		}
		e.text = append(e.text, ':')
		if depth < deepestYield && !e.value(object[key], depth+1) {
			return false
		}
	}
	e.text = append(e.text, '}')
	return true
}

func (e *encoder) str(text string) bool {
	if !e.meter.Charge(len(text) / 8) {
		return false
	}
	e.text = append(e.text, '"')
	from := 0
	for i := 0; i < len(text); {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			char, size := utf8.DecodeRuneInString(text[i:])
			if i += size; char != utf8.RuneError || size > 1 {
				continue
			}
			e.text = append(append(e.text, text[from:i-1]...), "\uFFFD"...)
		} else {
			e.text = append(e.text, text[from:i]...)
			e.escape(c)
			i++
		}
		from = i
	}
	e.text = append(append(e.text, text[from:]...), '"')
	return true
}

func (e *encoder) escape(c byte) {
	switch c {
	case '"', '\\':
		e.text = append(e.text, '\\', c)
	case '\n':
		e.text = append(e.text, `\n`...)
	case '\r':
		e.text = append(e.text, `\r`...)
	case '\t':
		e.text = append(e.text, `\t`...)
	default:
		const hex = "0123456789abcdef"
		e.text = append(e.text, `\u00`...)
		e.text = append(e.text, hex[c>>4], hex[c&15])
	}
}
