package compat

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
)

// Contradiction is why no value fits a schema.
type Contradiction struct {
	// Place is a JSON pointer behind the word `schema`.
	Place string
	// Reason completes a sentence that begins with the place.
	Reason string
}

// Empty looks whether there is no value at all that a schema takes, and says why. The
// document must have been compiled before. Where a keyword says more than can be looked
// into, such as a pattern, there may be none all the same: Empty never says so of a schema
// that takes a value. It takes a bounded time whatever the schema is.
func Empty(schema []byte) (why Contradiction, empty bool) {
	d := newDocument(schema)
	if d.strange != "" {
		return why, false
	}
	e := &emptiness{prover: &prover{steps: maxLooks, proving: map[string]int{}}}
	return e.of([]part{d.part()})
}

// maxLooks bounds the work of a look, in schemas that are looked at.
const maxLooks = 1_000

// emptiness is one look for a contradiction.
type emptiness struct{ *prover }

// of looks at the values that fit all of some schemas. A schema that comes up again
// further inside a value has none if the one around it has none otherwise: values end
// somewhere.
func (e *emptiness) of(some []part) (why Contradiction, empty bool) {
	if e.steps--; e.steps < 0 || e.nested >= deepestProof {
		return why, false
	}
	e.nested++
	defer func() { e.nested-- }()
	name := goal(some, part{})
	if before, again := e.proving[name]; again {
		return Contradiction{place(some[0].at), "is to be in itself without an end"}, e.depth > before
	}
	e.proving[name] = e.depth
	defer delete(e.proving, name)

	c := &clash{emptiness: e, all: conjuncts(some), left: isAny}
	c.facts = factsOf(c.all)
	for _, look := range []func(){c.types, c.literals, c.numbers, c.texts, c.arrays, c.objects, c.listed, c.branches} {
		if look(); c.left == 0 {
			return c.why, true
		}
	}
	return why, false
}

// clash finds out which kinds of value are left of those that fit some schemas.
type clash struct {
	*emptiness
	all   []part
	facts *facts
	left  kinds
	// why is the last reason for which kinds were taken away.
	why Contradiction
}

// rule takes kinds away, because of what stands at a place.
func (c *clash) rule(out kinds, at, reason string) {
	if c.left&out != 0 {
		c.left &^= out
		c.why = Contradiction{place(at), reason}
	}
}

// holder is the place of a keyword in the first of the schemas that has it.
func (c *clash) holder(keyword string) string {
	for _, p := range c.all {
		if _, has := p.keywords()[keyword]; has {
			return p.at + "/" + keyword
		}
	}
	return c.all[0].at
}

// literals are about `false`, and about `not` where that refuses everything or some types.
func (c *clash) literals() {
	for _, p := range c.all {
		if p.schema == false { //nolint:revive // it may be no boolean
			c.rule(isAny, p.at, "is false")
		}
		if not, has := p.in("not"); has {
			c.rule(wholly(not), p.at+"/not", "leaves no value that the rest takes")
		}
	}
}

// wholly returns the kinds of which a schema takes every value.
func wholly(p part) kinds {
	if p.schema == true { //nolint:revive // it may be no boolean
		return isAny
	}
	if p.keywords() == nil {
		return 0
	}
	all := isAny
	for keyword, value := range p.keywords() {
		switch {
		case annotations[keyword]:
		case keyword == "type":
			all &= kindsNamed(value)
		case keywordKinds[keyword] == 0: // it is about all kinds
			return 0
		default:
			all &^= keywordKinds[keyword]
		}
	}
	return all
}

func (c *clash) types() {
	for _, p := range c.all {
		if types, is := p.keywords()["type"]; is {
			c.rule(^kindsNamed(types)&isAny, p.at+"/type", "leaves no type that the rest takes, too")
		}
	}
}

// numbers looks whether there is one between the bounds, and a whole one.
func (c *clash) numbers() {
	b := c.facts.bounds
	low, high := b["minimum"], b["maximum"]
	above, below := b["exclusiveMinimum"], b["exclusiveMaximum"]
	greater := func(one, two *big.Rat, orEqual bool) bool {
		return one != nil && two != nil && (one.Cmp(two) > 0 || orEqual && one.Cmp(two) == 0)
	}
	if greater(low, high, false) || greater(low, below, true) || greater(above, high, true) || greater(above, below, true) {
		c.rule(isNumber, c.holder(lowerName(low, above)), "leaves no number")
	}
	first, last := whole(low, above, 1), whole(high, below, -1)
	if greater(first, last, false) {
		c.rule(isInteger, c.holder(lowerName(low, above)), "leaves no whole number")
	}
}

func lowerName(low, above *big.Rat) string {
	if low != nil && (above == nil || low.Cmp(above) > 0) {
		return "minimum"
	}
	return "exclusiveMinimum"
}

