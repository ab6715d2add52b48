package jsonschema

import (
	"encoding/json"
	"math/big"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// The steps of what takes longer than a step: see [core.Budget].
const (
	bytesPerStep  = 32 // of a text that is looked through
	numberSteps   = 20 // to make a fraction of a number
	multipleSteps = 60 // to divide by one
)

// scalars holds a value to its type, to what it must equal and to its format. A value
// that does not fit these is held to nothing else.
func (e *evaluation) scalars(f *frame) (more bool) {
	s := f.schema
	if s.Types != nil && !s.Types.IsEmpty() && !isOfType(f.value, *s.Types) {
		e.fails(f, &kind.Type{Got: nameOf(f.value), Want: s.Types.ToStrings()})
		return false
	}
	if s.Const != nil && !e.schema.constants[s].has(f.value, e.budget) {
		e.fails(f, &kind.Const{Want: *s.Const})
		return false
	}
	if s.Enum != nil && !e.schema.enums[s].has(f.value, e.budget) {
		e.fails(f, &kind.Enum{Want: s.Enum.Values[:min(len(s.Enum.Values), maxListed)]})
		return false
	}
	if s.Format == nil {
		return true
	}
	text, isText := f.value.(string)
	check, steps := s.Format.Validate, len(text)/8+2
	if s.Format.Name == regexFormat.Name {
		check, steps = regexFormat.Validate, 8*min(len(text), longestRegex)+2
	}
	if !e.budget.Spend(steps) {
		return e.must(f, false)
	}
	if err := check(f.value); err != nil {
		why := &kind.Format{Want: s.Format.Name, Err: err, Got: f.value}
		if isText {
			why.Got = cut(text, maxReason)
		}
		e.fails(f, why)
		return false
	}
	return true
}

// regexFormat takes the place of the library's own, which has no bound.
var regexFormat = &jsonschema.Format{Name: "regex", Validate: checkRegex}

func (e *evaluation) text(f *frame, text string) (more bool) {
	s := f.schema
	if s.MinLength != nil || s.MaxLength != nil {
		if !e.budget.Spend(len(text) / bytesPerStep) {
			return e.must(f, false)
		}
		length := utf8.RuneCountInString(text)
		if s.MinLength != nil && length < *s.MinLength && !e.fails(f, &kind.MinLength{Got: length, Want: *s.MinLength}) {
			return false
		}
		if s.MaxLength != nil && length > *s.MaxLength && !e.fails(f, &kind.MaxLength{Got: length, Want: *s.MaxLength}) {
			return false
		}
	}
	if s.Pattern == nil || e.matches(s.Pattern, text) {
		return true
	}
	return e.fails(f, &kind.Pattern{Got: cut(text, maxReason), Want: cut(s.Pattern.String(), maxReason)})
}

// matches reports whether a pattern, which is one of ours, matches.
func (e *evaluation) matches(of jsonschema.Regexp, text string) bool {
	p, ours := of.(*pattern)
	return ours && p.matches(text, e.budget)
}

func (e *evaluation) number(f *frame, literal json.Number) (more bool) {
	s := f.schema
	if s.Minimum == nil && s.Maximum == nil && s.ExclusiveMinimum == nil && s.ExclusiveMaximum == nil && s.MultipleOf == nil {
		return true
	}
	if !e.budget.Spend(numberSteps) {
		return e.must(f, false)
	}
	number, _ := new(big.Rat).SetString(string(literal))
	for _, bound := range []struct {
		limit *big.Rat
		fails bool
		why   jsonschema.ErrorKind
	}{
		{s.Minimum, s.Minimum != nil && number.Cmp(s.Minimum) < 0, &kind.Minimum{Got: number, Want: s.Minimum}},
		{s.Maximum, s.Maximum != nil && number.Cmp(s.Maximum) > 0, &kind.Maximum{Got: number, Want: s.Maximum}},
		{s.ExclusiveMinimum, s.ExclusiveMinimum != nil && number.Cmp(s.ExclusiveMinimum) <= 0, &kind.ExclusiveMinimum{Got: number, Want: s.ExclusiveMinimum}},
		{s.ExclusiveMaximum, s.ExclusiveMaximum != nil && number.Cmp(s.ExclusiveMaximum) >= 0, &kind.ExclusiveMaximum{Got: number, Want: s.ExclusiveMaximum}},
	} {
		if bound.fails && !e.fails(f, bound.why) {
			return false
		}
	}
	if s.MultipleOf == nil {
		return true
	}
	if !e.budget.Spend(multipleSteps) {
		return e.must(f, false)
	}
	return new(big.Rat).Quo(number, s.MultipleOf).IsInt() || e.fails(f, &kind.MultipleOf{Got: number, Want: s.MultipleOf})
}

// typeBit are the bits of the types within the library's set of them.
var typeBit = func() map[string]jsonschema.Types {
	bits := map[string]jsonschema.Types{}
	for name := range kindsOf {
		var types jsonschema.Types
		types.Add(name)
		bits[name] = types
	}
	return bits
}()

var integerBit = typeBit["integer"]

// isOfType reports whether a value has one of the types.
func isOfType(value any, types jsonschema.Types) bool {
	if types&typeBit[nameOf(value)] != 0 {
		return true
	}
	number, isNumber := value.(json.Number)
	return isNumber && types&integerBit != 0 && isWhole(number)
}

// nameOf is the type of a decoded value.
func nameOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case json.Number:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}
