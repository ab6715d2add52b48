package jsonschema_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// bounded is a schema whose payloads each have a budget of their own.
type bounded struct{ core.Schema }

func (b bounded) Validate(payload []byte) error {
	return b.Schema.Validate(payload, core.NewBudget(context.Background(), core.EvaluationSteps, nil))
}

func compile(t *testing.T, schema string) bounded {
	t.Helper()
	compiled, err := jsonschema.New().Compile([]byte(schema))
	require.NoError(t, err, schema)
	return bounded{compiled}
}

// fields returns the places that an error of the code names.
func fields(t *testing.T, err error, code core.Code) []string {
	t.Helper()
	var refusal *core.Error
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.Code)
	require.NotEmpty(t, refusal.Details)
	require.Equal(t, refusal.Details[0].Field+": "+refusal.Details[0].Reason, refusal.Message)
	var fields []string
	for _, detail := range refusal.Details {
		require.NotEmpty(t, detail.Reason)
		fields = append(fields, detail.Field)
	}
	return fields
}

func TestCompileNamesThePlaceOfAFault(t *testing.T) {
	t.Parallel()
	for schema, place := range map[string]string{
		`{"type":"strin"}`:                                 "schema/type",
		`{"properties":{"a":{"minLength":"1"}}}`:           "schema/properties/a/minLength",
		`{"properties":{"a/b~c":{"minLength":-1}}}`:        "schema/properties/a~1b~0c/minLength",
		`{"allOf":[{},{"required":"a"}]}`:                  "schema/allOf/1/required",
		`{"items":[{}]}`:                                   "schema/items",
		`{"required":["a","a"]}`:                           "schema/required",
		`{"properties":{"a/b":{"minimum":1e-999999}}}`:     "schema/properties/a~1b/minimum",
		`{"enum":[1,[1e-401]],"const":{"b":1,"c":1e-500}}`: "schema/const/c",
		`1`: "schema",
	} {
		_, err := jsonschema.New().Compile([]byte(schema))
		require.Equal(t, place, fields(t, err, core.CodeValidation)[0], schema)
	}
}

func TestCompileRefuses(t *testing.T) {
	t.Parallel()
	for schema, says := range map[string]string{
		``:                    "is empty",
		`{`:                   "needs a key",
		`{"type":"string"} x`: "after its end",
		`{"a":1,"a":2}`:       "given twice",
		`{"pattern":"("}`:     "schema/pattern",
		`{"pattern":"(?=a)"}`: "schema/pattern",
		`{"properties":{"a":{"patternProperties":{"[":{}}}}}`:         "invalid propertyName '['",
		`{"$ref":"#/$defs/none"}`:                                     "schema/$defs/none",
		`{"$ref":"#none"}`:                                            "none",
		`{"$schema":"https://example.org/dialect"}`:                   `"https://example.org/dialect", which is never loaded`,
		`{"$ref":"other.json#/a"}`:                                    `refers to "other.json", which is never loaded`,
		`{"type":"object","required":["a"],"properties":{"a":false}}`: `schema/required: demands the member "a", which cannot be there: schema/properties/a is false`,
	} {
		_, err := jsonschema.New().Compile([]byte(schema))
		fields(t, err, core.CodeValidation)
		require.ErrorContains(t, err, says, schema)
		require.NotContains(t, err.Error(), "eventflow:")
	}
}

// Nothing outside a schema is read, whatever it refers to.
func TestCompileLoadsNothing(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("asked for") }))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "s.json")
	require.NoError(t, os.WriteFile(file, []byte(`{"secret":1}`), 0o600))
	for _, format := range []string{
		`{"$ref":"%s"}`, `{"$dynamicRef":"%s"}`, `{"$schema":"%s"}`, `{"properties":{"a":{"$ref":"%s#/a"}}}`, `{"$id":"%[1]s","$ref":"b.json"}`,
	} {
		for _, address := range []string{server.URL + "/s.json", "file://" + file} {
			_, err := jsonschema.New().Compile(fmt.Appendf(nil, format, address))
			require.Error(t, err, format)
			fields(t, err, core.CodeValidation)
			require.NotContains(t, err.Error(), "secret")
		}
	}
	for _, address := range []string{file, "../go.mod", "jsonschema.go"} {
		_, err := jsonschema.New().Compile(fmt.Appendf(nil, `{"properties":{"a":{"$ref":%q}}}`, address))
		require.Error(t, err, address)
		fields(t, err, core.CodeValidation)
		require.NotContains(t, err.Error(), "eventflow:")
	}
}

func TestRecursion(t *testing.T) {
	t.Parallel()
	tree := compile(t, `{"type":"object","properties":{"left":{"$ref":"#"},"right":{"$ref":"#"},"n":{"type":"integer"}}}`)
	require.NoError(t, tree.Validate([]byte(`{"left":{"n":1,"left":{}},"right":{"right":{"n":2}}}`)))
	require.Equal(t, []string{"payload.left.right.n"}, fields(t, tree.Validate([]byte(`{"left":{"right":{"n":"x"}}}`)), core.CodeSchemaMismatch))
}

