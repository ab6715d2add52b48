package jsonschema_test

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/compat"
)

// anySchema makes schemas of few words, so that two of them often have to do with each
// other.
func anySchema(deep int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		if rapid.IntRange(0, 9).Draw(t, "bool") == 0 {
			return rapid.Bool().Draw(t, "all")
		}
		schema := map[string]any{}
		for range rapid.IntRange(0, 4).Draw(t, "keywords") {
			name, value := anyKeyword(t, deep)
			schema[name] = value
		}
		return schema
	})
}

func small(t *rapid.T) int { return rapid.IntRange(0, 3).Draw(t, "bound") }

func anyKeyword(t *rapid.T, deep int) (string, any) {
	plain := map[string]func() any{
		"type": func() any {
			types := rapid.SliceOfNDistinct(rapid.SampledFrom([]any{"null", "boolean", "integer", "number", "string", "array", "object"}), 1, 3, rapid.ID).Draw(t, "types")
			if len(types) == 1 {
				return types[0]
			}
			return types
		},
		"enum":    func() any { return rapid.SliceOfN(anyValue(1), 1, 3).Draw(t, "enum") },
		"const":   func() any { return anyValue(1).Draw(t, "const") },
		"minimum": func() any { return small(t) }, "maximum": func() any { return small(t) },
		"exclusiveMinimum": func() any { return small(t) }, "exclusiveMaximum": func() any { return small(t) },
		"multipleOf": func() any { return rapid.SampledFrom([]any{1, 2, 4, 0.5}).Draw(t, "multiple") },
		"minLength":  func() any { return small(t) }, "maxLength": func() any { return small(t) },
		"pattern":  func() any { return rapid.SampledFrom([]any{"a", "^b"}).Draw(t, "pattern") },
		"format":   func() any { return rapid.SampledFrom([]any{"date", "ipv4"}).Draw(t, "format") },
		"minItems": func() any { return small(t) }, "maxItems": func() any { return small(t) },
		"uniqueItems":   func() any { return rapid.Bool().Draw(t, "unique") },
		"minProperties": func() any { return small(t) }, "maxProperties": func() any { return small(t) },
		"required":          func() any { return rapid.SliceOfNDistinct(key, 0, 2, rapid.ID).Draw(t, "required") },
		"dependentRequired": func() any { return map[string]any{key.Draw(t, "trigger"): []any{key.Draw(t, "needed")}} },
		"$ref":              func() any { return rapid.SampledFrom([]any{"#/$defs/one", "#/$defs/two"}).Draw(t, "ref") },
	}
	one := func() any { return anySchema(deep-1).Draw(t, "schema") }
	several := func() any { return rapid.SliceOfN(anySchema(deep-1), 1, 3).Draw(t, "schemas") }
	named := func() any { return rapid.MapOfN(key, anySchema(deep-1), 0, 2).Draw(t, "members") }
	nested := map[string]func() any{
		"properties": named, "additionalProperties": one, "items": one, "prefixItems": several, "anyOf": several, "oneOf": several,
		"allOf": several, "not": one, "contains": one, "if": one, "then": one, "else": one, "propertyNames": one, "unevaluatedProperties": one,
		"dependentSchemas": named, "unevaluatedItems": one,
		"patternProperties": func() any {
			return map[string]any{rapid.SampledFrom([]string{"a", "^b", "."}).Draw(t, "pattern"): one()}
		},
	}
	all := plain
	if deep > 0 && rapid.Bool().Draw(t, "nested") {
		all = nested
	}
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	name := rapid.SampledFrom(sortedTexts(names)).Draw(t, "keyword")
	return name, all[name]()
}

var key = rapid.SampledFrom([]string{"a", "b", "c"})

// anyValue makes values that such schemas tell apart.
func anyValue(deep int) *rapid.Generator[any] {
	scalars := rapid.SampledFrom([]any{nil, true, false, 0, 1, 2, 3, 4, 0.5, 1.5, -1, "", "a", "b", "ab", "bcd", "2026-01-31", "192.0.2.1"})
	if deep == 0 {
		return scalars
	}
	return rapid.OneOf(scalars,
		rapid.Map(rapid.SliceOfN(anyValue(deep-1), 0, 3), func(all []any) any { return append([]any{}, all...) }),
		rapid.Map(rapid.MapOfN(key, anyValue(deep-1), 0, 3), func(all map[string]any) any { return all }))
}

