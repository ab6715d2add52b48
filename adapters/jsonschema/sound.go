package jsonschema

import (
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventflow-go/eventflow/core"
)

// sound refuses a compiled schema that is well formed and that no payload can
// meet: a stream that has it would refuse every event, for a reason that its
// producers cannot mend.
func sound(root *jsonschema.Schema) error {
	if root.Bool != nil && !*root.Bool {
		return core.Invalid("schema", "is false, which no payload matches")
	}
	s := soundness{state: map[*jsonschema.Schema]progress{}, parts: []*jsonschema.Schema{root}}
	for len(s.parts) > 0 {
		// A part of a value is smaller than the value: a schema may well come back to
		// itself there, as that of a tree does. So each part begins a walk of its own.
		part := s.parts[0]
		s.parts = s.parts[1:]
		if err := s.visit(part); err != nil {
			return err
		}
	}
	return nil
}

// soundness walks the schemas that are reachable from one, each once.
type soundness struct {
	state map[*jsonschema.Schema]progress
	// parts are the schemas that apply to values of their own: the root first, and then
	// those that were met on the way.
	parts []*jsonschema.Schema
}

// progress says how far the walk got with a schema.
type progress int

const (
	unseen progress = iota
	// entered: a schema that applies to the same value as one of those within it.
	entered
	done
)

func (s *soundness) visit(schema *jsonschema.Schema) error {
	switch s.state[schema] {
	case done:
		return nil
	case entered:
		return core.Invalid(place(schema), "refers to itself without going further into the payload, so nothing can be held to it")
	case unseen:
	}
	s.state[schema] = entered
	if err := inOrder(schema); err != nil {
		return err
	}
	for _, same := range onSameValue(schema) {
		if err := s.visit(same); err != nil {
			return err
		}
	}
	s.state[schema] = done
	s.parts = append(s.parts, onParts(schema)...)
	return nil
}

// place is where a schema stands in the document, as a JSON pointer.
func place(schema *jsonschema.Schema) string {
	_, pointer, _ := strings.Cut(schema.Location, "#")
	return cut("schema"+pointer, maxPlace)
}

// onSameValue returns the schemas that apply to the value that a schema applies to.
func onSameValue(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Concat(s.AllOf, s.AnyOf, s.OneOf, []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.Not, s.If, s.Then, s.Else})
	if s.DynamicRef != nil {
		all = append(all, s.DynamicRef.Ref)
	}
	all = slices.AppendSeq(all, maps.Values(s.DependentSchemas))
	return given(append(all, schemas(slices.Collect(maps.Values(s.Dependencies)))...))
}

// onParts returns the schemas that apply to the members, elements and keys of the
// value that a schema applies to.
func onParts(s *jsonschema.Schema) []*jsonschema.Schema {
	all := slices.Concat(s.PrefixItems, []*jsonschema.Schema{
		s.PropertyNames, s.UnevaluatedProperties, s.Contains, s.Items2020, s.UnevaluatedItems, s.ContentSchema,
	})
	all = slices.AppendSeq(all, maps.Values(s.Properties))
	all = slices.AppendSeq(all, maps.Values(s.PatternProperties))
	if items, many := s.Items.([]*jsonschema.Schema); many {
		all = append(all, items...)
	}
	return given(append(all, schemas([]any{s.AdditionalProperties, s.Items, s.AdditionalItems})...))
}

// schemas returns those of some values that are schemas.
func schemas(values []any) (all []*jsonschema.Schema) {
	for _, value := range values {
		if schema, is := value.(*jsonschema.Schema); is {
			all = append(all, schema)
		}
	}
	return all
}

// given leaves out the schemas that are not there.
func given(all []*jsonschema.Schema) []*jsonschema.Schema {
	return slices.DeleteFunc(all, func(s *jsonschema.Schema) bool { return s == nil })
}

// inOrder refuses a lower bound that is above its upper bound.
func inOrder(s *jsonschema.Schema) error {
	for _, pair := range []struct {
		low, high         *int
		lowName, highName string
	}{
		{s.MinLength, s.MaxLength, "minLength", "maxLength"},
		{s.MinItems, s.MaxItems, "minItems", "maxItems"},
		{s.MinContains, s.MaxContains, "minContains", "maxContains"},
		{s.MinProperties, s.MaxProperties, "minProperties", "maxProperties"},
	} {
		if pair.low != nil && pair.high != nil && *pair.low > *pair.high {
			return core.Invalid(place(s)+"/"+pair.lowName, "is greater than %s", pair.highName)
		}
	}
	for _, pair := range []struct {
		low, high         *big.Rat
		lowName, highName string
		strict            bool
	}{
		{s.Minimum, s.Maximum, "minimum", "maximum", false},
		{s.Minimum, s.ExclusiveMaximum, "minimum", "exclusiveMaximum", true},
		{s.ExclusiveMinimum, s.Maximum, "exclusiveMinimum", "maximum", true},
		{s.ExclusiveMinimum, s.ExclusiveMaximum, "exclusiveMinimum", "exclusiveMaximum", true},
	} {
		if pair.low == nil || pair.high == nil {
			continue
		}
		if c := pair.low.Cmp(pair.high); c > 0 || c == 0 && pair.strict {
			return core.Invalid(place(s)+"/"+pair.lowName, "leaves no number below %s", pair.highName)
		}
	}
	return nil
}
