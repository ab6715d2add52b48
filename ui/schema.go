package ui

import (
	"encoding/json"
	"maps"
	"slices"
)

// inferSchema makes a JSON Schema from a sample, which fits it. The members of the
// sample are required, and other members are allowed.
func inferSchema(sample []byte) (string, error) {
	var value any
	if err := json.Unmarshal(sample, &value); err != nil {
		return "", err
	}
	schema := schemaOf(value)
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	text, err := json.MarshalIndent(schema, "", "  ")
	return string(text), err
}

func schemaOf(value any) map[string]any {
	switch value := value.(type) {
	case map[string]any:
		properties := map[string]any{}
		for name, member := range value {
			properties[name] = schemaOf(member)
		}
		return map[string]any{"type": "object", "properties": properties, "required": slices.Sorted(maps.Keys(value))}
	case []any:
		if len(value) == 0 {
			return map[string]any{"type": "array"}
		}
		return map[string]any{"type": "array", "items": schemaOf(value[0])}
	case string:
		return map[string]any{"type": "string"}
	case float64:
		return map[string]any{"type": "number"}
	case bool:
		return map[string]any{"type": "boolean"}
	}
	return map[string]any{}
}
