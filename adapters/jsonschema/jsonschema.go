// Package jsonschema holds payloads to JSON Schemas, of draft 2020-12 where a
// schema does not name another one.
//
// There are two validators. The full one is a library's: it decodes a payload and
// decides. The fast one (fast.go) reads the payload as it is written, and only ever
// says yes. Whatever it does not accept goes to the full one, so no answer depends
// on which of the two gave it.
package jsonschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/compat"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// Compiler implements [core.SchemaCompiler]. It is safe for concurrent use.
type Compiler struct{}

// New returns a compiler.
func New() *Compiler { return &Compiler{} }

// root is the address that a schema gets. Nothing is ever loaded from it. It has a
// path, so that a relative reference to another document leads to an address at
// which there is nothing, and not to the schema itself.
const (
	base = "eventflow:///"
	root = base + "schema"
)

// Compile implements [core.SchemaCompiler].
func (*Compiler) Compile(schema []byte) (core.Schema, error) { return compileWithin(forNew, schema) }

// Reopen implements [core.SchemaCompiler].
func (*Compiler) Reopen(schema []byte) (core.Schema, error) { return compileWithin(forStored, schema) }

func compileWithin(limits allowance, schema []byte) (core.Schema, error) {
	document, err := documentOf(schema)
	if err != nil {
		return nil, err
	}
	patterns := &patterns{limits: limits.patterns, known: map[string]*pattern{}}
	if err := limits.check(document, patterns); err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.RegisterFormat(dateTime)
	compiler.UseRegexpEngine(patterns.compile)
	// Without a scheme to load by, no reference makes the server read a file or
	// connect to anybody.
	compiler.UseLoader(jsonschema.SchemeURLLoader{})
	if err := compiler.AddResource(root, document); err != nil {
		return nil, core.Invalid("schema", "%v", err)
	}
	compiled, err := compiler.Compile(root)
	if err != nil {
		return nil, schemaFault(err)
	}
	if err := sound(compiled); err != nil {
		return nil, err
	}
	if limits.perValue > 0 {
		if err := affordable(limits, compiled); err != nil {
			return nil, err
		}
		if why, empty := compat.Empty(schema); empty {
			return nil, core.Invalid(cut(why.Place, maxPlace), "%s, so no payload fits", why.Reason)
		}
	}
	return newValidator(compiled), nil
}

// documentOf decodes a schema.
func documentOf(schema []byte) (document any, err error) {
	if err := eventjson.ValidJSON(schema); err != nil {
		return nil, err
	}
	if document, err = jsonschema.UnmarshalJSON(bytes.NewReader(schema)); err != nil {
		return nil, core.Invalid("schema", "is not JSON")
	}
	if path, found := incalculable(document); found {
		return nil, core.Invalid(schemaPath(path), "%s", beyondExponent)
	}
	return document, nil
}

// schemaFault names the place of a schema's fault, without the address that the
// schema was given.
func schemaFault(err error) error {
	var invalid *jsonschema.SchemaValidationError
	var nested *jsonschema.ValidationError
	if errors.As(err, &invalid) && errors.As(invalid.Err, &nested) {
		fault := &core.Error{Code: core.CodeValidation, Details: details(nested, schemaPath)}
		fault.Message = fault.Details[0].Field + ": " + fault.Details[0].Reason
		return fault
	}
	if elsewhere, is := errors.AsType[*jsonschema.LoadURLError](err); is {
		const reason = "refers to %q, which is never loaded: a $ref may lead to places within the schema only, as #/$defs/name, and $schema to a draft of JSON Schema"
		return core.Invalid("schema", reason, cut(strings.TrimPrefix(elsewhere.URL, base), maxPlace))
	}
	text := strings.ReplaceAll(err.Error(), root+"#/", "schema/")
	return core.Invalid("schema", "%s", strings.ReplaceAll(text, base, ""))
}

func mismatch(details []core.Detail) error {
	return &core.Error{
		Code: core.CodeSchemaMismatch, Details: details,
		Message: details[0].Field + ": " + details[0].Reason,
	}
}

