package jsonschema_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// chain is a schema of so many levels, each of which refers to the next one twice.
func chain(levels int, level string) string {
	var b strings.Builder
	b.WriteString(`{"$ref":"#/$defs/l0","$defs":{`)
	for i := range levels {
		next := fmt.Sprintf(`{"$ref":"#/$defs/l%d"}`, i+1)
		fmt.Fprintf(&b, `"l%d":%s,`, i, strings.ReplaceAll(level, "%", next))
	}
	fmt.Fprintf(&b, `"l%d":{"required":["x"]}}}`, levels)
	return b.String()
}

func listed(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// mebibyte is about the largest payload that repeats something.
func mebibyte(open, repeated, end string) string {
	return open + strings.Repeat(repeated, (1<<20-len(open)-len(end))/len(repeated)) + end
}

// hostile are schemas that cost much for their size, each with a payload that costs
// the most. What is refused when it is made has no payload.
var hostile = map[string]struct{ schema, payload string }{
	"all twice":          {chain(40, `{"allOf":[%,%]}`), ""},
	"any twice":          {chain(40, `{"anyOf":[%,%]}`), ""},
	"one of two":         {chain(40, `{"oneOf":[%,%]}`), ""},
	"not twice":          {chain(40, `{"not":%,"if":%}`), ""},
	"dependent twice":    {chain(40, `{"dependentSchemas":{"a":%,"b":%}}`), ""},
	"a long chain":       {chain(4000, `%`), ""},
	"twice a member":     {chain(40, `{"allOf":[{"properties":{"a":%}},{"properties":{"a":%}}]}`), strings.Repeat(`{"a":`, 40) + `{"x":1}` + strings.Repeat(`}`, 40)},
	"twice an element":   {chain(60, `{"allOf":[{"items":%},{"items":%}]}`), strings.Repeat(`[`, 60) + strings.Repeat(`]`, 60)},
	"twice itself":       {`{"anyOf":[{"items":{"$ref":"#"},"minItems":2},{"items":{"$ref":"#"},"minItems":2},{"type":"null"}]}`, strings.Repeat(`[null,`, 60) + `1` + strings.Repeat(`]`, 60)},
	"chains of chains":   {chain(400, `{"allOf":[%]}`), ""},
	"many small schemas": {`{"allOf":[` + strings.Repeat(`{},`, 60_000) + `{}` + `]}`, ""},
	"many booleans":      {`{"anyOf":[` + strings.Repeat(`false,`, 40_000) + `true]}`, ""},
	"a long name":        {`{"properties":{"` + strings.Repeat("n", 100_000) + `":{"allOf":[` + strings.Repeat(`{"type":"string"},`, 5000) + `{}]}}}`, ""},
	"many identifiers":   {`{"$defs":{` + listed(5000, `"%d":{"$id":"x%[1]d"}`) + `}}`, ""},
	"a long identifier":  {`{"$id":"` + strings.Repeat("x", 100_000) + `","allOf":[` + strings.Repeat(`{"$ref":"#/$defs/a"},`, 5000) + `{}],"$defs":{"a":{}}}`, ""},
	"many detours":       {`{"x":{` + listed(3000, `"%d":{}`) + `},"allOf":[` + listed(3000, `{"$ref":"#/x/%d"}`) + `]}`, ""},
	"many patterns":      {`{"allOf":[` + listed(2000, `{"pattern":"^[ab]{0,900}%d$"}`) + `]}`, ""},
	"a large pattern":    {`{"pattern":"` + strings.Repeat(`[a-z]{1000}`, 12) + `"}`, ""},
	"a long pattern":     {`{"pattern":"` + strings.Repeat(`\\pL`, 7000) + `"}`, ""},
	"long patterns":      {`{"allOf":[` + listed(60, `{"pattern":"`+strings.Repeat(`\\pL`, 1000)+`%d"}`) + `]}`, ""},
	"classes":            {`{"allOf":[` + listed(500, `{"pattern":"(?i)^[\\pL\\pN]{0,90}%d$"}`) + `]}`, ""},
	"nested repeats":     {`{"pattern":"((a{30}){30}){1,30}"}`, ""},
	"a large key":        {`{"patternProperties":{"` + strings.Repeat(`[a-z]{1000}`, 300) + `":{}}}`, ""},
	"a slow pattern":     {`{"pattern":"^(([a-c]?){150}.*){3}(([a-c]?){150}.*){3}!$"}`, mebibyte(`"`, `a`, `b"`)},
	"a slow small one":   {`{"pattern":"(.*)*(.*)*(.*)*(.*)*!$"}`, mebibyte(`"`, `a`, `b"`)},
	"slow, almost large": {`{"pattern":"(?:[a-c]?){480}!$"}`, mebibyte(`"`, `a`, `"`)},
	"slow on elements":   {`{"items":{"pattern":"^(([a-c]?){50}){10}!$"}}`, mebibyte(`[`, `"aaaaaaaaaaaaaaaaaaaa",`, `1]`)},
	"many key patterns":  {`{"patternProperties":{` + listed(900, `"^(a|b|%d)*$":{}`) + `}}`, mebibyteOfKeys()},
	"constants":          {`{"items":{"oneOf":[` + listed(5900, `{"const":%d}`) + `]}}`, mebibyte(`[`, `-1,`, `1]`)},
	"enum":               {`{"items":{"enum":[` + listed(20_000, `%d`) + `]}}`, mebibyte(`[`, `-1,`, `1]`)},
	"enum of objects":    {`{"items":{"enum":[` + listed(5900, `{"a":%d}`) + `]}}`, mebibyte(`[`, `{"a":-1},`, `1]`)},
	"deep constants":     {`{"$dynamicAnchor":"n","enum":[{"a":1}],"anyOf":[{},{"items":{"$ref":"#"}}]}`, mebibyte(strings.Repeat(`[`, 60), `1,`, `1`+strings.Repeat(`]`, 60))},
	"required":           {`{"items":{"required":[` + listed(20_000, `"r%d"`) + `]}}`, mebibyte(`[`, `{},`, `1]`)},
	"unique":             {`{"uniqueItems":true}`, mebibyte(`[`, `["a\u0004a","a"],["a","a\u0004a"],`, `1]`)},
	"unique numbers":     {`{"uniqueItems":true}`, `[` + listed(100_000, `%de300`) + `]`},
	"unique objects":     {`{"uniqueItems":true}`, `[` + listed(60_000, `{"a":%d}`) + `]`},
	"unique within":      {`{"allOf":[` + strings.Repeat(`{"uniqueItems":true},`, 2900) + `{}]}`, `[` + listed(100_000, `%d`) + `]`},
	"multiples":          {`{"items":{"multipleOf":1e-300}}`, mebibyte(`[`, `1e300,`, `1]`)},
	"bounds":             {`{"items":{"minimum":-1e300,"maximum":1e308,"exclusiveMinimum":-1e-300}}`, mebibyte(`[`, `1e300,`, `1]`)},
	"integers":           {`{"items":{"type":"integer"}}`, mebibyte(`[`, `1e300,`, `1]`)},
	"contains":           {`{"contains":{"contains":{"contains":{"contains":{"const":1}}}},"minContains":9}`, mebibyte(`[`, `[[[[2]]]],`, `1]`)},
	"unevaluated":        {`{"allOf":[` + strings.Repeat(`{"properties":{}},`, 2900) + `{}],"unevaluatedProperties":false}`, mebibyteOfKeys()},
	"unevaluated items":  {`{"anyOf":[` + strings.Repeat(`{"prefixItems":[true]},`, 2000) + `{}],"unevaluatedItems":false}`, mebibyte(`[`, `1,`, `1]`)},
	"names":              {`{"propertyNames":{"not":{"anyOf":[` + listed(3000, `{"const":"%d"}`) + `]}}}`, mebibyteOfKeys()},
	"dependencies":       {`{"items":{"dependentRequired":{"a":[` + listed(15_000, `"r%d"`) + `]}}}`, mebibyte(`[`, `{"a":1},`, `1]`)},
	"expressions":        {`{"items":{"format":"regex"}}`, mebibyte(`[`, `"(\\pL{9}){9}",`, `1]`)},
	"a long expression":  {`{"format":"regex"}`, mebibyte(`"`, `\\pL{9}`, `"`)},
	"formats":            {`{"allOf":[` + formatsOf("uuid", "ipv4", "uri-template", "json-pointer", "duration", "semver", "period", "iri", "idn-email") + `]}`, mebibyte(`"`, `1.1-`, `"`)},
	"formats many times": {`{"allOf":[` + strings.Repeat(`{"format":"json-pointer"},`, 4000) + `{}]}`, mebibyte(`"/`, `a/`, `"`)},
	"errors":             {`{"items":{"type":"string","pattern":"a"}}`, mebibyte(`[`, `1,`, `1]`)},
	"errors of branches": {`{"items":{"anyOf":[` + strings.Repeat(`{"type":"string"},`, 1000) + `false]}}`, mebibyte(`[`, `1,`, `1]`)},
	"additional":         {`{"additionalProperties":false}`, mebibyteOfKeys()},
	"dynamic twice": {
		`{"$dynamicAnchor":"n","allOf":[{"items":{"$dynamicRef":"#n"}},{"items":{"$dynamicRef":"#n"}}]}`,
		strings.Repeat(`[`, 60) + strings.Repeat(`]`, 60),
	},
	"dynamic, on itself": {`{"$id":"https://a.example/","$dynamicAnchor":"n","$ref":"b","$defs":{"b":{"$id":"b","$dynamicAnchor":"n","allOf":[{"$ref":"c"}]},` +
		`"c":{"$id":"c","$defs":{"n":{"$dynamicAnchor":"n"}},"anyOf":[{"$dynamicRef":"#n"},{"$dynamicRef":"#n"}]}}}`, `{}`},
	"recursive twice": {
		`{"$schema":"https://json-schema.org/draft/2019-09/schema","$recursiveAnchor":true,"allOf":[{"items":{"$recursiveRef":"#"}},{"items":{"$recursiveRef":"#"}}]}`,
		strings.Repeat(`[`, 60) + strings.Repeat(`]`, 60),
	},
	"the meta-schema": {`{"items":{"$ref":"https://json-schema.org/draft/2020-12/schema"}}`, mebibyte(`[`, `{"allOf":[{"not":{}}]},`, `1]`)},
	"deep":            {`{"$ref":"#/$defs/t","$defs":{"t":{"items":{"$ref":"#/$defs/t"},"allOf":[` + strings.Repeat(`{"type":["array","null"]},`, 5000) + `{}]}}}`, mebibyte(`[`, `[[[[[]]]]],`, `1]`)},
}

func formatsOf(names ...string) string {
	return `{"format":"` + strings.Join(names, `"},{"format":"`) + `"}`
}

func mebibyteOfKeys() string { return `{` + listed(80_000, `"k%d":1`) + `}` }

// What somebody may send ends within its steps, whatever the schema, and the steps
// are the time they stand for.
func TestHostileSchemas(t *testing.T) {
	t.Parallel()
	for name, test := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.LessOrEqual(t, len(test.schema), core.MaxSchemaBytes)
			require.LessOrEqual(t, len(test.payload), 1<<20+2)
			var compiled core.Schema
			var err error
			took := cpuTime(func() { compiled, err = jsonschema.New().Compile([]byte(test.schema)) })
			t.Logf("compile: %d bytes, %v, %v", len(test.schema), took, err)
			require.Less(t, took, slack*time.Second)
			if test.payload != "" {
				require.NoError(t, err)
				requireBounded(t, compiled, test.payload)
				return
			}
			fields(t, err, core.CodeValidation)
			require.Less(t, len(err.Error()), 1000)
			// If it is stored already, it has nothing but the budget.
			took = cpuTime(func() { compiled, err = jsonschema.New().Reopen([]byte(test.schema)) })
			t.Logf("reopen: %v, %v", took, err)
			require.Less(t, took, 4*slack*time.Second)
			if err == nil {
				requireBounded(t, compiled, `{"a":1,"b":2,"x":3}`)
			}
		})
	}
}

