package jsonschema

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// allowance bounds what compiling a schema takes, and what it may cost on one value. They
// are looked at before the library gets a document, as far as the document tells: its
// compiler takes time by the square of what is counted here.
type allowance struct {
	// schemas is how many objects and booleans a document may have. Each may be a
	// schema.
	schemas int
	// places is how many bytes the places of these may have together. The compiler
	// keeps the place of each schema, written out from the root.
	places int
	// addresses is how many identifiers a document may have, and address the bytes of
	// each, and of each reference.
	addresses, address int
	// detours is how many references to places where no keyword has a schema a
	// document may have, times its schemas. The compiler copies all it knows for each.
	detours  int
	patterns patternLimits
	// perValue is how many schemas may be evaluated on one value, and deep how many
	// within each other. Zero leaves both to the budget.
	perValue, deep int
}

// forNew hold for a schema that somebody sets.
var forNew = allowance{
	schemas: 6000, places: 4 << 20, addresses: 100, address: 2048, detours: 200_000,
	patterns: patternLimits{text: 4096, program: 10_000, programs: 100_000},
	perValue: 20_000, deep: 500,
}

// forStored hold for a schema that is stored already. Earlier versions had no limits,
// so these leave room for whatever somebody may have meant, and bound what opening a
// stream takes.
var forStored = allowance{
	schemas: 15_000, places: 16 << 20, addresses: 500, address: 8192, detours: 2_000_000,
	patterns: patternLimits{text: 32 << 10, program: 100_000, programs: 400_000},
}

// measure counts what a document has.
type measure struct {
	limits             allowance
	schemas, places    int
	addresses, detours int
	detoured           map[string]bool
	oldDraft           bool
}

// check refuses a document that is beyond the limits.
func (l allowance) check(document any) error {
	m := &measure{limits: l, detoured: map[string]bool{}}
	if object, is := document.(map[string]any); is {
		dialect, _ := object["$schema"].(string)
		m.oldDraft = strings.Contains(dialect, "/draft-0")
	}
	if err := m.value(nil, 0, document); err != nil {
		return err
	}
	if m.detours*m.schemas > l.detours {
		return core.Invalid("schema", "has %d references to places where no keyword has a schema; move what they refer to below $defs or, before draft 2019-09, definitions", m.detours)
	}
	return nil
}

// value counts a value. length is the length of its place as it is written out.
func (m *measure) value(path []string, length int, value any) error {
	switch value := value.(type) {
	case bool:
		return m.schema(path, length)
	case []any:
		for i, element := range value {
			index := strconv.Itoa(i)
			if err := m.value(append(path, index), length+1+len(index), element); err != nil {
				return err
			}
		}
	case map[string]any:
		if err := m.schema(path, length); err != nil {
			return err
		}
		for name, member := range value {
			if text, is := member.(string); is {
				if err := m.text(append(path, name), name, text); err != nil {
					return err
				}
				continue
			}
			if _, number := member.(json.Number); number {
				continue
			}
			if err := m.value(append(path, name), length+1+len(name), member); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *measure) schema(path []string, length int) error {
	if m.schemas++; m.schemas > m.limits.schemas {
		return core.Invalid("schema", "has more than %d schemas; split the stream by event type, or say the same with fewer", m.limits.schemas)
	}
	if m.places += length; m.places > m.limits.places {
		return core.Invalid(schemaPath(path), "the names on the way to the schemas have more than %d bytes together; move what is far down below $defs, or use shorter names", m.limits.places)
	}
	return nil
}

// text counts what refers and what is referred to.
func (m *measure) text(path []string, name, text string) error {
	switch name {
	case "$id", "id", "$anchor", "$dynamicAnchor", "$schema", "$ref", "$dynamicRef", "$recursiveRef":
		if len(text) > m.limits.address {
			return core.Invalid(schemaPath(path), "must have at most %d bytes", m.limits.address)
		}
	}
	switch name {
	case "$id", "id":
		if m.addresses++; m.addresses > m.limits.addresses {
			return core.Invalid(schemaPath(path), "there are more than %d identifiers; refer by the place instead: #/$defs/…", m.limits.addresses)
		}
	case "$ref", "$dynamicRef", "$recursiveRef":
		if _, fragment, _ := strings.Cut(text, "#"); !m.detoured[fragment] && !m.leadsToSchema(fragment) {
			m.detoured[fragment] = true
			m.detours++
		}
	}
	return nil
}

// leadsToSchema reports whether a fragment is a name, or goes from keyword to keyword
// that have schemas.
func (m *measure) leadsToSchema(fragment string) bool {
	if !strings.HasPrefix(fragment, "/") {
		return true
	}
	steps := strings.Split(fragment[1:], "/")
	for i := 0; i < len(steps); i++ {
		switch steps[i] {
		case "$defs", "dependentSchemas":
			if m.oldDraft {
				return false
			}
			i++
		case "definitions", "properties", "patternProperties", "dependencies", "allOf", "anyOf", "oneOf", "prefixItems":
			i++
		case "items":
			if i+1 < len(steps) && isIndex(steps[i+1]) {
				i++
			}
		case "not", "if", "then", "else", "contains", "propertyNames", "additionalItems", "additionalProperties",
			"unevaluatedItems", "unevaluatedProperties", "contentSchema":
		default:
			return false
		}
	}
	return true
}

func isIndex(step string) bool {
	_, err := strconv.Atoi(step)
	return err == nil
}