// mutated changes one keyword, so that the two schemas are much alike.
func mutated(t *rapid.T, schema any) any {
	object, is := schema.(map[string]any)
	if !is {
		return anySchema(1).Draw(t, "other")
	}
	next := map[string]any{}
	maps.Copy(next, object)
	for range rapid.IntRange(0, 2).Draw(t, "changes") {
		if len(next) > 0 && rapid.Bool().Draw(t, "drop") {
			names := make([]string, 0, len(next))
			for name := range next {
				names = append(names, name)
			}
			delete(next, rapid.SampledFrom(sortedTexts(names)).Draw(t, "dropped"))
			continue
		}
		name, value := anyKeyword(t, 1)
		next[name] = value
	}
	return next
}

// complete adds what references lead to.
func complete(t *rapid.T, schema, one, two any) []byte {
	if object, is := schema.(map[string]any); is {
		with := map[string]any{"$defs": map[string]any{"one": one, "two": two}}
		maps.Copy(with, object)
		schema = with
	}
	text, err := json.Marshal(schema)
	require.NoError(t, err)
	return text
}

func TestWhatIsCalledCompatibleIs(t *testing.T) {
	t.Parallel()
	compiler, proved, told := jsonschema.New(), 0, 0
	rapid.Check(t, func(t *rapid.T) {
		former := anySchema(2).Draw(t, "former")
		next := mutated(t, former)
		if rapid.IntRange(0, 3).Draw(t, "alike") == 0 {
			next = anySchema(2).Draw(t, "next")
		}
		one, two := anySchema(1).Draw(t, "one"), anySchema(1).Draw(t, "two")
		narrow, wide := complete(t, former, one, two), complete(t, next, one, mutated(t, two))
		takesOld, err := compiler.Reopen(narrow)
		if err != nil {
			return
		}
		takesNew, err := compiler.Reopen(wide)
		if err != nil || len(compat.Covers(wide, narrow)) > 0 {
			return
		}
		proved++
		values := rapid.SliceOfN(anyValue(2), 30, 30).Draw(t, "values")
		for _, value := range values {
			payload, err := json.Marshal(value)
			require.NoError(t, err)
			if takesOld.Validate(payload, unbounded(t)) == nil {
				told++
				require.NoErrorf(t, takesNew.Validate(payload, unbounded(t)), "%s fits the narrow schema and not the wide one:\nnarrow %s\nwide   %s", payload, narrow, wide)
			}
		}
	})
	t.Logf("proved %d pairs and held %d values to them", proved, told)
	require.Positive(t, told)
}

// What is called empty takes nothing: a stream could never use a schema that was refused
// in error.
func TestWhatIsCalledEmptyIs(t *testing.T) {
	t.Parallel()
	compiler, empties := jsonschema.New(), 0
	rapid.Check(t, func(t *rapid.T) {
		schema := complete(t, anySchema(2).Draw(t, "schema"), anySchema(1).Draw(t, "one"), anySchema(1).Draw(t, "two"))
		compiled, err := compiler.Reopen(schema)
		if err != nil {
			return
		}
		if _, empty := compat.Empty(schema); !empty {
			return
		}
		empties++
		_, err = compiler.Compile(schema)
		require.Error(t, err)
		for _, value := range rapid.SliceOfN(anyValue(2), 30, 30).Draw(t, "values") {
			payload, err := json.Marshal(value)
			require.NoError(t, err)
			require.Errorf(t, compiled.Validate(payload, unbounded(t)), "%s fits %s", payload, schema)
		}
	})
	t.Logf("held values to %d schemas", empties)
}

func unbounded(*rapid.T) *core.Budget {
	return core.NewBudget(context.Background(), core.EvaluationSteps, nil)
}

func sortedTexts(texts []string) []string {
	slices.Sort(texts)
	return texts
}
