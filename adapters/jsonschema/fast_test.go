package jsonschema

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// compile takes schemas that no value fits, too: some are made at random.
func compile(t require.TestingT, schema string) *schemaValidator {
	compiled, err := New().Reopen([]byte(schema))
	require.NoError(t, err, schema)
	return compiled.(*schemaValidator)
}

// budget is what one payload gets.
func budget() *core.Budget {
	return core.NewBudget(context.Background(), core.EvaluationSteps, nil)
}

// A sample is a schema that a node has all keywords of, and documents that fit
// it plainly.
type sample struct {
	schema map[string]any
	fits   func(t *rapid.T) string
}

func (s sample) text() string {
	text, err := json.Marshal(s.schema)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// fixed are samples of scalars: the keywords, and documents that fit.
var fixed = []struct {
	schema string
	fits   []string
}{
	{`{"type":"string"}`, []string{`""`, `"a"`, `"\n\u00e9\ud83d\ude00\"\\"`}},
	{`{"type":"string","minLength":1,"maxLength":3}`, []string{`"a"`, `"日本語"`, `"😀😀😀"`, `"\ud83d\ude00bc"`, `"\"\\\/"`}},
	{`{"minLength":2}`, []string{`"ab"`, `"\u00e9\u00e9"`, `1`, `null`, `[]`}},
	{`{"type":"string","pattern":"^[a-zé]+$"}`, []string{`"abc"`, `"é"`, `"\u00e9"`}},
	{`{"pattern":"b.*d"}`, []string{`"abcde"`, `false`}},
	{`{"enum":["a","b\n",1,2.50,null,true,{"a":1}]}`, []string{`"a"`, `"\u0062\n"`, `1`, `1.0`, `25e-1`, `null`, `true`}},
	{`{"const":"x"}`, []string{`"x"`, `"\u0078"`}},
	{`{"const":100,"enum":[100,1]}`, []string{`100`, `1e2`, `100.00`}},
	{`{"const":false}`, []string{`false`}},
	{`{"type":["null","integer"]}`, []string{`null`, `-0`, `12345678901234567890`, `1.0`, `1e2`, `10.5e1`}},
	{`{"type":"integer","minimum":-3,"maximum":30}`, []string{`-3`, `0`, `30`, `3e1`, `-0.0`}},
	{`{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1.5}`, []string{`0.000000000000001`, `1.49`, `1`, `1E-15`}},
	{`{"minimum":0.1,"exclusiveMaximum":1e18}`, []string{`0.1`, `0.10`, `1e-1`, `999999999999999`, `"0"`}},
	{`{"type":"number"}`, []string{`1.5`, `-12.75e-3`, `123456789012345678901234567890.5`}},
	{`{"type":"boolean"}`, []string{`true`, `false`}},
	{`{"type":["boolean","string"],"enum":[true,"t"]}`, []string{`true`, `"t"`}},
	{`{"format":"date-time"}`, []string{`"2026-02-28T23:59:59Z"`, `"2024-02-29T00:00:00.123+05:30"`, `"1999-12-31t23:59:60z"`, `0`}},
	{`{"format":"date"}`, []string{`"2026-01-31"`, `"0000-01-01"`, `"2024-02-29"`}},
	{`{"type":"string","format":"uuid"}`, []string{`"00000000-0000-7000-8000-00000000Aaff"`}},
	{`{"type":"string","format":"email"}`, []string{`"a.b_c+d@ex-ample.org"`, `"\"q q\"@example.org"`, `"x@y"`}},
	{`{"type":"string","format":"uri"}`, []string{`"https://example.org/a?b=c"`, `"urn:x:y"`}},
	{`{"type":"string","format":"ipv4"}`, []string{`"127.0.0.1"`}},
	{`{"type":"string","format":"who-knows"}`, []string{`"x"`}},
	{`{"title":"t","description":"d","default":1,"examples":[2],"$comment":"c","deprecated":true}`, []string{`{"a":[{}]}`, `[]`}},
}

// space is what may stand between tokens.
func space(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", " ", "\n\t\r "}).Draw(t, "space")
}

func samples(depth int) *rapid.Generator[sample] {
	return rapid.Custom(func(t *rapid.T) sample {
		switch kind := rapid.IntRange(0, 3).Draw(t, "kind"); {
		case depth > 0 && kind == 0:
			return arrays(t, depth)
		case depth > 0 && kind < 3:
			return objects(t, depth)
		}
		choice := rapid.SampledFrom(fixed).Draw(t, "scalar")
		s := sample{fits: func(t *rapid.T) string { return rapid.SampledFrom(choice.fits).Draw(t, "value") }}
		if err := json.Unmarshal([]byte(choice.schema), &s.schema); err != nil {
			panic(choice.schema)
		}
		return s
	})
}

func arrays(t *rapid.T, depth int) sample {
	items := samples(depth-1).Draw(t, "items")
	low, high := rapid.IntRange(0, 2).Draw(t, "minItems"), rapid.IntRange(2, 4).Draw(t, "maxItems")
	return sample{
		schema: map[string]any{"type": "array", "items": items.schema, "minItems": low, "maxItems": high},
		fits: func(t *rapid.T) string {
			var b strings.Builder
			b.WriteString("[" + space(t))
			for i := range rapid.IntRange(low, high).Draw(t, "length") {
				if i > 0 {
					b.WriteString("," + space(t))
				}
				b.WriteString(items.fits(t) + space(t))
			}
			return b.String() + "]"
		},
	}
}

var names = []string{"a", "b", "é", "a b", `"`, "long_name_of_a_property", ""}

func objects(t *rapid.T, depth int) sample {
	listed := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 4, rapid.ID).Draw(t, "names")
	rest := samples(depth-1).Draw(t, "rest")
	properties, members := map[string]any{}, map[string]sample{}
	for _, name := range listed {
		members[name] = samples(depth-1).Draw(t, "property")
		properties[name] = members[name].schema
	}
	schema := map[string]any{"type": []any{"object", "null"}, "properties": properties, "maxProperties": 6}
	required := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 0, 3, rapid.ID).Draw(t, "required")
	switch rapid.IntRange(0, 3).Draw(t, "additional") {
	case 0:
		schema["additionalProperties"] = false
		required = slices.DeleteFunc(required, func(name string) bool { return !slices.Contains(listed, name) })
	case 1:
		schema["additionalProperties"] = rest.schema
	case 2:
		schema["additionalProperties"] = true
	}
	schema["required"], schema["minProperties"] = required, len(required)
	for _, name := range required {
		if _, ok := members[name]; !ok {
			members[name] = rest
		}
	}
	return sample{schema: schema, fits: func(t *rapid.T) string { return fitting(t, members, required) }}
}

