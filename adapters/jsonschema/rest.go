package jsonschema

import (
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventflow-go/eventflow/core"
)

// rest are the members or elements of a value that no keyword has looked at. A nil
// rest is empty.
type rest struct {
	members  map[string]bool
	elements map[int]bool
}

// restOf returns all members or elements of a value, if anybody asks for them, but
// those that the schema certainly looks at.
func (e *evaluation) restOf(s *jsonschema.Schema, value any, needed bool) *rest {
	switch value := value.(type) {
	case map[string]any:
		if s.AdditionalProperties != nil || !needed && s.UnevaluatedProperties == nil || !e.budget.Spend(2*len(value)) {
			return nil
		}
		r := &rest{members: make(map[string]bool, len(value))}
		for name := range value {
			r.members[name] = true
		}
		return r
	case []any:
		all, first := elementsSeen(s)
		if all || !needed && s.UnevaluatedItems == nil || !e.budget.Spend(2*len(value)) {
			return nil
		}
		r := &rest{elements: map[int]bool{}}
		for i := first; i < len(value); i++ {
			r.elements[i] = true
		}
		return r
	}
	return nil
}

// elementsSeen says which elements a schema certainly looks at: all, or the first.
func elementsSeen(s *jsonschema.Schema) (all bool, first int) {
	if s.DraftVersion >= 2020 {
		return s.Items2020 != nil, len(s.PrefixItems)
	}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		return true, 0
	case []*jsonschema.Schema:
		return s.AdditionalItems != nil, len(items)
	}
	return s.AdditionalItems != nil, 0
}

func (r *rest) empty() bool { return r == nil || len(r.members) == 0 && len(r.elements) == 0 }

// keep leaves what another schema on the same value has not looked at either.
func (r *rest) keep(other *rest, budget *core.Budget) {
	if r.empty() || !budget.Spend(len(r.members)+len(r.elements)) {
		return
	}
	if other == nil {
		other = &rest{}
	}
	for name := range r.members {
		if !other.members[name] {
			delete(r.members, name)
		}
	}
	for i := range r.elements {
		if !other.elements[i] {
			delete(r.elements, i)
		}
	}
}

func (r *rest) forgetMember(name string) {
	if r != nil {
		delete(r.members, name)
	}
}

func (r *rest) forgetElement(i int) {
	if r != nil {
		delete(r.elements, i)
	}
}

// unevaluated holds what is left of a value to the schemas for it.
func (e *evaluation) unevaluated(f *frame) {
	s := f.schema
	if object, is := f.value.(map[string]any); is && s.UnevaluatedProperties != nil && f.rest != nil {
		for _, name := range keysOf(e, f.rest.members) {
			if !e.must(f, e.part(s.UnevaluatedProperties, object[name], name)) {
				return
			}
		}
		f.rest.members = nil
	}
	if array, is := f.value.([]any); is && s.UnevaluatedItems != nil && f.rest != nil {
		for i, element := range array {
			if f.rest.elements[i] && !e.must(f, e.part(s.UnevaluatedItems, element, i)) {
				return
			}
		}
		f.rest.elements = nil
	}
}
