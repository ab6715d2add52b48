package jsonschema

import (
	"strings"
	"testing"

	"github.com/eventflow-go/eventflow/core/eventjson"
)

// keywords are what a fuzzed schema is picked from; %s is another schema.
var keywords = []string{
	`"type":"string"`, `"type":"integer"`, `"type":["number","null"]`, `"type":"object"`, `"type":"array"`, `"type":"boolean"`,
	`"minLength":2`, `"maxLength":3`, `"pattern":"^a|b$"`, `"enum":["a",1,null,1.5,"é",[1],{}]`, `"const":1`, `"const":"ab"`,
	`"minimum":1`, `"maximum":10.5`, `"exclusiveMinimum":-1e15`, `"exclusiveMaximum":1e3`, `"minItems":1`, `"maxItems":2`,
	`"minProperties":1`, `"maxProperties":1`, `"required":["a"]`, `"required":["a","b"]`, `"additionalProperties":false`,
	`"format":"date-time"`, `"format":"date"`, `"format":"uuid"`, `"format":"email"`, `"format":"uri"`, `"format":"hostname"`,
	`"items":%s`, `"additionalProperties":%s`, `"properties":{"a":%s}`, `"properties":{"a":%s,"b":%s}`, `"uniqueItems":true`,
}

func pick(keywords []string, picks *[]byte, depth int) string {
	var chosen []string
	taken := map[string]bool{}
	for len(*picks) > 0 {
		choice := (*picks)[0]
		*picks = (*picks)[1:]
		if int(choice) >= len(keywords) {
			break // the schema ends
		}
		keyword := keywords[choice]
		name, _, _ := strings.Cut(keyword, ":")
		if holes := strings.Count(keyword, "%s"); taken[name] || holes > 0 && depth == 0 {
			continue
		}
		for strings.Contains(keyword, "%s") {
			keyword = strings.Replace(keyword, "%s", pick(keywords, picks, depth-1), 1)
		}
		taken[name] = true
		chosen = append(chosen, keyword)
	}
	return "{" + strings.Join(chosen, ",") + "}"
}

func FuzzFast(f *testing.F) {
	for i, document := range odd {
		f.Add([]byte{byte(i % len(keywords)), byte(i * 7 % len(keywords)), 31, byte(i % 29), 255, 16}, []byte(document))
	}
	f.Add([]byte{3, 20, 32, 0, 23, 255, 4, 29, 1, 12, 255, 255, 22}, []byte(`{"a":"2026-01-01T00:00:00Z","b":[1,2.0,3e1]}`))
	f.Add([]byte{3, 18, 30, 0, 26, 6}, []byte(` { "x" : "a@b.c" , "\u0079" : "\u00e9\n@" } `))
	f.Fuzz(func(t *testing.T, picks, payload []byte) {
		schema := pick(keywords, &picks, 4)
		v := compile(t, schema)
		takes := v.fast != nil && v.fast.takes(payload)
		valid := eventjson.ValidJSON(payload) == nil
		if err := v.decide(payload, budget()); takes && valid && err != nil {
			t.Fatalf("%s\n%s\n%v", schema, payload, err)
		}
	})
}
