// Package jsonschema holds payloads to JSON Schemas (2020-12 where a schema
// does not say otherwise).
package jsonschema

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/eventflow-go/eventflow/core"
)

// Compiler implements [core.SchemaCompiler]. It is safe for concurrent use.
type Compiler struct{}

// New returns a compiler.
func New() *Compiler { return &Compiler{} }

// root is the address a schema gets; nothing is ever loaded from it.
const root = "eventflow:schema"

// Compile implements [core.SchemaCompiler].
func (*Compiler) Compile(schema []byte) (core.Schema, error) {
	if err := core.ValidJSON(schema); err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, core.Invalid("schema", "is not JSON")
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	if err := compiler.AddResource(root, document); err != nil {
		return nil, core.Invalid("schema", "%v", err)
	}
	compiled, err := compiler.Compile(root)
	if err != nil {
		return nil, schemaFault(err)
	}
	return &schemaValidator{compiled}, nil
}

// schemaFault names the place of a schema's fault.
func schemaFault(err error) error {
	var invalid *jsonschema.SchemaValidationError
	var nested *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &nested) {
		fault := &core.Error{Code: core.CodeValidation, Details: details(nested, func(path []string) string {
			return strings.Join(append([]string{"schema"}, path...), "/")
		})}
		fault.Message = fault.Details[0].Field + ": " + fault.Details[0].Reason
		return fault
	}
	text := strings.ReplaceAll(err.Error(), root+"#", "schema")
	return core.Invalid("schema", "%s", strings.ReplaceAll(text, root, "schema"))
}

// schemaValidator implements [core.Schema].
type schemaValidator struct{ schema *jsonschema.Schema }

// Validate implements [core.Schema].
func (v *schemaValidator) Validate(payload []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return core.Invalid("payload", "is not JSON")
	}
	err = v.schema.Validate(value)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	refusal := &core.Error{Code: core.CodeSchemaMismatch, Details: details(invalid, payloadPath)}
	refusal.Message = refusal.Details[0].Field + ": " + refusal.Details[0].Reason
	return refusal
}

// payloadPath writes a place as the rest of the product does: payload.a.b[3].
func payloadPath(path []string) string {
	var b strings.Builder
	b.WriteString("payload")
	for _, step := range path {
		if _, err := strconv.Atoi(step); err == nil {
			fmt.Fprintf(&b, "[%s]", step)
		} else {
			b.WriteString("." + step)
		}
	}
	return b.String()
}

// maxDetails bounds how many places an error names.
const maxDetails = 20

// details lists the innermost failures, in the order of their places.
func details(err *jsonschema.ValidationError, place func([]string) string) []core.Detail {
	var all []core.Detail
	printer := message.NewPrinter(language.English)
	var walk func(*jsonschema.ValidationError)
	walk = func(err *jsonschema.ValidationError) {
		for _, cause := range err.Causes {
			walk(cause)
		}
		if _, group := err.ErrorKind.(*kind.Group); len(err.Causes) == 0 && !group {
			all = append(all, core.Detail{Field: place(err.InstanceLocation), Reason: reason(err.ErrorKind.LocalizedString(printer))})
		}
	}
	walk(err)
	sort.Slice(all, func(i, j int) bool {
		return all[i].Field < all[j].Field || all[i].Field == all[j].Field && all[i].Reason < all[j].Reason
	})
	if len(all) == 0 {
		all = []core.Detail{{Field: place(nil), Reason: "does not fit the schema"}}
	}
	return all[:min(len(all), maxDetails)]
}

// maxReason bounds a reason: it may quote the value.
const maxReason = 200

func reason(text string) string {
	if len(text) <= maxReason {
		return text
	}
	return strings.ToValidUTF8(text[:maxReason], "") + "…"
}
