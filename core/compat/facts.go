package compat

import (
	"encoding/json"
	"math/big"
	"math/bits"
)

// kinds is a set of kinds of value. Numbers without and with a fraction are two.
type kinds uint8

const (
	isNull kinds = 1 << iota
	isBoolean
	isInteger
	isFraction
	isString
	isArray
	isObject

	isNumber = isInteger | isFraction
	isAny    = isNull | isBoolean | isNumber | isString | isArray | isObject
)

// kindNames are the types of JSON Schema.
var kindNames = map[string]kinds{
	"null": isNull, "boolean": isBoolean, "integer": isInteger, "number": isNumber, "string": isString, "array": isArray, "object": isObject,
}

func (k kinds) count() int { return bits.OnesCount8(uint8(k)) }

// kindsNamed returns the kinds that the keyword `type` names.
func kindsNamed(types any) (all kinds) {
	switch types := types.(type) {
	case string:
		return kindNames[types]
	case []any:
		for _, one := range types {
			name, _ := one.(string)
			all |= kindNames[name]
		}
	}
	return all
}

// facts is what some schemas say together about every value that fits all of them.
type facts struct {
	kinds kinds
	// values are all that there are, if finite.
	values []any
	finite bool
	// bounds are the narrowest of each keyword.
	bounds map[string]*big.Rat
	// required are the members that every object has.
	required map[string]bool
	unique   bool
}

// The keywords that bound something from below and from above.
var (
	lower = []string{"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
	upper = []string{"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
)

func factsOf(all []part) *facts {
	f := &facts{kinds: isAny, bounds: map[string]*big.Rat{}, required: map[string]bool{}}
	for _, p := range all {
		if p.schema == false { //nolint:revive // it may be no boolean
			f.kinds = 0
		}
		if types, is := p.keywords()["type"]; is {
			f.kinds &= kindsNamed(types)
		}
		for _, keyword := range lower {
			f.narrow(keyword, p, 1)
		}
		for _, keyword := range upper {
			f.narrow(keyword, p, -1)
		}
		required, _ := p.keywords()["required"].([]any)
		for _, one := range required {
			if name, is := one.(string); is {
				f.required[name] = true
			}
		}
		f.unique = f.unique || p.keywords()["uniqueItems"] == true //nolint:revive // it may be no boolean
	}
	f.enumerate(all)
	return f
}

// narrow takes the narrower of two bounds.
func (f *facts) narrow(keyword string, p part, direction int) {
	number, is := p.keywords()[keyword].(json.Number)
	bound, ok := rat(number)
	if !is || !ok {
		return
	}
	if known := f.bounds[keyword]; known == nil || bound.Cmp(known) == direction {
		f.bounds[keyword] = bound
	}
}

// enumerate lists the values where there are few.
func (f *facts) enumerate(all []part) {
	for _, p := range all {
		values, is := listed(p.keywords())
		if !is {
			continue
		}
		if !f.finite {
			f.values, f.finite = values, true
			continue
		}
		var both []any
		for _, value := range f.values {
			if contains(values, value) {
				both = append(both, value)
			}
		}
		f.values = both
	}
	if !f.finite && f.kinds&^(isNull|isBoolean) == 0 {
		f.values, f.finite = []any{nil, true, false}, true
	}
	if !f.finite {
		return
	}
	var fit []any
	found := kinds(0)
	for _, value := range f.values {
		if kind := kindOf(value); kind&f.kinds != 0 {
			fit, found = append(fit, value), found|kind
		}
	}
	f.values, f.kinds = fit, found
}

// listed returns the values that enum or const name.
func listed(keywords map[string]any) ([]any, bool) {
	if value, is := keywords["const"]; is {
		if many, also := keywords["enum"].([]any); also && !contains(many, value) {
			return nil, true
		}
		return []any{value}, true
	}
	values, is := keywords["enum"].([]any)
	return values, is
}

// atLeast and atMost compare a bound with what is known.
func (f *facts) atLeast(keyword string, bound *big.Rat) bool {
	known := f.bounds[keyword]
	return bound.Sign() <= 0 && keyword != "minimum" || known != nil && known.Cmp(bound) >= 0
}

func (f *facts) atMost(keyword string, bound *big.Rat) bool {
	known := f.bounds[keyword]
	return known != nil && known.Cmp(bound) <= 0
}

// fewerThan reports whether arrays have no element at an index.
func (f *facts) fewerThan(index int) bool {
	return f.atMost("maxItems", new(big.Rat).SetInt64(int64(index)))
}

// impossible reports whether no value fits all of some schemas. It may overlook that.
func (p *prover) impossible(all []part, deep int) bool {
	f := factsOf(all)
	if f.kinds == 0 {
		return true
	}
	if p.steps--; f.kinds != isObject || deep >= 3 || p.steps < 0 {
		return false
	}
	for name := range f.required {
		if members := member(all, name); len(members) > 0 && p.impossible(conjuncts(members), deep+1) {
			return true
		}
	}
	return false
}
