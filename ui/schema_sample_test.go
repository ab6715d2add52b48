package ui

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/core"
)

// What the dashboard offers to send is taken by the stream as it is.
func TestASampleFitsItsSchema(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{}`: `{}`,
		`{"type":"object","required":["id","n"],"properties":{"id":{"type":"string"},"n":{"type":"integer"},"note":{"type":"string"}}}`: `{"id":"text","n":1}`,
		`{"properties":{"at":{"type":"string","format":"date-time"},"on":{"type":"boolean"}}}`:                                          `{"at":"2026-01-31T12:00:00Z","on":true}`,
		`{"type":"object","required":["x"]}`:                               `{"x":"text"}`,
		`{"type":"array","items":{"enum":["a","b"]},"minItems":2}`:         `["a","a"]`,
		`{"type":"array","items":{"type":"number"}}`:                       `[]`,
		`{"type":"string","minLength":6,"maxLength":6}`:                    `"textxx"`,
		`{"type":"string","maxLength":2}`:                                  `"te"`,
		`{"type":"number","minimum":10,"maximum":12}`:                      `10`,
		`{"type":"number","exclusiveMinimum":0,"maximum":0.5}`:             `0.5`,
		`{"type":"integer","maximum":-3}`:                                  `-3`,
		`{"type":"integer","minimum":7,"multipleOf":5}`:                    `10`,
		`{"type":["null","string"]}`:                                       `null`,
		`{"const":{"a":[1]}}`:                                              `{"a":[1]}`,
		`{"anyOf":[{"type":"string"},{"type":"number"}]}`:                  `"text"`,
		`{"properties":{"a":{"properties":{"b":{"type":"boolean"}}}}}`:     `{"a":{"b":true}}`,
		`{"required":["kind"],"properties":{"kind":{"default":"refund"}}}`: `{"kind":"refund"}`,
	} {
		sample, ok := sampleOf([]byte(schema))
		require.True(t, ok, schema)
		require.JSONEq(t, want, string(sample), schema)
		compiled, err := jsonschema.New().Compile([]byte(schema))
		require.NoError(t, err, schema)
		require.NoError(t, compiled.Validate(sample, core.NewBudget(t.Context(), core.EvaluationSteps, nil)), schema)
	}
	for _, none := range []string{"", "null", "[]", "nonsense"} {
		_, ok := sampleOf([]byte(none))
		require.False(t, ok, none)
	}
}