// A schema that is stored may be beyond the limits for new ones. It takes what it can
// check within the budget, and nothing is followed without an end.
func TestAStoredSchemaHasTheBudgetOnly(t *testing.T) {
	t.Parallel()
	long := hostile["a long chain"].schema
	reopened, err := jsonschema.New().Reopen([]byte(long))
	require.NoError(t, err)
	budget := core.NewBudget(t.Context(), core.EvaluationSteps, nil)
	err = reopened.Validate([]byte(`{}`), budget)
	require.Equal(t, []string{"payload"}, fields(t, err, core.CodeSchemaMismatch))
	require.ErrorContains(t, err, "too expensive")

	wide := chain(15, `{"allOf":[%,%]}`)
	_, err = jsonschema.New().Compile([]byte(wide))
	fields(t, err, core.CodeValidation)
	reopened, err = jsonschema.New().Reopen([]byte(wide))
	require.NoError(t, err)
	require.NoError(t, bounded{reopened}.Validate([]byte(`"what none of it is about"`)))
	require.ErrorContains(t, bounded{reopened}.Validate([]byte(`{}`)), "'x'")
}

// requireBounded holds a payload to a schema, and the schema to the budget.
func requireBounded(t *testing.T, schema core.Schema, payload string) {
	t.Helper()
	require.NoError(t, eventjson.ValidJSON([]byte(payload)))
	// A quarter of the steps shows the same in a quarter of the time.
	budget := core.NewBudget(t.Context(), core.EvaluationSteps/4, nil)
	var err error
	took := cpuTime(func() { err = schema.Validate([]byte(payload), budget) })
	t.Logf("evaluate: %d bytes, %v, %d steps: %.150v", len(payload), took, budget.Spent(), err)
	require.LessOrEqual(t, budget.Spent(), core.EvaluationSteps/4)
	require.Less(t, took, slack*time.Second)
	if err != nil {
		require.LessOrEqual(t, len(fields(t, err, core.CodeSchemaMismatch)), 20)
		require.Less(t, len(err.Error()), 1000)
	}
}

// An evaluation ends with its context, in the middle of whatever it does.
func TestAnEvaluationEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"twice a member", "a slow pattern", "many key patterns", "unique within", "dynamic twice"} {
		compiled, err := jsonschema.New().Compile([]byte(hostile[name].schema))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		looks := 0
		budget := core.NewBudget(ctx, 1<<40, func(context.Context, int, bool) error {
			if looks++; looks == 3 {
				cancel()
			}
			return nil
		})
		err = compiled.Validate([]byte(hostile[name].payload), budget)
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err), name)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 3, looks, name)
	}
}

// What is hostile takes no memory to speak of to compile, whether it is refused or
// not. The test is not parallel, because it counts what all goroutines take.
func TestHostileSchemasTakeLittleMemory(t *testing.T) { //nolint:paralleltest // see above
	var before, after runtime.MemStats
	for name, test := range hostile {
		runtime.ReadMemStats(&before)
		_, _ = jsonschema.New().Compile([]byte(test.schema))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), name)
		t.Log(name, len(test.schema), (after.TotalAlloc-before.TotalAlloc)>>10, "KiB")
	}
}
