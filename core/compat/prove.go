package compat

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
)

// annotations are the keywords that refuse nothing, and those that others look at.
var annotations = set(
	"title", "description", "default", "examples", "$comment", "deprecated", "readOnly", "writeOnly",
	"contentEncoding", "contentMediaType", "contentSchema",
	"$schema", "$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$vocabulary", "$defs", "definitions",
	"additionalItems", "then", "else", "minContains", "maxContains",
)

func set(names ...string) map[string]bool {
	all := make(map[string]bool, len(names))
	for _, name := range names {
		all[name] = true
	}
	return all
}

// keywordKinds says which kind of value a keyword is about. The others are about all.
var keywordKinds = map[string]kinds{
	"minimum": isNumber, "maximum": isNumber, "exclusiveMinimum": isNumber, "exclusiveMaximum": isNumber, "multipleOf": isNumber,
	"minLength": isString, "maxLength": isString, "pattern": isString,
	"minItems": isArray, "maxItems": isArray, "uniqueItems": isArray, "prefixItems": isArray, "items": isArray,
	"contains": isArray, "unevaluatedItems": isArray,
	"minProperties": isObject, "maxProperties": isObject, "required": isObject, "properties": isObject,
	"patternProperties": isObject, "additionalProperties": isObject, "propertyNames": isObject, "unevaluatedProperties": isObject,
	"dependentRequired": isObject, "dependentSchemas": isObject, "dependencies": isObject,
}

// groups are the keywords that mean something together. Where the narrow schema has the
// same ones, what they demand is met.
var groups = map[string][]string{
	"contains": {"contains", "minContains", "maxContains"},
	"if":       {"if", "then", "else"},
}

// opaque are the keywords that can only be the same, or else nothing is proved. Any
// keyword that is in no list of this file is one that validators pass over.
var opaque = set(
	"pattern", "format", "not", "if", "contains", "propertyNames", "dependentSchemas", "dependencies",
	"unevaluatedProperties", "unevaluatedItems", "$dynamicRef", "$recursiveRef",
)

// trivial are those of them that refuse nothing where they are true.
var trivial = set("propertyNames", "unevaluatedProperties", "unevaluatedItems")

// demands returns what the wide schema demands and the narrow ones do not give.
func (p *prover) demands(all []part, wide part) (faults []Fault) {
	f := factsOf(all)
	for _, keyword := range slices.Sorted(maps.Keys(wide.keywords())) {
		if annotations[keyword] || keywordKinds[keyword] != 0 && keywordKinds[keyword]&f.kinds == 0 {
			continue
		}
		faults = append(faults, p.demand(all, f, wide, keyword)...)
		if len(faults) >= maxFaults {
			break
		}
	}
	faults = append(faults, p.members(all, f, wide)...)
	return append(faults, p.elements(all, f, wide)...)
}

// demand looks at one keyword. Those of members and elements are looked at together,
// elsewhere.
func (p *prover) demand(all []part, f *facts, wide part, keyword string) (faults []Fault) {
	switch value := wide.keywords()[keyword]; {
	case keyword == "allOf":
		for _, one := range wide.list(keyword) {
			faults = append(faults, p.prove(all, one)...)
		}
		return faults
	case keyword == "anyOf" || keyword == "oneOf":
		return p.branches(all, wide, keyword)
	case keyword == "$ref":
		if target, ok := wide.referred(); ok {
			return p.prove(all, target)
		}
		return []Fault{fault(all, wide, keyword, "what "+show(value)+" refers to", true)}
	case opaque[keyword]:
		if same(all, wide, keyword) || value == true && trivial[keyword] { //nolint:revive // it may be no boolean
			return nil
		}
		return []Fault{fault(all, wide, keyword, keyword+" "+show(value), true)}
	case keyword == "required":
		return requires(all, f, wide)
	case keyword == "dependentRequired":
		return p.dependents(all, f, wide)
	case !met(all, f, keyword, value):
		return []Fault{fault(all, wide, keyword, keyword+" "+show(value), keyword == "multipleOf" || keyword == "uniqueItems")}
	}
	return nil
}