// whole returns the first whole number from a bound on, in a direction, or nil without one.
func whole(inclusive, exclusive *big.Rat, direction int64) (first *big.Rat) {
	for _, bound := range []*big.Rat{inclusive, exclusive} {
		if bound == nil {
			continue
		}
		number := new(big.Int).Div(bound.Num(), bound.Denom()) // rounds down
		if direction > 0 && !bound.IsInt() {
			number.Add(number, big.NewInt(1))
		}
		if bound == exclusive && bound.IsInt() {
			number.Add(number, big.NewInt(direction))
		}
		rat := new(big.Rat).SetInt(number)
		if first == nil || rat.Cmp(first) == int(direction) {
			first = rat
		}
	}
	return first
}

// between takes a kind away if its lower bound is above its upper one.
func (c *clash) between(kind kinds, lower, upper string) {
	low, high := c.facts.bounds[lower], c.facts.bounds[upper]
	if low != nil && high != nil && low.Cmp(high) > 0 {
		c.rule(kind, c.holder(lower), "is greater than "+upper)
	}
}

func (c *clash) texts() { c.between(isString, "minLength", "maxLength") }

// arrays looks at the elements that there have to be.
func (c *clash) arrays() {
	c.between(isArray, "minItems", "maxItems")
	if c.left&isArray == 0 {
		return
	}
	c.depth++
	defer func() { c.depth-- }()
	most := 0
	for _, p := range c.all {
		most = max(most, len(p.list("prefixItems")))
		if contained, has := p.in("contains"); has && needsOne(p) {
			if why, none := c.of([]part{contained}); none {
				c.rule(isArray, p.at+"/contains", "demands an element that there is none of: "+why.Place+" "+why.Reason)
			}
		}
	}
	for i := 0; i <= most && c.facts.atLeast("minItems", big.NewRat(int64(i+1), 1)); i++ {
		about := element(c.all, i)
		if len(about) == 0 {
			continue
		}
		if why, none := c.of(about); none {
			c.rule(isArray, c.holder("minItems"), "demands an element that there is none of: "+why.Place+" "+why.Reason)
		}
	}
}

// needsOne reports whether `contains` needs an element at all.
func needsOne(p part) bool {
	number, is := p.keywords()["minContains"].(json.Number)
	least, ok := rat(number)
	return !is || ok && least.Sign() > 0
}

// objects looks at the members that there have to be.
func (c *clash) objects() {
	c.between(isObject, "minProperties", "maxProperties")
	if c.left&isObject == 0 {
		return
	}
	needed := big.NewRat(int64(len(c.facts.required)), 1)
	if most := c.facts.bounds["maxProperties"]; most != nil && most.Cmp(needed) < 0 {
		c.rule(isObject, c.holder("required"), "demands more members than maxProperties allows")
	}
	if most, closed := closedTo(c.all); closed {
		if least := c.facts.bounds["minProperties"]; least != nil && least.Cmp(big.NewRat(int64(most), 1)) > 0 {
			c.rule(isObject, c.holder("minProperties"), "demands more members than there may be")
		}
	}
	c.depth++
	defer func() { c.depth-- }()
	for _, name := range slices.Sorted(maps.Keys(c.facts.required)) {
		about := member(c.all, name)
		if len(about) == 0 {
			continue
		}
		if why, none := c.of(about); none {
			c.rule(isObject, c.holder("required"), "demands the member "+show(name)+", which cannot be there: "+why.Place+" "+why.Reason)
			return
		}
	}
}

// listed looks at each value where there are few.
func (c *clash) listed() {
	if !c.facts.finite {
		return
	}
	for _, value := range c.facts.values {
		fits := kindOf(value)&c.left != 0
		for _, p := range c.all {
			fits = fits && c.takes(p, value, 0) != no
		}
		if fits {
			return
		}
	}
	keyword := "enum"
	if at := c.holder("const"); at != c.all[0].at {
		keyword = "const"
	}
	c.rule(isAny, c.holder(keyword), "has no value that the rest takes, too")
}

// branches looks whether a branch of each anyOf and oneOf is left.
func (c *clash) branches() {
	for i, p := range c.all {
		for _, keyword := range []string{"anyOf", "oneOf"} {
			branches := p.list(keyword)
			if len(branches) == 0 {
				continue
			}
			rest := slices.Clone(c.all)
			rest[i] = without(p, keyword)
			for j := range rest { // which all are in the list already
				rest[j] = without(without(rest[j], "allOf"), "$ref")
			}
			open := slices.ContainsFunc(branches, func(branch part) bool {
				_, none := c.of(append([]part{branch}, rest...))
				return !none
			})
			if !open {
				c.rule(isAny, p.at+"/"+keyword, "has no branch that the rest takes, too")
			}
		}
		c.twice(p)
	}
}

// twice is about a oneOf of which every value fits two branches.
func (c *clash) twice(p part) {
	fitted, two := kinds(0), kinds(0)
	for _, branch := range p.list("oneOf") {
		all := wholly(branch)
		two |= fitted & all
		fitted |= all
	}
	c.rule(two, p.at+"/oneOf", "has two branches that every value fits, and only one may")
}