// fitting writes an object of some members in some order.
func fitting(t *rapid.T, members map[string]sample, required []string) string {
	keys := rapid.Permutation(slices.Sorted(maps.Keys(members))).Draw(t, "order")
	var parts []string
	for _, key := range keys {
		if len(parts) >= 6 || !slices.Contains(required, key) && rapid.IntRange(0, 3).Draw(t, "left out") == 0 {
			continue
		}
		name, _ := json.Marshal(key)
		if key == "a" && rapid.Bool().Draw(t, "escaped") {
			name = []byte(`"\u0061"`)
		}
		parts = append(parts, space(t)+string(name)+space(t)+":"+space(t)+members[key].fits(t)+space(t))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// token finds the scalars and the keys of a document.
var token = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null`)

// odd is what a mutation puts in the place of a scalar.
var odd = []string{
	`"a"`, `""`, `"b"`, `"\u0062\n"`, `"abcd"`, `"日本語語"`, `"\ud83d\ude00\ud83d\ude00\ud83d\ude00\ud83d\ude00"`, `"\ud83d\ude00"`,
	`1`, `-1`, `0`, `-0`, `1.5`, `1.50`, `2.5`, `1e2`, `1E+2`, `100.0`, `31`, `30.000`, `30.0000000000000000001`, `1e18`, `1000000000000000000`,
	`999999999999999999`, `-4`, `-3.0`, `0.1`, `0.09999999999999999999`, `0.0000000000000001`, `1e-16`, `1e-400`, `1.5e300`, `1e-401`, `0e999`,
	`-1000000000000000`, `1234567890123456`, `true`, `false`, `null`, `[]`, `{}`, `[1]`, `{"a":1}`, `{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7}`,
	`"2026-02-29T00:00:00Z"`, `"2026-02-28T24:00:00Z"`, `"2026-02-28T00:00:60Z"`, `"2026-02-28T00:00:00.Z"`, `"2026-02-28T00:00:00+24:00"`,
	`"2026-13-01"`, `"2026-02-30"`, `"00000000-0000-7000-8000-00000000000g"`, `"000000000000-7000-8000-0000-00000000"`,
	`"a..b@x"`, `"a@-x"`, `"a@x."`, `"@x"`, `"a@b_c"`, `"a@b@c"`, `"http://[::1"`, `"256.0.0.1"`, `"("`,
}

func mutated(t *rapid.T, document string) string {
	for range rapid.IntRange(1, 3).Draw(t, "mutations") {
		places := token.FindAllStringIndex(document, -1)
		if len(places) == 0 {
			return rapid.SampledFrom(odd).Draw(t, "document")
		}
		place := rapid.SampledFrom(places).Draw(t, "place")
		with := rapid.SampledFrom(odd).Draw(t, "with")
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0: // one more, or two
			with = document[place[0]:place[1]] + "," + with
		case 1: // a member more
			with = fmt.Sprintf(`%s:%s,%s`, rapid.SampledFrom([]string{`"z"`, `"b"`, `"\u0062"`}).Draw(t, "key"), with, document[place[0]:place[1]])
		}
		document = document[:place[0]] + with + document[place[1]:]
	}
	return document
}

// What the fast path takes, the full validator takes.
func TestFastTakesNothingElse(t *testing.T) {
	t.Parallel()
	taken, left := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		s := samples(3).Draw(t, "schema")
		v := compile(t, s.text())
		for range 20 {
			document := mutated(t, s.fits(t))
			if eventjson.ValidJSON([]byte(document)) != nil {
				continue
			}
			if !v.fast.takes([]byte(document)) {
				left++
				continue
			}
			taken++
			require.NoError(t, v.decide([]byte(document), budget()), "%s\n%s", s.text(), document)
		}
	})
	require.NotZero(t, taken)
	require.NotZero(t, left)
}

// What is plainly valid does not need the full validator.
func TestFastTakesWhatIsPlain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := samples(3).Draw(t, "schema")
		v := compile(t, s.text())
		require.NotNil(t, v.fast, s.text())
		document := s.fits(t)
		require.NoError(t, v.decide([]byte(document), budget()), "%s\n%s", s.text(), document)
		require.True(t, v.fast.takes([]byte(document)), "%s\n%s", s.text(), document)
	})
}

// Each scalar's schema against every scalar there is, in every run.
func TestFastOnScalars(t *testing.T) {
	t.Parallel()
	documents := slices.Clone(odd)
	for _, s := range fixed {
		documents = append(documents, s.fits...)
	}
	for _, s := range fixed {
		v := compile(t, s.schema)
		require.NotNil(t, v.fast, s.schema)
		for _, document := range documents {
			if v.fast.takes([]byte(document)) {
				require.NoError(t, v.decide([]byte(document), budget()), "%s\n%s", s.schema, document)
			}
		}
		for _, document := range s.fits {
			require.True(t, v.fast.takes([]byte(document)), "%s\n%s", s.schema, document)
		}
	}
}

func TestCertainFormats(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"date-time": "2026-02-28T23:59:59.12+01:59", "date": "2026-12-28",
		"uuid": "0123456f-0000-7000-8000-00000000Aaff", "email": "a.b-c@ex-ample.org",
	}
	for name, text := range good {
		v := compile(t, `{"format":"`+name+`"}`)
		format := v.fast.format
		require.True(t, format.certain([]byte(text)), text)
		// Each change of one or two characters, also to what is not a character of it.
		const signs = "0123456789.-:+TZtz@_aAfFgG /`{é\x00\u2002"
		for i := range len(text) + 1 {
			for sign := range strings.SplitSeq(signs, "") {
				tail := text[min(i+1, len(text)):]
				for _, changed := range []string{text[:i] + sign + tail, text[:i] + sign + sign + tail, text[:i] + tail, text[:i] + sign} {
					if format.certain([]byte(changed)) {
						require.NoError(t, format.decide(changed), changed)
					}
				}
			}
		}
	}
}

func TestFastLeavesOtherKeywordsAlone(t *testing.T) {
	t.Parallel()
	many, err := json.Marshal(map[string]any{"required": strings.Split(strings.Repeat("x", 65), "")})
	require.NoError(t, err)
	for i, schema := range []string{
		`{"$ref":"#/$defs/a","$defs":{"a":{}}}`, `{"properties":{"b":{"$dynamicRef":"#a"}},"$dynamicAnchor":"a"}`, `{"allOf":[{}]}`, `{"anyOf":[{}]}`,
		`{"oneOf":[{}]}`, `{"not":false}`, `{"if":{}}`, `{"if":{},"then":{}}`, `{"multipleOf":2}`, `{"uniqueItems":true}`, `{"contains":{}}`,
		`{"prefixItems":[{}]}`, `{"patternProperties":{"a":{}}}`, `{"format":"regex"}`, `{"propertyNames":{}}`, `{"dependentRequired":{}}`,
		`{"dependentSchemas":{"a":{}}}`, `{"unevaluatedItems":{}}`, `{"unevaluatedProperties":false}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{}}`,
		`{"$schema":"http://json-schema.org/draft-07/schema#","items":[{}]}`,
	} {
		for _, nested := range []string{`%s`, `{"properties":{"a":%s}}`, `{"items":%s}`, `{"additionalProperties":%s}`} {
			if (i < 2 || strings.Contains(schema, "$schema")) && nested != `%s` {
				continue // means something else there
			}
			require.Nil(t, compile(t, fmt.Sprintf(nested, schema)).fast, schema)
		}
	}
	compiled, err := New().Compile(many)
	if err == nil {
		require.Nil(t, compiled.(*schemaValidator).fast)
	}
	old := compile(t, `{"$schema":"http://json-schema.org/draft-07/schema#","items":{"type":"integer"}}`)
	require.True(t, old.fast.takes([]byte(`[1,2]`)))
	require.False(t, old.fast.takes([]byte(`["1"]`)))
	require.True(t, compile(t, `true`).fast.takes([]byte(`{}`)))
	require.False(t, compile(t, `{"properties":{"a":false}}`).fast.takes([]byte(`{"a":1}`)))
}

func TestFastDoesNotTakeWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 65) + strings.Repeat("]", 65)
	v := compile(t, `{"properties":{"a":true},"required":["a"]}`)
	for _, payload := range []string{
		``, ` `, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1]`, `{"a" 1}`, `{a:1}`, `{"a":1,}`, `{"a":1}x`, `{"a":01}`, `{"a":1.}`,
		`{"a":-}`, `{"a":1e}`, `{"a":tru}`, `{"a":"x}`, `{"a":"\`, `{"a":"\"}`, `{"a":"\q"}`, `{"a":"\u12g4"}`, `{"a":"\u12"}`, `{"\u00":1}`,
		`{"a":[}`, `{"a":[1 2]}`, `{"a":[1,]}`, `{"a":` + deep + `}`, `"`, `"\`, `-`, `[`, `nul`,
	} {
		require.False(t, v.fast.takes([]byte(payload)), payload)
		require.NotPanics(t, func() { _ = v.Validate([]byte(payload), budget()) }, payload)
	}
}

func TestFastCostsNothing(t *testing.T) {
	v := compile(t, tenFields)
	payload := []byte(tenValues)
	require.True(t, v.fast.takes(payload))
	allocations := testing.AllocsPerRun(1000, func() { v.fast.takes(payload) })
	require.Less(t, allocations, 2.0) // none, but where a race detector empties the pools of regexp
}

// A text of escapes is read in one pass.
func TestFastIsLinear(t *testing.T) {
	t.Parallel()
	v := compile(t, `{"type":"string","maxLength":3000000}`)
	start := time.Now()
	require.True(t, v.fast.takes([]byte(`"`+strings.Repeat(`\"`, 1<<20)+`"`)))
	require.True(t, v.fast.takes([]byte(`"`+strings.Repeat(`\n`, 1<<20)+`"`)))
	require.Less(t, time.Since(start), 3*time.Second) // many times that if the end is looked for at each escape
}

const tenFields = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "An order", "type": "object", "additionalProperties": false,
	"required": ["order_id", "customer", "amount", "currency", "status", "created_at"],
	"properties": {
		"order_id": {"type": "string", "minLength": 1, "maxLength": 64}, "customer": {"type": "string", "format": "email"},
		"amount": {"type": "number", "exclusiveMinimum": 0, "maximum": 1000000}, "currency": {"enum": ["EUR", "USD", "GBP"]},
		"status": {"type": "string", "pattern": "^[a-z_]+$"}, "created_at": {"type": "string", "format": "date-time"},
		"items": {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "string", "maxLength": 32}},
		"quantity": {"type": "integer", "minimum": 1}, "gift": {"type": "boolean"}, "note": {"type": ["string", "null"], "maxLength": 500}
	}
}`

const tenValues = `{"order_id":"ord-000012345","customer":"ada@example.org","amount":129.95,"currency":"EUR","status":"paid",` +
	`"created_at":"2026-01-28T11:30:00Z","items":["sku-1","sku-22","sku-333"],"quantity":3,"gift":false,"note":"Ring twice.\nThanks"}`

func BenchmarkValidate(b *testing.B) {
	v := compile(b, tenFields)
	payload := []byte(tenValues)
	for name, validate := range map[string]func([]byte, *core.Budget) error{"fast": v.Validate, "full": v.decide} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			work := budget()
			for b.Loop() {
				work.Next()
				if err := validate(payload, work); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
