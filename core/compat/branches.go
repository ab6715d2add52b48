package compat

import (
	"maps"
	"slices"
)

// branches looks at anyOf or oneOf of the wide schema: one of the branches must take all
// that the narrow schemas take. For oneOf no other branch may take any of it.
func (p *prover) branches(all []part, wide part, keyword string) []Fault {
	if same(all, wide, keyword) {
		return nil
	}
	branches := wide.list(keyword)
	var closest []Fault
	for i, branch := range branches {
		faults := p.prove(all, branch)
		if len(faults) == 0 && keyword == "oneOf" {
			faults = p.others(all, branches, i)
		}
		if len(faults) == 0 {
			return nil
		}
		if closest == nil || len(faults) < len(closest) {
			closest = faults
		}
	}
	unproved := slices.ContainsFunc(closest, func(f Fault) bool { return f.Unproved })
	if len(branches) == 1 {
		return closest
	}
	return []Fault{fault(all, wide, keyword, keyword+" of other schemas", unproved || keyword == "oneOf")}
}

// others looks whether a value that one branch takes may fit another one.
func (p *prover) others(all, branches []part, taken int) []Fault {
	for i, other := range branches {
		if i != taken && !p.disjoint(append(slices.Clone(all), branches[taken]), other) {
			return []Fault{fault(all, other, "", "that only one of oneOf fits", true)}
		}
	}
	return nil
}

// disjoint reports whether no value fits all of some schemas and another one, too.
func (p *prover) disjoint(some []part, other part) bool {
	return p.impossible(conjuncts(append(slices.Clone(some), other)), 0)
}

// split tries to prove in several cases what could not be proved at once: each branch of
// an anyOf or oneOf of the narrow schemas, or each kind of value.
func (p *prover) split(all []part, wide part, faults []Fault) []Fault {
	for i, n := range all {
		for _, keyword := range []string{"anyOf", "oneOf"} {
			branches := n.list(keyword)
			if len(branches) == 0 {
				continue
			}
			rest := slices.Clone(all)
			rest[i] = without(n, keyword)
			for j := range rest { // which all are in the list already
				rest[j] = without(without(rest[j], "allOf"), "$ref")
			}
			return p.cases(rest, branches, wide)
		}
	}
	_, some := wide.keywords()["anyOf"]
	_, one := wide.keywords()["oneOf"]
	kinds := factsOf(all).kinds
	if !some && !one || kinds.count() < 2 || kinds == isNumber {
		return faults
	}
	var each []part
	for _, name := range slices.Sorted(maps.Keys(kindNames)) {
		if kind := kindNames[name]; kind&kinds != 0 && name != "integer" {
			each = append(each, part{all[0].doc, map[string]any{"type": name}, all[0].at + made + "type " + name})
		}
	}
	if len(p.cases(all, each, wide)) == 0 {
		return nil
	}
	return faults
}

// cases proves the same for each of some branches, one of which every value fits.
func (p *prover) cases(rest, branches []part, wide part) (faults []Fault) {
	for _, branch := range branches {
		// The branch comes first, because faults name the first one's place.
		if faults = p.prove(append([]part{branch}, rest...), wide); len(faults) > 0 {
			return faults
		}
	}
	return nil
}

// without returns a schema without one of its keywords.
func without(p part, keyword string) part {
	if _, has := p.keywords()[keyword]; !has {
		return p
	}
	keywords := maps.Clone(p.keywords())
	delete(keywords, keyword)
	return part{p.doc, keywords, p.at + made + "-" + keyword}
}
