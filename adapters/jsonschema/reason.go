package jsonschema

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/message"
)

// maxReason bounds a reason, in bytes: it may quote the value.
const maxReason = 200

// reasonOf says why a value is refused. The library's words round numbers, so that
// two different ones may read alike, and do not say whose regular expressions
// these are.
func reasonOf(err jsonschema.ErrorKind, printer *message.Printer) string {
	switch k := err.(type) {
	case *kind.Minimum:
		return compared("minimum", k.Got, k.Want)
	case *kind.Maximum:
		return compared("maximum", k.Got, k.Want)
	case *kind.ExclusiveMinimum:
		return compared("exclusiveMinimum", k.Got, k.Want)
	case *kind.ExclusiveMaximum:
		return compared("exclusiveMaximum", k.Got, k.Want)
	case *kind.MultipleOf:
		return compared("multipleOf", k.Got, k.Want)
	case *kind.Format:
		if text, is := k.Got.(string); is { // what is wrong is said after it
			err = &kind.Format{Got: cut(text, maxReason/3), Want: k.Want, Err: k.Err}
		}
	case *kind.PropertyNames:
		err = &kind.PropertyNames{Property: cut(k.Property, maxReason/3)}
	}
	text := err.LocalizedString(printer)
	if strings.Contains(text, "error parsing regexp") {
		const hint = " (regular expressions are RE2's: no lookaround, no backreferences)"
		return cut(text, maxReason-len(hint)) + hint
	}
	return cut(text, maxReason)
}

func compared(keyword string, got, want *big.Rat) string {
	return fmt.Sprintf("%s: got %s, want %s", keyword, cut(allDigits(got), maxReason/3), cut(allDigits(want), maxReason/3))
}

// allDigits writes a number with all its digits.
func allDigits(n *big.Rat) string {
	if n.IsInt() {
		return n.Num().String()
	}
	digits, _ := n.FloatPrec() // finite, as the number was written in decimal
	return n.FloatString(digits)
}

// cut cuts a text off after so many bytes, between characters.
func cut(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	return strings.ToValidUTF8(text[:longest], "") + "…"
}
