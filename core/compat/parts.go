package compat

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
)

// matches says whether a name matches a pattern.
func (d *document) matches(pattern, name string) verdict {
	expression, known := d.patterns[pattern]
	if !known {
		expression, _ = regexp.Compile(pattern)
		d.patterns[pattern] = expression
	}
	if expression == nil {
		return unknown
	}
	return verdictOf(expression.MatchString(name))
}

// member returns what the narrow schemas say about a member of objects.
func member(all []part, name string) (about []part) {
	for _, n := range all {
		properties := n.named("properties")
		one, listed := properties[name]
		if listed {
			about = append(about, one)
		}
		for pattern, schema := range n.named("patternProperties") {
			switch n.doc.matches(pattern, name) {
			case yes:
				about, listed = append(about, schema), true
			case unknown:
				listed = true
			case no:
			}
		}
		if rest, is := n.in("additionalProperties"); is && !listed {
			about = append(about, rest)
		}
	}
	return about
}

// furtherMembers returns what the narrow schemas say about members that none of them
// names.
func furtherMembers(all []part) (about []part) {
	for _, n := range all {
		rest, is := n.in("additionalProperties")
		if !is {
			continue
		}
		patterns := n.named("patternProperties")
		if len(patterns) == 0 {
			about = append(about, rest)
			continue
		}
		choices := []any{n.keywords()["additionalProperties"]}
		for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
			schemas, _ := n.keywords()["patternProperties"].(map[string]any)
			choices = append(choices, schemas[pattern])
		}
		about = append(about, part{n.doc, map[string]any{"anyOf": choices}, n.at + "/additionalProperties" + made + "or"})
	}
	return about
}

// closedTo returns how many members objects have at most, if the narrow schemas name all
// that there may be.
func closedTo(all []part) (most int, closed bool) {
	most = math.MaxInt
	for _, n := range all {
		if n.keywords()["additionalProperties"] == false && len(n.named("patternProperties")) == 0 { //nolint:revive // it may be no boolean
			most, closed = min(most, len(n.named("properties"))), true
		}
	}
	return most, closed
}

// members looks at properties, patternProperties and additionalProperties.
func (p *prover) members(all []part, f *facts, wide part) (faults []Fault) {
	properties, patterns := wide.named("properties"), wide.named("patternProperties")
	rest, bounded := wide.in("additionalProperties")
	if f.kinds&isObject == 0 || len(properties)+len(patterns) == 0 && !bounded {
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	names := map[string]bool{}
	for _, schema := range append(slices.Clone(all), wide) {
		for name := range schema.named("properties") {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		about := placed(all, member(all, name), name)
		one, listed := properties[name]
		if listed {
			faults = append(faults, p.prove(about, one)...)
		}
		for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
			matched := wide.doc.matches(pattern, name)
			listed = listed || matched == yes
			if matched != no {
				faults = append(faults, p.prove(about, patterns[pattern])...)
			}
		}
		if bounded && !listed {
			faults = append(faults, p.prove(about, rest)...)
		}
		if len(faults) >= maxFaults {
			return faults
		}
	}
	return append(faults, p.unnamed(all, wide)...)
}

// unnamed looks at members that no schema names.
func (p *prover) unnamed(all []part, wide part) (faults []Fault) {
	further, patterns := furtherMembers(all), wide.named("patternProperties")
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		about := further
		for _, n := range all {
			if schema, is := n.named("patternProperties")[pattern]; is {
				about = append(slices.Clone(about), schema)
			}
		}
		faults = append(faults, p.prove(placed(all, about, "*"), patterns[pattern])...)
	}
	if rest, bounded := wide.in("additionalProperties"); bounded {
		faults = append(faults, p.prove(placed(all, further, "*"), rest)...)
	}
	return faults
}

// placed gives a member that the narrow schemas say nothing about a place, for faults.
func placed(all, about []part, name string) []part {
	if len(about) > 0 || len(all) == 0 {
		return about
	}
	return []part{{all[0].doc, map[string]any{}, all[0].at + made + name}}
}

// element returns what the narrow schemas say about an element of arrays. An index of
// -1 stands for those behind all that are listed.
func element(all []part, index int) (about []part) {
	for _, n := range all {
		listed := n.list("prefixItems")
		if index >= 0 && index < len(listed) {
			about = append(about, listed[index])
		} else if rest, is := n.in("items"); is {
			about = append(about, rest)
		}
	}
	return about
}

// elements looks at prefixItems and items.
func (p *prover) elements(all []part, f *facts, wide part) (faults []Fault) {
	listed := wide.list("prefixItems")
	rest, bounded := wide.in("items")
	if f.kinds&isArray == 0 || len(listed) == 0 && !bounded {
		return nil
	}
	p.depth++
	defer func() { p.depth-- }()
	most := len(listed)
	for _, n := range all {
		most = max(most, len(n.list("prefixItems")))
	}
	for i := 0; i < most && !f.fewerThan(i); i++ {
		about := placed(all, element(all, i), strconv.Itoa(i))
		if i < len(listed) {
			faults = append(faults, p.prove(about, listed[i])...)
		} else if bounded {
			faults = append(faults, p.prove(about, rest)...)
		}
		if len(faults) >= maxFaults {
			return faults
		}
	}
	if bounded && !f.fewerThan(most) {
		faults = append(faults, p.prove(placed(all, element(all, -1), "*"), rest)...)
	}
	return faults
}
