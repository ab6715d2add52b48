package jsonschema

import (
	"errors"
	"maps"
	"slices"
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
	patterns: patternLimits{text: 4096, program: 10_000, programs: 50_000},
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
	patterns           *patterns
}

// check refuses a document that is beyond the limits. It compiles what may be a
// pattern, so that the first that is too large ends it: the library would go on and
// try them all.
func (l allowance) check(document any, patterns *patterns) error {
	m := &measure{limits: l, detoured: map[string]bool{}, patterns: patterns}
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
		for _, name := range slices.Sorted(maps.Keys(value)) { // every refusal the same
			if err := m.member(append(path, name), length, name, value[name]); err != nil {
				return err
			}
		}
	}
	return nil
}

// member counts a member of an object whose place has so many bytes.
func (m *measure) member(path []string, length int, name string, member any) error {
	switch member := member.(type) {
	case string:
		return m.text(path, name, member)
	case map[string]any:
		if name != "patternProperties" {
			break
		}
		for _, key := range slices.Sorted(maps.Keys(member)) {
			if err := m.pattern(path, key); err != nil {
				return err
			}
		}
	}
	return m.value(path, length+1+len(name), member)
}

// pattern refuses a pattern that is too large. What is wrong with it otherwise the
// library says, if it is one.
func (m *measure) pattern(path []string, text string) error {
	var large patternSizeError
	if _, err := m.patterns.compile(text); errors.As(err, &large) {
		return core.Invalid(schemaPath(path), "the pattern %q %s", cut(text, maxReason/3), string(large))
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
	case "pattern":
		return m.pattern(path, text)
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
