package ui

import (
	"encoding/json"
	"slices"
	"strings"
)

// sampleOf makes a payload that fits a JSON Schema, as far as the schema tells by
// types, values and bounds. It reports false where there is no schema.
func sampleOf(schema []byte) (payload json.RawMessage, ok bool) {
	var parsed map[string]any
	if json.Unmarshal(schema, &parsed) != nil || parsed == nil {
		return nil, false
	}
	payload, err := json.Marshal(sampleValue(parsed, 0))
	return payload, err == nil
}

// deepestSample bounds how deep a sample goes into schemas that are nested.
const deepestSample = 12

// sampleValue is a value that fits a schema. A schema that is no object allows all.
func sampleValue(of any, depth int) any {
	schema, _ := of.(map[string]any)
	if depth > deepestSample {
		return nil
	}
	for _, name := range []string{"const", "default"} {
		if value, given := schema[name]; given {
			return value
		}
	}
	for _, name := range []string{"enum", "examples"} {
		if values, _ := schema[name].([]any); len(values) > 0 {
			return values[0]
		}
	}
	for _, name := range []string{"anyOf", "oneOf", "allOf"} {
		if choices, _ := schema[name].([]any); len(choices) > 0 && schema["type"] == nil && schema["properties"] == nil {
			return sampleValue(choices[0], depth+1)
		}
	}
	switch typeOf(schema) {
	case "object":
		return sampleObject(schema, depth)
	case "array":
		values := []any{}
		for range int(min(numberOf(schema, "minItems", 0), 8)) {
			values = append(values, sampleValue(schema["items"], depth+1))
		}
		return values
	case "string":
		return sampleText(schema)
	case "number", "integer":
		return sampleNumber(schema)
	case "boolean":
		return true
	}
	return nil
}

// typeOf is the type of what a schema describes. Where it names several, it is the
// first.
func typeOf(schema map[string]any) string {
	switch named := schema["type"].(type) {
	case string:
		return named
	case []any:
		if len(named) > 0 {
			first, _ := named[0].(string)
			return first
		}
	}
	if schema["type"] == nil && (schema["properties"] != nil || schema["required"] != nil || len(schema) == 0) {
		return "object"
	}
	return ""
}

// sampleObject has the members that are required or, where none is, all that the schema
// names.
func sampleObject(schema map[string]any, depth int) any {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	object := map[string]any{}
	for name, member := range properties {
		if len(required) == 0 || slices.Contains(required, any(name)) {
			object[name] = sampleValue(member, depth+1)
		}
	}
	for _, one := range required {
		if name, ok := one.(string); ok && object[name] == nil && properties[name] == nil {
			object[name] = "text"
		}
	}
	return object
}

// sampleFormats are texts of the formats that schemas name.
var sampleFormats = map[string]string{
	"date-time": "2026-01-31T12:00:00Z", "date": "2026-01-31", "time": "12:00:00Z", "duration": "PT1H",
	"email": "ann@example.com", "hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
	"uri": "https://example.com/", "uuid": "0198c0de-7a1b-7c3d-8e4f-5a6b7c8d9e0f",
}

func sampleText(schema map[string]any) string {
	format, _ := schema["format"].(string)
	text, known := sampleFormats[format]
	if !known {
		text = "text"
	}
	if few := int(min(numberOf(schema, "minLength", 0), 256)); len(text) < few {
		text += strings.Repeat("x", few-len(text))
	}
	if most := int(numberOf(schema, "maxLength", 256)); !known && most >= 0 && len(text) > most {
		text = text[:most]
	}
	return text
}

func sampleNumber(schema map[string]any) float64 {
	low := numberOf(schema, "minimum", numberOf(schema, "exclusiveMinimum", 0)+1)
	step := numberOf(schema, "multipleOf", 0)
	if step > 0 {
		low = step * float64(int64(low/step+0.999999))
	}
	high := numberOf(schema, "maximum", numberOf(schema, "exclusiveMaximum", low+1)-1)
	return min(low, max(high, numberOf(schema, "minimum", high)))
}

// numberOf is a bound that a schema names.
func numberOf(schema map[string]any, name string, otherwise float64) float64 {
	if number, ok := schema[name].(float64); ok {
		return number
	}
	return otherwise
}
