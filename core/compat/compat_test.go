package compat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core/compat"
)

// The changes that people make to schemas, seen from the values of the schema before.
func TestOrdinaryChangesAreTold(t *testing.T) {
	t.Parallel()
	const order = `{"type":"object","properties":{"id":{"type":"string"},"n":{"type":"integer","minimum":1}},"required":["id","n"]`
	for _, c := range []struct {
		name, before, after string
		// fault is the place and the demand, "" where the change is compatible.
		fault string
	}{
		{"nothing", order + `}`, ` ` + order + `, "title":"Order"}`, ""},
		{"a member becomes optional", order + `}`, strings.Replace(order, `"id",`, "", 1) + `}`, ""},
		{"a member becomes required", strings.Replace(order, `"id",`, "", 1) + `}`, order + `}`, `schema/required: the member "id"`},
		{"a type is widened", `{"type":"integer"}`, `{"type":["number","null"]}`, ""},
		{"a type is narrowed", `{"type":"number"}`, `{"type":"integer"}`, `schema/type: type "integer"`},
		{"a bound is loosened", `{"minimum":2,"maxLength":3}`, `{"minimum":1,"maxLength":4}`, ""},
		{"a bound is tightened", order + `}`, strings.Replace(order, `"minimum":1`, `"minimum":2`, 1) + `}`, `schema/properties/n/minimum: minimum 2`},
		{"a value is added", `{"enum":["a","b"]}`, `{"enum":["a","b","c"]}`, ""},
		{"a value is removed", `{"enum":["a","b"]}`, `{"enum":["a"]}`, `schema: a value other than "b"`},
		{
			"an optional member is added to what is closed", order + `,"additionalProperties":false}`,
			strings.Replace(order, `"properties":{`, `"properties":{"note":{"type":"string"},`, 1) + `,"additionalProperties":false}`, "",
		},
		{
			"an optional member is added to what is open", order + `}`, strings.Replace(order, `"properties":{`, `"properties":{"note":{"type":"string"},`, 1) + `}`,
			`schema/properties/note/type: type "string"`,
		},
		{"what was open is closed", order + `}`, order + `,"additionalProperties":false}`, "schema/additionalProperties: that there is nothing here"},
		{
			"what was named is bounded", `{"properties":{"a":{"type":"integer"}},"additionalProperties":{"type":"string"}}`, `{"additionalProperties":{"type":"string"}}`,
			`schema/additionalProperties/type: type "string"`,
		},
		{"a pattern stays", `{"type":"string","pattern":"^a"}`, `{"type":"string","pattern":"^a","minLength":0}`, ""},
		{"a pattern is another one", `{"type":"string","pattern":"^a$"}`, `{"type":"string","pattern":"a"}`, `schema/pattern: pattern "a" ?`},
		{"one becomes one of several", `{"type":"string"}`, `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, ""},
		{"several become fewer", `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `{"type":"string"}`, `schema/type: type "string"`},
		{"kinds are told apart by oneOf", `{"type":["string","integer"]}`, `{"oneOf":[{"type":"string"},{"type":"number"}]}`, ""},
		{
			"a tree", `{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"next":{"$ref":"#/$defs/t"},"n":{"const":1}}}}}`,
			`{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"next":{"$ref":"#/$defs/node"},"n":{"minimum":0}}}}}`, "",
		},
		{
			"a tree that is another one inside", `{"$ref":"#/$defs/t","$defs":{"t":{"properties":{"next":{"$ref":"#/$defs/t"},"n":{"type":"string"}}}}}`,
			`{"$ref":"#/$defs/t","$defs":{"t":{"properties":{"next":{"$ref":"#/$defs/t"},"n":{"type":"null"}}}}}`, `schema/$defs/t/properties/n/type: type "null"`,
		},
		{"a tuple grows", `{"type":"array","prefixItems":[{"type":"string"}],"items":false}`, `{"prefixItems":[{"type":"string"},{"type":"null"}]}`, ""},
		{"elements are narrowed", `{"items":{"type":"number"}}`, `{"items":{"type":"integer"}}`, `schema/items/type: type "integer"`},
		{
			"draft 7 hides what stands beside $ref", `{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"s":{}},"$ref":"#/definitions/s","type":"string"}`,
			`{"type":"string"}`, `schema/type: type "string"`,
		},
		{"a draft that is not compared", `{"$schema":"http://json-schema.org/draft-04/schema#"}`, `{}`, `schema: the draft http://json-schema.org/draft-04/schema, whose schemas are not compared ?`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			faults := compat.Covers([]byte(c.after), []byte(c.before))
			if c.fault == "" {
				require.Empty(t, faults)
				return
			}
			require.NotEmpty(t, faults)
			text := faults[0].Wide + ": " + faults[0].Demand
			if faults[0].Unproved {
				text += " ?"
			}
			require.Equal(t, c.fault, text)
		})
	}
}

// Schemas that are made to take long are given up.
func TestAProofIsBounded(t *testing.T) {
	t.Parallel()
	narrow, wide := `{"type":"object"}`, `{"type":"object"}`
	for range 12 {
		narrow = `{"anyOf":[` + narrow + `,{"type":"array","items":` + narrow + `}]}`
		wide = `{"oneOf":[` + wide + `,{"not":` + wide + `}]}`
	}
	require.NotEmpty(t, compat.Covers([]byte(wide), []byte(narrow)))
	deep := func(inside string) []byte {
		return []byte(strings.Repeat(`{"properties":{"a":`, 2000) + inside + strings.Repeat(`}}`, 2000))
	}
	require.NotEmpty(t, compat.Covers(deep(`{"minimum":1}`), deep(`{"minimum":2}`)))
}