// maxExponent bounds the exponents of numbers. The full validator calculates with
// fractions of whole numbers, which grow with the exponent: 1e-999999 takes it
// milliseconds, and at 1e-9999999 it panics. No float64 needs more than 324.
const maxExponent = 400

const beyondExponent = "has an exponent beyond ±400"

// incalculable finds a number in a decoded value that has too large an exponent.
func incalculable(value any) (path []string, found bool) {
	switch value := value.(type) {
	case json.Number:
		i := strings.IndexAny(string(value), "eE")
		if i < 0 {
			return nil, false
		}
		exponent, err := strconv.Atoi(string(value[i+1:]))
		return nil, err != nil || exponent < -maxExponent || exponent > maxExponent
	case []any:
		for i, element := range value {
			if path, found = incalculable(element); found {
				return append([]string{strconv.Itoa(i)}, path...), true
			}
		}
	case map[string]any:
		for key, member := range value {
			below, here := incalculable(member)
			// A map is walked in any order. The least key makes every refusal of a
			// payload the same.
			if here && (!found || key < path[0]) {
				path, found = append([]string{key}, below...), true
			}
		}
	}
	return path, found
}

// schemaPath writes a place of a schema as a JSON pointer.
func schemaPath(path []string) string {
	var b strings.Builder
	b.WriteString("schema")
	for _, step := range path {
		b.WriteString("/" + pointerEscapes.Replace(cut(step, maxPlace)))
	}
	return cut(b.String(), maxPlace)
}

// maxPlace bounds the text of a place, in bytes: names may be as long as a payload.
const maxPlace = 500

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// payloadPath writes a place as the rest of the product does: payload.a.b[3].
func payloadPath(path []string) string {
	var b strings.Builder
	b.WriteString("payload")
	for _, step := range path {
		if _, err := strconv.Atoi(step); err == nil {
			fmt.Fprintf(&b, "[%s]", step)
		} else {
			b.WriteString("." + cut(step, maxPlace))
		}
	}
	return cut(b.String(), maxPlace)
}

// maxDetails bounds how many places an error names: a payload may be wrong in as
// many places as it has values.
const maxDetails = 20

// details lists the innermost failures, in the order of their places, as many as are
// told. The outer ones only say that something within them is wrong.
func details(err *jsonschema.ValidationError, place func([]string) string) []core.Detail {
	type failure struct {
		err *jsonschema.ValidationError
		key *jsonschema.ValidationError // whose name is wrong, if it is a name
	}
	var failures []failure
	var walk func(err, key *jsonschema.ValidationError)
	walk = func(err, key *jsonschema.ValidationError) {
		if _, keys := err.ErrorKind.(*kind.PropertyNames); keys {
			// A key that is wrong has no place of its own, and the library is not
			// dependable about the place of its object. So the reason names the key.
			key = err
		}
		for _, cause := range err.Causes {
			walk(cause, key)
		}
		if _, group := err.ErrorKind.(*kind.Group); len(err.Causes) == 0 && !group {
			failures = append(failures, failure{err, key})
		}
	}
	walk(err, nil)
	slices.SortStableFunc(failures, func(a, b failure) int {
		return slices.Compare(a.err.InstanceLocation, b.err.InstanceLocation)
	})
	r := newReport()
	for _, f := range failures {
		key := ""
		if f.key != nil {
			key = reasonOf(f.key.ErrorKind, r.printer) + ": "
		}
		if !r.wants() {
			break
		}
		r.details = append(r.details, core.Detail{
			Field: place(f.err.InstanceLocation), Reason: cut(key+reasonOf(f.err.ErrorKind, r.printer), 2*maxReason),
		})
	}
	if len(r.details) == 0 {
		r.details = []core.Detail{{Field: place(nil), Reason: "does not match the schema"}}
	}
	sortDetails(r.details)
	return r.details
}

// dateTime is the format date-time: the times that events take, and no others.
var dateTime = &jsonschema.Format{Name: "date-time", Validate: func(value any) error {
	text, isText := value.(string)
	if _, ok := core.ParseTime(text); isText && !ok {
		return errors.New("must be an RFC 3339 time")
	}
	return nil
}}
