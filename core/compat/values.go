package compat

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxExponent bounds the exponents of numbers that are compared as numbers. Beyond it
// they are texts.
const maxExponent = 400

// rat returns a number exactly.
func rat(number json.Number) (*big.Rat, bool) {
	if i := strings.IndexAny(string(number), "eE"); i >= 0 {
		if exponent, err := strconv.Atoi(string(number[i+1:])); err != nil || exponent < -maxExponent || exponent > maxExponent {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(number))
}

// kindOf returns the kind of a value.
func kindOf(value any) kinds {
	switch value := value.(type) {
	case nil:
		return isNull
	case bool:
		return isBoolean
	case json.Number:
		if number, ok := rat(value); ok && number.IsInt() {
			return isInteger
		}
		return isFraction
	case string:
		return isString
	case []any:
		return isArray
	}
	return isObject
}

// equal compares two values as JSON Schema does: 1 and 1.0 are one number.
func equal(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		other, is := b.(json.Number)
		if !is {
			return false
		}
		one, okOne := rat(a)
		two, okTwo := rat(other)
		return okOne && okTwo && one.Cmp(two) == 0
	case []any:
		other, is := b.([]any)
		if !is || len(a) != len(other) {
			return false
		}
		for i := range a {
			if !equal(a[i], other[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		other, is := b.(map[string]any)
		if !is || len(a) != len(other) {
			return false
		}
		for name, value := range a {
			if member, has := other[name]; !has || !equal(value, member) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any: // which == cannot compare
		return false
	}
	return a == b
}

func contains(values []any, value any) bool {
	for _, one := range values {
		if equal(one, value) {
			return true
		}
	}
	return false
}

// verdict is whether a schema takes a value, as far as that can be told.
type verdict int

const (
	unknown verdict = iota
	no
	yes
)

// and joins verdicts that must all be yes.
func and(a, b verdict) verdict {
	switch {
	case a == no || b == no:
		return no
	case a == yes && b == yes:
		return yes
	}
	return unknown
}

func verdictOf(holds bool) verdict {
	if holds {
		return yes
	}
	return no
}

// eachValue decides where the narrow schemas have few values, by looking at each of
// them. It reports false where that does not tell.
func (p *prover) eachValue(all []part, wide part) (done bool, faults []Fault) {
	f := factsOf(all)
	if !f.finite {
		return false, nil
	}
	for _, value := range f.values {
		taken := yes
		for _, n := range all {
			taken = and(taken, p.takes(n, value, 0))
		}
		if taken == no {
			continue
		}
		switch p.takes(wide, value, 0) {
		case unknown:
			return false, nil
		case no:
			faults = append(faults, fault(all, wide, "", "a value other than "+show(value), false))
		case yes:
		}
	}
	return true, faults
}

// show writes a value in a few words.
func show(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "…"
	}
	return cut(string(text), 80)
}

// takes says whether a schema takes a value.
func (p *prover) takes(s part, value any, deep int) verdict {
	if p.steps--; p.steps < 0 || deep > 20 {
		return unknown
	}
	if all, is := s.schema.(bool); is {
		return verdictOf(all)
	}
	result := yes
	for keyword, demand := range s.keywords() {
		if result = and(result, p.takesKeyword(s, keyword, demand, value, deep+1)); result == no {
			return no
		}
	}
	return result
}

func (p *prover) takesKeyword(s part, keyword string, demand, value any, deep int) verdict {
	switch keyword {
	case "type":
		return verdictOf(kindsNamed(demand)&kindOf(value) != 0)
	case "enum":
		values, _ := demand.([]any)
		return verdictOf(contains(values, value))
	case "const":
		return verdictOf(equal(demand, value))
	case "$ref":
		if target, ok := s.referred(); ok {
			return p.takes(target, value, deep)
		}
		return unknown
	case "allOf":
		result := yes
		for _, one := range s.list(keyword) {
			result = and(result, p.takes(one, value, deep))
		}
		return result
	case "anyOf":
		return p.takesAny(s.list(keyword), value, deep)
	}
	if kind := kindOf(value); annotations[keyword] || keywordKinds[keyword] != 0 && keywordKinds[keyword]&kind == 0 {
		return yes
	}
	if keyword == "required" {
		return hasAll(demand, value)
	}
	return takesPart(keyword, demand, value)
}

// hasAll looks for members that are required.
func hasAll(names, value any) verdict {
	required, _ := names.([]any)
	object, _ := value.(map[string]any)
	for _, one := range required {
		name, _ := one.(string)
		if _, has := object[name]; !has {
			return no
		}
	}
	return yes
}

func (p *prover) takesAny(branches []part, value any, deep int) verdict {
	result := no
	for _, one := range branches {
		switch p.takes(one, value, deep) {
		case yes:
			return yes
		case unknown:
			result = unknown
		case no:
		}
	}
	return result
}

// takesPart is about keywords of one kind of value.
func takesPart(keyword string, demand, value any) verdict {
	number, _ := demand.(json.Number)
	bound, ok := rat(number)
	if !ok {
		return unknown
	}
	switch value := value.(type) {
	case json.Number:
		size, known := rat(value)
		if !known {
			return unknown
		}
		return bounded(keyword, size, bound)
	case string:
		return bounded(keyword, new(big.Rat).SetInt64(int64(utf8.RuneCountInString(value))), bound)
	case []any:
		return bounded(keyword, new(big.Rat).SetInt64(int64(len(value))), bound)
	case map[string]any:
		return bounded(keyword, new(big.Rat).SetInt64(int64(len(value))), bound)
	}
	return unknown
}

// bounded holds a size to a bound.
func bounded(keyword string, size, bound *big.Rat) verdict {
	c := size.Cmp(bound)
	switch keyword {
	case "minimum", "minLength", "minItems", "minProperties":
		return verdictOf(c >= 0)
	case "maximum", "maxLength", "maxItems", "maxProperties":
		return verdictOf(c <= 0)
	case "exclusiveMinimum":
		return verdictOf(c > 0)
	case "exclusiveMaximum":
		return verdictOf(c < 0)
	case "multipleOf":
		return verdictOf(bound.Sign() > 0 && new(big.Rat).Quo(size, bound).IsInt())
	}
	return unknown
}