// A schema that no payload can meet is refused when it is made, and not with every
// event.
func TestCompileRefusesWhatNothingCanMeet(t *testing.T) {
	t.Parallel()
	for schema, place := range map[string]string{
		`false`:        "schema",
		`{"$ref":"#"}`: "schema",
		`{"$dynamicRef":"#a","$dynamicAnchor":"a"}`: "schema",
		`{"anyOf":[{"type":"null"},{"$ref":"#"}]}`:  "schema",
		`{"not":{"$ref":"#"}}`:                      "schema",
		`{"properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"allOf":[{"$ref":"#/$defs/b"}]},"b":{"$ref":"#/$defs/a"}}}`: "schema/$defs/a",
		`{"$schema":"http://json-schema.org/draft-07/schema#","dependencies":{"a":{"$ref":"#"}}}`:                           "schema",
		`{"minLength":3,"maxLength":2}`:                           "schema/minLength",
		`{"items":{"minItems":3,"maxItems":2}}`:                   "schema/items/minItems",
		`{"contains":{},"minContains":3,"maxContains":2}`:         "schema/minContains",
		`{"minProperties":1,"maxProperties":0}`:                   "schema/minProperties",
		`{"minimum":1.5,"maximum":1}`:                             "schema/minimum",
		`{"minimum":1,"exclusiveMaximum":1}`:                      "schema/minimum",
		`{"properties":{"a":{"exclusiveMinimum":1,"maximum":1}}}`: "schema/properties/a/exclusiveMinimum",
	} {
		_, err := jsonschema.New().Compile([]byte(schema))
		require.Equal(t, place, fields(t, err, core.CodeValidation)[0], schema)
		require.NotContains(t, err.Error(), "eventflow:")
	}
	for _, schema := range []string{
		`true`, `{}`, `{"properties":{"a":false}}`, `{"minimum":1,"maximum":1}`, `{"items":{"$ref":"#"}}`, `{"additionalProperties":{"anyOf":[{"type":"string"},{"$ref":"#"}]}}`,
		`{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":{"properties":{"b":{"$ref":"#/$defs/a"}}}}}`,
		`{"$defs":{"unused":{"minLength":2,"maxLength":1}}}`,
	} {
		compile(t, schema)
	}
}

// Numbers that differ read differently, and a pattern's fault says whose patterns
// these are.
func TestReasonsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	err := compile(t, `{"maximum":9007199254740993}`).Validate([]byte(`9007199254740994`))
	require.ErrorContains(t, err, "got 9007199254740994, want 9007199254740993")
	err = compile(t, `{"multipleOf":0.01}`).Validate([]byte(`1.005`))
	require.ErrorContains(t, err, "got 1.005, want 0.01")
	_, err = jsonschema.New().Compile([]byte(`{"pattern":"(?=a)b"}`))
	require.ErrorContains(t, err, "RE2")
}

