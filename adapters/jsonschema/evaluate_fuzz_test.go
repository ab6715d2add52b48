package jsonschema

import (
	"bytes"
	"fmt"
	"regexp"
	"regexp/syntax"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// allKeywords are what a schema for an evaluation is picked from.
var allKeywords = append([]string{
	`"$ref":"#/$defs/a"`, `"$ref":"#/$defs/b"`, `"$ref":"#"`, `"$ref":"other"`, `"$dynamicRef":"#n"`, `"$dynamicRef":"other#n"`, `"$recursiveRef":"#"`,
	`"allOf":[%s,%s]`, `"anyOf":[%s,%s]`, `"oneOf":[%s,%s]`, `"not":%s`, `"if":%s,"then":%s`, `"if":%s,"else":%s`,
	`"dependentSchemas":{"a":%s}`, `"dependentRequired":{"a":["b","c"]}`, `"dependencies":{"a":%s,"b":["a"]}`,
	`"patternProperties":{"^[ab]":%s,"b|c":%s}`, `"propertyNames":%s`, `"unevaluatedProperties":%s`, `"unevaluatedProperties":false`,
	`"unevaluatedItems":%s`, `"unevaluatedItems":false`, `"prefixItems":[%s,%s]`, `"contains":%s`, `"contains":%s,"minContains":0`,
	`"contains":%s,"minContains":2,"maxContains":2`, `"multipleOf":0.5`, `"enum":[{"a":1},[1,2],1.0,"a"]`, `"const":{"a":[1.0]}`, `"items":false`,
	`"additionalItems":false`, `"items":[%s,%s]`, `"items":[%s],"additionalItems":%s`, `"pattern":"(a|b){2}"`, `"format":"regex"`,
}, keywords...)

// dialects are the beginnings of schemas. References need what they lead to.
var dialects = []string{
	``, `"$schema":"http://json-schema.org/draft-07/schema#",`, `"$schema":"https://json-schema.org/draft/2019-09/schema",`,
	`"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,`, `"$dynamicAnchor":"n",`,
	`"$schema":"http://json-schema.org/draft-04/schema#",`,
}

func document(picks []byte) string {
	dialect := dialects[0]
	if len(picks) > 0 {
		dialect, picks = dialects[int(picks[0])%len(dialects)], picks[1:]
	}
	body := pick(allKeywords, &picks, 4)
	a, b, other := pick(allKeywords, &picks, 3), pick(allKeywords, &picks, 3), pick(allKeywords, &picks, 2)
	defs := fmt.Sprintf(`"$defs":{"a":%s,"b":%s,"other":{"$id":"other","$dynamicAnchor":"n","anyOf":[%s]}}`, a, b, other)
	if len(body) > 2 {
		defs += ","
	}
	return `{` + dialect + defs + body[1:]
}

// agree holds the evaluation to what the library decides, and to its budget.
func agree(t require.TestingT, schema string, payload []byte) (compared bool) {
	compiled, err := New().Compile([]byte(schema))
	if err != nil || eventjson.ValidJSON(payload) != nil {
		return false
	}
	v, _ := compiled.(*schemaValidator)
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	require.NoError(t, err)
	if _, found := incalculable(value); found {
		return false
	}
	work := budget()
	refusal := v.decide(payload, work)
	require.LessOrEqual(t, work.Spent(), core.EvaluationSteps)
	if work.Err() != nil {
		return false
	}
	require.Equal(t, v.schema.Validate(value) == nil, refusal == nil, "%s\n%s\n%v", schema, payload, refusal)
	if refusal != nil {
		reasons := &evaluation{schema: v, budget: budget(), report: newReport()}
		holds, _ := reasons.fits(v.schema, value, false)
		require.False(t, holds, "%s\n%s", schema, payload)
		require.NotEmpty(t, reasons.report.details, "%s\n%s", schema, payload)
	}
	return true
}

func payloads(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		if depth == 0 || kind < 2 {
			return rapid.SampledFrom(odd).Draw(t, "scalar")
		}
		open, end, text := "[", "]", ""
		for i, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "ab", "x"}), 0, 4, rapid.ID).Draw(t, "members") {
			if i > 0 {
				text += ","
			}
			if kind == 3 {
				open, end, text = "{", "}", text+`"`+name+`":`
			}
			text += payloads(depth-1).Draw(t, "member")
		}
		return open + text + end
	})
}

// The evaluation decides what the library's own validator decides.
func TestEvaluationDecidesAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		schema := document(rapid.SliceOfN(rapid.Byte(), 2, 60).Draw(t, "picks"))
		for range 10 {
			if agree(t, schema, []byte(payloads(3).Draw(t, "payload"))) {
				compared++
			}
		}
	})
	require.NotZero(t, compared)
}

// What any schema and payload take is within the budget, and decided as the library
// decides it.
func FuzzEvaluation(f *testing.F) {
	for i, payload := range odd {
		f.Add([]byte{byte(i), byte(i % len(allKeywords)), byte(i * 7 % len(allKeywords)), 31, byte(i % 29), 255, 16, 3, 2, 255, 40}, []byte(payload))
	}
	f.Add([]byte{4, 7, 4, 255, 5, 255, 21, 40, 255, 33}, []byte(`{"a":[1,{"b":2}],"b":{"a":null}}`))
	f.Fuzz(func(t *testing.T, picks, payload []byte) { agree(t, document(picks), payload) })
}

