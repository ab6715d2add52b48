package jsonschema

import (
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// maxListed bounds how many names or values one reason lists.
const maxListed = 20

func (e *evaluation) object(f *frame, object map[string]any) (more bool) {
	s := f.schema
	if s.MinProperties != nil && len(object) < *s.MinProperties && !e.fails(f, &kind.MinProperties{Got: len(object), Want: *s.MinProperties}) {
		return false
	}
	if s.MaxProperties != nil && len(object) > *s.MaxProperties && !e.fails(f, &kind.MaxProperties{Got: len(object), Want: *s.MaxProperties}) {
		return false
	}
	if missing := e.missing(object, s.Required); len(missing) > 0 && !e.fails(f, &kind.Required{Missing: missing}) {
		return false
	}
	return e.dependencies(f, object) && e.members(f, object) && e.keys(f, object) && e.dependents(f, object)
}

// keysOf returns the keys of an object, and their order where errors are reported,
// which are the same each time.
func keysOf[V any](e *evaluation, object map[string]V) []string {
	if len(object) == 0 || !e.budget.Spend(len(object)/4) {
		return nil
	}
	keys := slices.AppendSeq(make([]string, 0, len(object)), maps.Keys(object))
	if e.report != nil {
		slices.Sort(keys)
	}
	return keys
}

// missing returns those of the required members that are not there, or one of them
// where that is enough.
func (e *evaluation) missing(object map[string]any, required []string) (missing []string) {
	if !e.budget.Spend(len(required) / 4) {
		return nil
	}
	for _, name := range required {
		if _, there := object[name]; there {
			continue
		}
		missing = append(missing, cut(name, maxReason))
		if e.report == nil || len(missing) == maxListed {
			break
		}
	}
	return missing
}

// dependencies are those of the older drafts.
func (e *evaluation) dependencies(f *frame, object map[string]any) (more bool) {
	for _, name := range keysOf(e, f.schema.Dependencies) {
		if _, there := object[name]; !there {
			continue
		}
		switch needed := f.schema.Dependencies[name].(type) {
		case []string:
			if missing := e.missing(object, needed); len(missing) > 0 && !e.fails(f, &kind.Dependency{Prop: cut(name, maxReason), Missing: missing}) {
				return false
			}
		case *jsonschema.Schema:
			if !e.must(f, e.same(f, needed)) {
				return false
			}
		}
	}
	return true
}

// members holds each member to the schemas for its key.
func (e *evaluation) members(f *frame, object map[string]any) (more bool) {
	s := f.schema
	if len(s.Properties) == 0 && len(s.PatternProperties) == 0 && s.AdditionalProperties == nil {
		return true
	}
	var refused []string
	for _, name := range keysOf(e, object) {
		if !e.budget.Spend(1) {
			return e.must(f, false)
		}
		evaluated, holds := e.member(s, name, object[name])
		if !evaluated && s.AdditionalProperties != nil {
			evaluated = true
			switch additional := s.AdditionalProperties.(type) {
			case bool:
				if holds = additional; !holds && len(refused) < maxListed {
					refused = append(refused, cut(name, maxReason))
				}
			case *jsonschema.Schema:
				holds = e.part(additional, object[name], name)
			}
		}
		if evaluated {
			f.rest.forgetMember(name)
		}
		if !e.must(f, holds) {
			return false
		}
	}
	return len(refused) == 0 || e.fails(f, &kind.AdditionalProperties{Properties: refused})
}

// member holds a member to the schemas that its key has in properties and in
// patternProperties.
func (e *evaluation) member(s *jsonschema.Schema, name string, value any) (evaluated, holds bool) {
	holds = true
	if schema, listed := s.Properties[name]; listed {
		evaluated, holds = true, e.part(schema, value, name)
	}
	for _, expression := range e.schema.keyPatterns[s] {
		if !holds && e.report == nil {
			break
		}
		if e.matches(expression, name) {
			evaluated = true
			holds = e.part(s.PatternProperties[expression], value, name) && holds
		}
	}
	return evaluated, holds
}

// keys holds the keys themselves to a schema.
func (e *evaluation) keys(f *frame, object map[string]any) (more bool) {
	if f.schema.PropertyNames == nil {
		return true
	}
	scope := e.scope
	defer func() { e.scope = scope }()
	for _, name := range keysOf(e, object) {
		e.scope = nil
		leave := e.report.about(&kind.PropertyNames{Property: cut(name, maxReason)})
		holds, _ := e.fits(f.schema.PropertyNames, name, false)
		leave()
		if !e.must(f, holds) {
			return false
		}
	}
	return true
}

func (e *evaluation) dependents(f *frame, object map[string]any) (more bool) {
	s := f.schema
	for _, name := range keysOf(e, s.DependentSchemas) {
		if _, there := object[name]; there && !e.must(f, e.same(f, s.DependentSchemas[name])) {
			return false
		}
	}
	for _, name := range keysOf(e, s.DependentRequired) {
		if _, there := object[name]; !there {
			continue
		}
		missing := e.missing(object, s.DependentRequired[name])
		if len(missing) > 0 && !e.fails(f, &kind.DependentRequired{Prop: cut(name, maxReason), Missing: missing}) {
			return false
		}
	}
	return true
}

func (e *evaluation) array(f *frame, array []any) (more bool) {
	s := f.schema
	if s.MinItems != nil && len(array) < *s.MinItems && !e.fails(f, &kind.MinItems{Got: len(array), Want: *s.MinItems}) {
		return false
	}
	if s.MaxItems != nil && len(array) > *s.MaxItems && !e.fails(f, &kind.MaxItems{Got: len(array), Want: *s.MaxItems}) {
		return false
	}
	if s.UniqueItems && len(array) > 1 {
		if first, second, same := duplicates(array, e.budget); same && !e.fails(f, &kind.UniqueItems{Duplicates: [2]int{first, second}}) {
			return false
		}
	}
	return e.elements(f, array) && e.contains(f, array)
}

// elements holds the elements to the schemas for their places: a list of schemas for
// the first ones, and one for all others.
func (e *evaluation) elements(f *frame, array []any) (more bool) {
	s := f.schema
	first, others := s.PrefixItems, any(s.Items2020)
	if s.DraftVersion < 2020 {
		switch items := s.Items.(type) {
		case *jsonschema.Schema:
			first, others = nil, items
		case []*jsonschema.Schema:
			first, others = items, s.AdditionalItems
		default:
			first, others = nil, s.AdditionalItems
		}
	}
	for i, schema := range first[:min(len(first), len(array))] {
		if !e.must(f, e.part(schema, array[i], i)) {
			return false
		}
	}
	switch schema := others.(type) {
	case bool:
		if extra := len(array) - len(first); !schema && extra > 0 {
			return e.fails(f, &kind.AdditionalItems{Count: extra})
		}
	case *jsonschema.Schema:
		for i := len(first); schema != nil && i < len(array); i++ {
			if !e.must(f, e.part(schema, array[i], i)) {
				return false
			}
		}
	}
	return true
}

func (e *evaluation) contains(f *frame, array []any) (more bool) {
	s := f.schema
	if s.Contains == nil {
		return true
	}
	var matched []int
	report := e.report
	e.report = nil
	for i, element := range array {
		if e.part(s.Contains, element, i) {
			matched = append(matched, i)
			if s.DraftVersion >= 2020 {
				f.rest.forgetElement(i)
			}
		}
	}
	e.report = report
	listed := matched[:min(len(matched), maxListed)]
	least, why := 1, jsonschema.ErrorKind(&kind.Contains{})
	if s.MinContains != nil {
		least, why = *s.MinContains, &kind.MinContains{Got: listed, Want: *s.MinContains}
	}
	if len(matched) < least && !e.blameElements(f, array, why) {
		return false
	}
	return s.MaxContains == nil || len(matched) <= *s.MaxContains || e.fails(f, &kind.MaxContains{Got: listed, Want: *s.MaxContains})
}

// blameElements reports why elements do not match contains, or else why itself.
func (e *evaluation) blameElements(f *frame, array []any, why jsonschema.ErrorKind) (more bool) {
	before := e.report.count()
	for i, element := range array {
		if !e.report.wants() {
			break
		}
		e.part(f.schema.Contains, element, i)
	}
	if e.report.count() == before {
		e.report.add(why)
	}
	return e.must(f, false)
}
