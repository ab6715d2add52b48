package core

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// InferSchema makes a JSON Schema that all samples fit. A member that all objects at its
// place have is required. Other members than those of the samples are allowed.
func InferSchema(samples ...json.RawMessage) (json.RawMessage, error) {
	all := &shape{}
	for _, sample := range samples {
		decoder := json.NewDecoder(bytes.NewReader(sample))
		decoder.UseNumber()
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, Invalid("samples", "must be valid JSON")
		}
		all.add(value, 0)
	}
	schema := all.schema()
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	return json.MarshalIndent(schema, "", "  ")
}

const (
	// mostNames is how many members an object has at most whose members are named. One
	// with more is a table, whose keys are data.
	mostNames = 200
	// deepestShape bounds how deep a schema goes into payloads.
	deepestShape = 20
)

// shape is what is known of the values at one place.
type shape struct {
	types map[string]bool
	// objects counts the objects, and members and counts say what they have.
	objects int
	members map[string]*shape
	counts  map[string]int
	// elements is about the elements of all arrays, nil without any.
	elements *shape
}

func (s *shape) add(value any, deep int) {
	if s.types == nil {
		s.types = map[string]bool{}
	}
	switch value := value.(type) {
	case nil:
		s.types["null"] = true
	case bool:
		s.types["boolean"] = true
	case string:
		s.types["string"] = true
	case json.Number:
		if strings.ContainsAny(string(value), ".eE") {
			s.types["number"] = true
		} else {
			s.types["integer"] = true
		}
	case []any:
		s.types["array"] = true
		for _, element := range value[:min(len(value), bounded(deep, len(value)))] {
			if s.elements == nil {
				s.elements = &shape{}
			}
			s.elements.add(element, deep+1)
		}
	case map[string]any:
		s.types["object"] = true
		s.addMembers(value, deep)
	}
}

// bounded is how many parts of a value are looked at.
func bounded(deep, parts int) int {
	if deep >= deepestShape {
		return 0
	}
	return parts
}

func (s *shape) addMembers(object map[string]any, deep int) {
	if s.members == nil {
		s.members, s.counts = map[string]*shape{}, map[string]int{}
	}
	s.objects++
	if deep >= deepestShape || len(s.members) > mostNames {
		return
	}
	for name, member := range object {
		if s.members[name] == nil {
			s.members[name] = &shape{}
		}
		s.members[name].add(member, deep+1)
		s.counts[name]++
	}
}

// schema writes down what is known. Nothing but null says nothing: the sample just had
// no value there.
func (s *shape) schema() map[string]any {
	schema := map[string]any{}
	types := maps.Clone(s.types)
	if types["number"] {
		delete(types, "integer")
	}
	names := slices.Sorted(maps.Keys(types))
	switch {
	case len(names) == 0 || len(names) == 1 && names[0] == "null":
		return schema
	case len(names) == 1:
		schema["type"] = names[0]
	default:
		schema["type"] = names
	}
	if s.elements != nil {
		if items := s.elements.schema(); len(items) > 0 {
			schema["items"] = items
		}
	}
	if len(s.members) == 0 || len(s.members) > mostNames {
		return schema
	}
	properties, required := map[string]any{}, []string{}
	for name, member := range s.members {
		properties[name] = member.schema()
		if s.counts[name] == s.objects {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	schema["properties"] = properties
	if len(required) > 0 {
		schema["required"] = required
	}
	return schema
}