// A machine matches what the standard library matches.
func TestPatternsMatchAsRegexpDoes(t *testing.T) {
	t.Parallel()
	expressions := []string{
		``, `^$`, `a`, `^a`, `a$`, `^a$`, `a|b`, `(a|b)*c`, `^(a?){5}$`, `\ba\b`, `\Ba`, `(?i)É`, `(?m)^b$`, `(?s).`, `.`, `[^a]`, `\pL+`, `a{2,3}b`,
		`(?:ab|a)(?:c|bcd)`, `x*`, `\Aab\z`, `(a|^)b`, `(^a|b$)`, `[\x{1F600}-\x{1F64F}]`, `(?i)[k]`, `a.c`, `\Qa.b\E`, `(?U)a+`,
	}
	compile := (&patterns{limits: forNew.patterns, known: map[string]*pattern{}}).compile
	letters := rapid.SampledFrom([]string{"a", "b", "c", "d", "\n", " ", "é", "É", "😀", "K", "\u212a", "."})
	rapid.Check(t, func(t *rapid.T) {
		expression := rapid.SampledFrom(expressions).Draw(t, "expression")
		if rapid.Bool().Draw(t, "two") {
			expression += rapid.SampledFrom([]string{"", "|", ".*"}).Draw(t, "between") + rapid.SampledFrom(expressions).Draw(t, "other")
		}
		compiled, err := compile(expression)
		require.NoError(t, err)
		p, _ := compiled.(*pattern)
		text := ""
		for _, letter := range rapid.SliceOfN(letters, 0, 12).Draw(t, "text") {
			text += letter
		}
		m := newMachine(len(p.prog.Inst))
		require.Equal(t, regexp.MustCompile(expression).MatchString(text), m.run(p, text, budget()), "%q on %q", expression, text)
	})
}

// A program is about as large as it was said to be before it was made.
func TestProgramSize(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{`a`, `[a-z]{1000}`, `(a{10}){10}`, `(ab|c?){3,50}`, `^(([a-c]?){150}.*){3}$`, `a{5,}`, `(?i)abc`, `x{0}`, `\pL{9}`} {
		parsed, err := syntax.Parse(expression, syntax.Perl)
		require.NoError(t, err)
		size := programSize(parsed)
		prog, err := syntax.Compile(parsed.Simplify())
		require.NoError(t, err)
		require.GreaterOrEqual(t, 2*size+4, len(prog.Inst), expression)
		require.LessOrEqual(t, size, 3*len(prog.Inst)+4, expression)
	}
}

// What the library does not export is where it is looked for.
func TestTheLibraryStillHasWhatIsHidden(t *testing.T) {
	t.Parallel()
	v := compile(t, `{"$dynamicAnchor":"n","properties":{"a":{"$id":"a","$dynamicAnchor":"n","properties":{"b":{"$dynamicRef":"#n"}}}}}`)
	a := v.schema.Properties["a"]
	require.Same(t, v.schema, resourceOf(v.schema))
	require.Same(t, a, resourceOf(a.Properties["b"]))
	require.Equal(t, map[string]*jsonschema.Schema{"n": a}, anchorsOf(a.Properties["b"]))
}

// What chance seldom hits: where dynamic references lead, and what is left over when
// several alternatives match.
func TestWhatLooksBeyondItsOwnSchema(t *testing.T) {
	t.Parallel()
	tree := `{"$id":"tree","$dynamicAnchor":"node","type":"object","properties":{"n":true,"children":{"items":{"$dynamicRef":"#node"}}}}`
	strict := `{"$id":"https://a.example/strict","$dynamicAnchor":"node","$ref":"tree","unevaluatedProperties":false,"$defs":{"tree":` + tree + `}}`
	recursive := `{"$schema":"https://json-schema.org/draft/2019-09/schema","$id":"https://a.example/strict","$recursiveAnchor":true,"$ref":"tree",` +
		`"unevaluatedProperties":false,"$defs":{"tree":{"$id":"tree","$recursiveAnchor":true,"properties":{"n":true,"children":{"items":{"$recursiveRef":"#"}}}}}}`
	either := `{"anyOf":[{"properties":{"a":true}},{"properties":{"b":true}}],"unevaluatedProperties":false}`
	for _, test := range []struct {
		schema, payload string
		fits            bool
	}{
		{strict, `{"children":[{"n":1}]}`, true},
		{strict, `{"children":[{"typo":1}]}`, false},
		{recursive, `{"children":[{"n":1}]}`, true},
		{recursive, `{"children":[{"typo":1}]}`, false},
		{either, `{"a":1,"b":2}`, true},
		{either, `{"a":1,"c":2}`, false},
		{`{"prefixItems":[true],"contains":{"const":2},"unevaluatedItems":false}`, `[1,2,2]`, true},
		{`{"prefixItems":[true],"contains":{"const":2},"unevaluatedItems":false}`, `[1,2,3]`, false},
		{`{"if":{"required":["a"],"properties":{"a":true}},"then":{"properties":{"b":true}},"unevaluatedProperties":false}`, `{"a":1,"b":1}`, true},
		{`{"if":{"required":["a"],"properties":{"a":true}},"then":{"properties":{"b":true}},"unevaluatedProperties":false}`, `{"b":1}`, false},
	} {
		require.True(t, agree(t, test.schema, []byte(test.payload)), test.schema)
		require.Equal(t, test.fits, compile(t, test.schema).decide([]byte(test.payload), budget()) == nil, "%s\n%s", test.schema, test.payload)
	}
}
