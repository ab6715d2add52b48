package compat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core/compat"
)

// A stream that had one of these would refuse every event.
func TestASchemaThatTakesNothingIsTold(t *testing.T) {
	t.Parallel()
	for schema, place := range map[string]string{
		`false`:      "schema",
		`{"not":{}}`: "schema/not",
		`{"not":{"type":["object","array","string","number","boolean","null"]}}`: "schema/not",
		`{"type":"string","not":{"type":"string","title":"any"}}`:                "schema/not",
		`{"enum":[]}`:                                                                            "schema/enum",
		`{"enum":["a"],"type":"number"}`:                                                         "schema/enum",
		`{"const":{"a":1},"required":["b"]}`:                                                     "schema/const",
		`{"const":1,"type":"string"}`:                                                            "schema/const",
		`{"const":"ab","maxLength":1}`:                                                           "schema/const",
		`{"allOf":[{"type":"string"},{"type":"number"}]}`:                                        "schema/allOf/1/type",
		`{"$ref":"#/$defs/a","$defs":{"a":false}}`:                                               "schema/$defs/a",
		`{"anyOf":[false,{"type":"string"}],"type":"object"}`:                                    "schema/anyOf",
		`{"oneOf":[{"minimum":3},{"minimum":4}],"maximum":2,"type":"number"}`:                    "schema/oneOf",
		`{"oneOf":[true,{"title":"all"}]}`:                                                       "schema/oneOf",
		`{"allOf":[{"minimum":5},{"maximum":4}],"type":"number"}`:                                "schema/allOf/0/minimum",
		`{"type":"integer","exclusiveMinimum":1,"exclusiveMaximum":2}`:                           "schema/exclusiveMinimum",
		`{"type":"integer","minimum":1.2,"maximum":1.8}`:                                         "schema/minimum",
		`{"type":"string","allOf":[{"minLength":3},{"maxLength":2}]}`:                            "schema/allOf/0/minLength",
		`{"type":"array","items":false,"minItems":1}`:                                            "schema/minItems",
		`{"type":"array","prefixItems":[{"const":1},{"type":"string","enum":[2]}],"minItems":2}`: "schema/minItems",
		`{"type":"array","contains":false}`:                                                      "schema/contains",
		`{"type":"object","required":["a"],"properties":{"a":false}}`:                            "schema/required",
		`{"type":"object","required":["a"],"additionalProperties":false}`:                        "schema/required",
		`{"type":"object","required":["a","b"],"maxProperties":1}`:                               "schema/required",
		`{"type":"object","required":["a"],"properties":{"a":{"type":"object","required":["b"],"properties":{"b":{"enum":[1],"type":"string"}}}}}`: "schema/required",
		`{"type":"object","minProperties":2,"properties":{"a":{}},"additionalProperties":false}`:                                                   "schema/minProperties",
		`{"type":"object","required":["next"],"properties":{"next":{"$ref":"#"}}}`:                                                                 "schema/required",
		`{"type":["object","string"],"minLength":2,"maxLength":1,"required":["a"],"properties":{"a":false}}`:                                       "schema/required",
	} {
		why, empty := compat.Empty([]byte(schema))
		require.True(t, empty, schema)
		require.Equal(t, place, why.Place, schema)
		require.NotEmpty(t, why.Reason, schema)
	}
}

// Of these, each takes something, though much of it takes nothing.
func TestASchemaThatTakesSomethingIsNotCalledEmpty(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		`true`, `{}`, `{"properties":{"a":false}}`, `{"required":["a"],"properties":{"a":false}}`, `{"type":"array","items":false}`,
		`{"type":"array","contains":false,"minContains":0}`, `{"anyOf":[false,true]}`, `{"oneOf":[{"type":"integer"},{"type":"number"}]}`,
		`{"not":{"type":"string"}}`, `{"not":{"minLength":1}}`, `{"type":["integer","null"],"minimum":2,"maximum":1}`,
		`{"type":"number","exclusiveMinimum":1,"exclusiveMaximum":2}`, `{"type":"integer","minimum":2,"exclusiveMaximum":2.5}`,
		`{"type":"object","properties":{"next":{"$ref":"#"}}}`, `{"enum":[1,"a"],"type":"string"}`,
		`{"type":"object","required":["next"],"properties":{"next":{"anyOf":[{"type":"null"},{"$ref":"#"}]}}}`,
		`{"if":true,"then":false}`, `{"$schema":"http://json-schema.org/draft-04/schema#","not":{}}`,
	} {
		_, empty := compat.Empty([]byte(schema))
		require.False(t, empty, schema)
	}
}

// Schemas that are made to take long are given up.
func TestALookIsBounded(t *testing.T) {
	t.Parallel()
	schema := `{"type":"object"}`
	for range 12 {
		schema = `{"anyOf":[` + schema + `,{"oneOf":[` + schema + `,{"type":"null"}]}]}`
	}
	_, empty := compat.Empty([]byte(schema))
	require.False(t, empty)
	deep := strings.Repeat(`{"type":"object","required":["a"],"properties":{"a":`, 2000) + "false" + strings.Repeat("}}", 2000)
	_, empty = compat.Empty([]byte(deep))
	require.False(t, empty)
}