// An expression is matched in time that is linear in the text.
func TestHostilePatterns(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"a":"` + strings.Repeat("a", 50_000) + `!"}`)
	for _, pattern := range []string{`^(a+)+$`, `^(a|aa)+$`, `(a*)*b`, `^(.*a){12}$`} {
		for _, format := range []string{`{"properties":{"a":{"pattern":%q}}}`, `{"allOf":[{"properties":{"a":{"pattern":%q}}}]}`} {
			schema := compile(t, fmt.Sprintf(format, pattern))
			var err error
			took := cpuTime(func() { err = schema.Validate(payload) })
			require.Equal(t, []string{"payload.a"}, fields(t, err, core.CodeSchemaMismatch))
			require.Less(t, took, 10*time.Second)
		}
	}
	_, err := jsonschema.New().Compile([]byte(`{"pattern":"((a{1000}){1000}){1000}"}`))
	fields(t, err, core.CodeValidation)
}

// Numbers that take the full validator long, or make it panic, do not get there.
func TestHostileNumbers(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{`{}`, `{"minimum":0}`, `{"type":"integer"}`, `{"enum":[1]}`, `{"items":{"multipleOf":0.1}}`, `{"not":{"type":"string"}}`} {
		s := compile(t, schema)
		for _, number := range []string{`1e-9999999`, `1e-999999`, `1e-99999999999999999999`, `-0.1E-401`} {
			require.NoError(t, eventjson.ValidJSON([]byte(number)))
			require.Equal(t, []string{"payload"}, fields(t, s.Validate([]byte(number)), core.CodeSchemaMismatch), schema)
		}
		payload := `{"b":` + `1e-999999` + `,"a":[0,{"x":[` + strings.Repeat(`1e-999999,`, 50_000) + `1]}]}`
		require.Equal(t, []string{"payload.a[1].x[0]"}, fields(t, s.Validate([]byte(payload)), core.CodeSchemaMismatch))
	}
	require.NoError(t, compile(t, `{"exclusiveMinimum":0}`).Validate([]byte(`5e-324`)))
	require.NoError(t, compile(t, `{"type":"integer"}`).Validate([]byte(`1.7e308`)))
}

func TestDrafts(t *testing.T) {
	t.Parallel()
	pair := []byte(`["a",1]`)
	wrong := []byte(`[1,1]`)
	latest := compile(t, `{"prefixItems":[{"type":"string"}]}`)
	require.NoError(t, latest.Validate(pair))
	require.Equal(t, []string{"payload[0]"}, fields(t, latest.Validate(wrong), core.CodeSchemaMismatch))
	seventh := compile(t, `{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}],"prefixItems":[false]}`)
	require.NoError(t, seventh.Validate(pair))
	require.Equal(t, []string{"payload[0]"}, fields(t, seventh.Validate(wrong), core.CodeSchemaMismatch))
}

func TestFormatsAreAsserted(t *testing.T) {
	t.Parallel()
	for format, texts := range map[string][2]string{
		"date-time": {"2026-01-31T11:30:00Z", "2026-01-31 11:30:00"}, "date": {"2024-02-29", "2026-02-29"},
		"uuid": {"01890000-0000-7000-8000-000000000000", "1"}, "email": {"a@example.org", "a@"},
		"uri": {"https://example.org", "/a"}, "ipv4": {"10.0.0.1", "10.0.0.256"}, "ipv6": {"::1", ":1"},
		"hostname": {"example.org", "-a"}, "duration": {"P1D", "1D"}, "regex": {"a+", "("},
	} {
		for _, dialect := range []string{"", `"$schema":"http://json-schema.org/draft-07/schema#",`} {
			schema := compile(t, `{`+dialect+`"properties":{"a":{"format":"`+format+`"}}}`)
			require.NoError(t, schema.Validate([]byte(`{"a":"`+texts[0]+`"}`)), format)
			require.NoError(t, schema.Validate([]byte(`{"a":1}`)), format)
			require.Equal(t, []string{"payload.a"}, fields(t, schema.Validate([]byte(`{"a":"`+texts[1]+`"}`)), core.CodeSchemaMismatch), format)
		}
	}
}

func TestValidateNamesEachField(t *testing.T) {
	t.Parallel()
	schema := compile(t, `{"type":"object","required":["id"],"additionalProperties":false,"properties":{
		"id":{"type":"string"},"tags":{"items":{"maxLength":3}},"user":{"properties":{"age":{"minimum":0}}}}}`)
	for payload, places := range map[string][]string{
		`[]`:              {"payload"},
		`{}`:              {"payload"},
		`{"id":1}`:        {"payload.id"},
		`{"id":"","x":1}`: {"payload"},
		`{"id":"","tags":["a","long",1,"longer"],"user":{"age":-1}}`: {"payload.tags[1]", "payload.tags[3]", "payload.user.age"},
	} {
		require.Equal(t, places, fields(t, schema.Validate([]byte(payload)), core.CodeSchemaMismatch), payload)
	}
	require.ErrorContains(t, schema.Validate([]byte(`{}`)), "'id'")
	require.ErrorContains(t, compile(t, `{"propertyNames":{"maxLength":2}}`).Validate([]byte(`{"ab":1,"abc":2}`)), "'abc': maxLength")
	fields(t, schema.Validate([]byte(`{`)), core.CodeValidation)
	many := compile(t, `{"items":false}`)
	require.Len(t, fields(t, many.Validate([]byte(`[`+strings.Repeat("1,", 99)+`1]`)), core.CodeSchemaMismatch), 20)
	var long *core.Error
	require.ErrorAs(t, compile(t, `{"const":1,"pattern":"^`+strings.Repeat("é", 500)+`$"}`).Validate([]byte(`2`)), &long)
	require.ErrorAs(t, compile(t, `{"pattern":"^`+strings.Repeat("é", 500)+`$"}`).Validate([]byte(`"x"`)), &long)
	require.Less(t, len(long.Details[0].Reason), 210)
	require.True(t, strings.HasSuffix(long.Details[0].Reason, "…"))
}

// One compiler, and one schema, are used by all requests. The name is what `make test`
// finds this test by, to run it with the race detector.
func TestOneSchemaServesSeveralAtOnce(t *testing.T) {
	t.Parallel()
	compiler := jsonschema.New()
	shared := compile(t, `{"properties":{"a":{"pattern":"^x+$","format":"hostname"},"b":{"enum":[1,"y"]},"c":{"minimum":0.5}}}`)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for n := range 50 {
				compiled, err := compiler.Compile(fmt.Appendf(nil, `{"properties":{"a":{"const":"%d"}}}`, n))
				own := bounded{compiled}
				if err != nil || own.Validate(fmt.Appendf(nil, `{"a":"%d"}`, n)) != nil || own.Validate([]byte(`{"a":"x"}`)) == nil {
					t.Error(i, n, err)
				}
				if err := shared.Validate([]byte(`{"a":"xx","b":"\u0079","c":0.5}`)); err != nil {
					t.Error(err)
				}
				if shared.Validate([]byte(`{"a":"y","b":2,"c":0}`)) == nil {
					t.Error("taken")
				}
			}
		})
	}
	group.Wait()
}
