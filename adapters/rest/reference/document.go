package reference

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Document is an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1), as far as
// this API needs one.
type Document struct {
	OpenAPI    string                       `json:"openapi"`
	Info       Info                         `json:"info"`
	Tags       []Tag                        `json:"tags"`
	Paths      Members[Members[*Operation]] `json:"paths"`
	Components Components                   `json:"components"`
}

// Info says what holds of all operations.
type Info struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	// Version is the version of the API, and not the server's.
	Version string   `json:"version"`
	License *License `json:"license,omitempty"`
}

// License is the license of the API.
type License struct {
	Name       string `json:"name"`
	Identifier string `json:"identifier"`
}

// Tag is a group of operations.
type Tag struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

// Operation is what one method does at one path.
type Operation struct {
	Tags        []string `json:"tags"`
	ID          string   `json:"operationId"`
	Summary     string   `json:"summary"`
	Description string   `json:"description,omitempty"`
	// Permission is what the role of the credential must permit.
	Permission string `json:"x-permission,omitempty"`
	// Security is empty where no credential is wanted, and nil where the document's is.
	Security   []map[string][]string `json:"security"`
	Parameters []Parameter           `json:"parameters,omitempty"`
	Body       *Body                 `json:"requestBody,omitempty"`
	Answers    Members[Answer]       `json:"responses"`
}

// Parameter is a part of the path, a parameter of the address, or a header.
type Parameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Description string  `json:"description,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Schema      *Schema `json:"schema"`
	Example     any     `json:"example,omitempty"`
}

// Body is what a request carries.
type Body struct {
	Required bool           `json:"required,omitempty"`
	Content  Members[Media] `json:"content"`
}

// Media is a body in one media type.
type Media struct {
	Schema  *Schema         `json:"schema,omitempty"`
	Example json.RawMessage `json:"example,omitempty"`
}

// Answer is what a request is answered with, for one status.
type Answer struct {
	// Ref leads to one of the answers of the [Components] instead.
	Ref         string          `json:"$ref,omitempty"`
	Description string          `json:"description,omitempty"`
	Headers     Members[Header] `json:"headers,omitempty"`
	Content     Members[Media]  `json:"content,omitempty"`
}

// Header is a header of an answer.
type Header struct {
	Description string  `json:"description"`
	Schema      *Schema `json:"schema"`
}

// Components are what operations share.
type Components struct {
	Schemas  Members[*Schema]   `json:"schemas"`
	Answers  Members[Answer]    `json:"responses"`
	Security Members[*Security] `json:"securitySchemes"`
}

// Security is a way to present a credential.
type Security struct {
	Type        string `json:"type"`
	Description string `json:"description"`
	Scheme      string `json:"scheme,omitempty"`
	Name        string `json:"name,omitempty"`
	In          string `json:"in,omitempty"`
}

// Schema is a JSON Schema (2020-12). Type is a string, or several.
type Schema struct {
	Ref         string           `json:"$ref,omitempty"`
	Type        any              `json:"type,omitempty"`
	Format      string           `json:"format,omitempty"`
	Description string           `json:"description,omitempty"`
	Enum        []string         `json:"enum,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Properties  Members[*Schema] `json:"properties,omitempty"`
	Items       *Schema          `json:"items,omitempty"`
	// Others is what members may be that are not named: false, or a schema.
	Others    any       `json:"additionalProperties,omitempty"`
	AnyOf     []*Schema `json:"anyOf,omitempty"`
	Minimum   *float64  `json:"minimum,omitempty"`
	Maximum   *float64  `json:"maximum,omitempty"`
	MinLength *int      `json:"minLength,omitempty"`
	MaxLength *int      `json:"maxLength,omitempty"`
	MaxItems  *int      `json:"maxItems,omitempty"`
}

// Members are the members of a JSON object, in their order.
type Members[T any] []Member[T]

// Member is one member of a JSON object.
type Member[T any] struct {
	Name  string
	Value T
}

// Get returns the value of a member, and whether there is one.
func (m Members[T]) Get(name string) (value T, found bool) {
	for i := range m {
		if m[i].Name == name {
			return m[i].Value, true
		}
	}
	return value, false
}

// MarshalJSON implements [json.Marshaler].
func (m Members[T]) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, member := range m {
		if i > 0 {
			out = append(out, ',')
		}
		name, err := json.Marshal(member.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(member.Value)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	return append(out, '}'), nil
}

// UnmarshalJSON implements [json.Unmarshaler].
func (m *Members[T]) UnmarshalJSON(text []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return fmt.Errorf("no object: %v, %w", token, err)
	}
	*m = nil
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		member := Member[T]{Name: name.(string)}
		if err := decoder.Decode(&member.Value); err != nil {
			return err
		}
		*m = append(*m, member)
	}
	return nil
}