// met looks at the keywords that are plain values.
func met(all []part, f *facts, keyword string, value any) bool { //nolint:cyclop // one case for each keyword
	number, _ := value.(json.Number)
	bound, exact := rat(number)
	switch keyword {
	case "type":
		return f.kinds&^kindsNamed(value) == 0
	case "enum", "const":
		values, is := value.([]any)
		if keyword == "const" || !is {
			values = []any{value}
		}
		return f.finite && !slices.ContainsFunc(f.values, func(one any) bool { return !contains(values, one) })
	case "uniqueItems":
		return value != true || f.unique || f.fewerThan(1) //nolint:revive // it may be no boolean
	case "minimum":
		return exact && (f.atLeast("minimum", bound) || f.bounds["exclusiveMinimum"] != nil && f.bounds["exclusiveMinimum"].Cmp(bound) >= 0)
	case "maximum":
		return exact && (f.atMost("maximum", bound) || f.atMost("exclusiveMaximum", bound))
	case "exclusiveMinimum":
		known := f.bounds["exclusiveMinimum"]
		return exact && (known != nil && known.Cmp(bound) >= 0 || f.bounds["minimum"] != nil && f.bounds["minimum"].Cmp(bound) > 0)
	case "exclusiveMaximum":
		return exact && (f.atMost("exclusiveMaximum", bound) || f.bounds["maximum"] != nil && f.bounds["maximum"].Cmp(bound) < 0)
	case "minLength", "minItems":
		return exact && f.atLeast(keyword, bound)
	case "minProperties":
		return exact && (f.atLeast(keyword, bound) || new(big.Rat).SetInt64(int64(len(f.required))).Cmp(bound) >= 0)
	case "maxLength", "maxItems":
		return exact && f.atMost(keyword, bound)
	case "maxProperties":
		most, closed := closedTo(all)
		return exact && (f.atMost(keyword, bound) || closed && new(big.Rat).SetInt64(int64(most)).Cmp(bound) <= 0)
	case "multipleOf":
		return exact && bound.Sign() > 0 && multiple(all, f, bound)
	}
	return true
}

// multiple reports whether all numbers are multiples of one.
func multiple(all []part, f *facts, of *big.Rat) bool {
	if f.kinds&isFraction == 0 && new(big.Rat).Inv(of).IsInt() {
		return true
	}
	return slices.ContainsFunc(all, func(n part) bool {
		number, _ := n.keywords()["multipleOf"].(json.Number)
		known, ok := rat(number)
		return ok && new(big.Rat).Quo(known, of).IsInt()
	})
}

// same reports whether one of the narrow schemas has a keyword, and what belongs to it,
// as the wide schema has it.
func same(all []part, wide part, keyword string) bool {
	group := groups[keyword]
	if group == nil {
		group = []string{keyword}
	}
	if keyword == "unevaluatedProperties" || keyword == "unevaluatedItems" {
		return false // they depend on all that stands beside them
	}
	return slices.ContainsFunc(all, func(n part) bool {
		return sameDraft(n, wide) && !slices.ContainsFunc(group, func(keyword string) bool {
			one, hasOne := n.keywords()[keyword]
			other, hasOther := wide.keywords()[keyword]
			return hasOne != hasOther || !pure(one) || !equal(one, other)
		})
	})
}

// requires names each member that is required and may be missing.
func requires(all []part, f *facts, wide part) (faults []Fault) {
	names, _ := wide.keywords()["required"].([]any)
	for _, one := range names {
		if name, _ := one.(string); !f.required[name] {
			faults = append(faults, fault(all, wide, "required", "the member "+show(name), false))
		}
	}
	return faults
}

// dependents looks at members that require others.
func (p *prover) dependents(all []part, f *facts, wide part) (faults []Fault) {
	if same(all, wide, "dependentRequired") {
		return nil
	}
	triggers, _ := wide.keywords()["dependentRequired"].(map[string]any)
	for _, trigger := range slices.Sorted(maps.Keys(triggers)) {
		names, _ := triggers[trigger].([]any)
		for _, one := range names {
			name, _ := one.(string)
			if !f.required[name] && !p.impossible(conjuncts(member(all, trigger)), 0) {
				faults = append(faults, fault(all, wide, "dependentRequired", "the member "+show(name)+" beside "+show(trigger), false))
			}
		}
	}
	return faults
}
