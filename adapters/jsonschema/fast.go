package jsonschema

import (
	"encoding/json"
	"math"
	"reflect"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A node is one schema of a tree that accepts ("takes") payloads as they are
// written, without decoding them. It exists for speed alone.
//
// One rule holds for all that follows: a node may take only what the full
// validator takes. It need not take all of that. Where a payload is unusual, or a
// check would be long, it says no, and the full validator decides.
type node struct {
	kinds   kinds      // the kinds of value that may be written here
	choices []*choices // enum and const: a value must be in each

	minLength, maxLength int
	pattern              *pattern
	format               *format

	limits *limits

	minItems, maxItems int
	items              *node // nil takes anything

	minProperties, maxProperties int
	properties                   map[string]property
	required                     uint64 // the bits of the properties that must be there
	rest                         *node  // for properties that are not listed; nil takes anything
}

// property is what a node knows about a key of an object.
type property struct {
	value *node  // nil takes anything
	bit   uint64 // set if it is required
}

// kinds is a set of kinds of value, as far as they can be told apart while reading.
// They are finer than the types of JSON, so that a schema of integers, or one that
// takes only true, is such a set.
type kinds uint8

const (
	isNull kinds = 1 << iota
	isTrue
	isFalse
	isInteger  // however it is written: 1.0 and 1e2 are integers
	isFraction // a number that is no integer
	isString
	isArray
	isObject

	isNumber = isInteger | isFraction
	isAny    = math.MaxUint8
)

// anything takes whatever is well-formed. All validators share it, so it must not
// be changed.
var anything = newNode()

func newNode() *node {
	return &node{
		kinds: isAny, maxLength: math.MaxInt, maxItems: math.MaxInt, maxProperties: math.MaxInt,
	}
}

// translate makes the tree of a schema. It reports false if the schema has a keyword
// that a node does not have. Among these are references, so a tree has an end.
func translate(schema *jsonschema.Schema) (n *node, ok bool) {
	n = newNode()
	if schema.Bool != nil {
		if !*schema.Bool {
			n.kinds = 0
		}
		return n, true
	}
	if !understood(schema) {
		return nil, false
	}
	n.setKinds(schema)
	n.setChoices(schema)
	n.limits = newLimits(schema)
	n.minLength, n.maxLength = bounds(schema.MinLength, schema.MaxLength)
	n.minItems, n.maxItems = bounds(schema.MinItems, schema.MaxItems)
	n.minProperties, n.maxProperties = bounds(schema.MinProperties, schema.MaxProperties)
	if schema.Format != nil {
		if schema.Format.Name == regexFormat.Name {
			return nil, false // takes long
		}
		n.format = &format{certain: certain[schema.Format.Name], decide: schema.Format.Validate}
	}
	return n, n.setPattern(schema) && n.setItems(schema) && n.setProperties(schema)
}

// translated are the fields of a schema that translate reads and, below, those that
// say nothing about a payload.
var translated = map[string]bool{
	"Types": true, "Enum": true, "Const": true, "Format": true, "Pattern": true,
	"MinLength": true, "MaxLength": true, "MinItems": true, "MaxItems": true,
	"MinProperties": true, "MaxProperties": true, "Required": true,
	"Minimum": true, "Maximum": true, "ExclusiveMinimum": true, "ExclusiveMaximum": true,
	"Properties": true, "AdditionalProperties": true, "Items": true, "Items2020": true,

	"Bool": true, "DraftVersion": true, "Location": true, "ID": true, "Anchor": true,
	"DynamicAnchor": true, "RecursiveAnchor": true, "Title": true, "Description": true,
	"Default": true, "Comment": true, "ReadOnly": true, "WriteOnly": true,
	"Examples": true, "Deprecated": true,
}

// understood reports whether a schema has only keywords that are translated. It
// goes through the fields by reflection. So a keyword that a later version of the
// library adds is not understood, and the full validator decides; it would
// otherwise be overlooked.
func understood(schema *jsonschema.Schema) bool {
	for field, value := range reflect.ValueOf(schema).Elem().Fields() {
		if field.IsExported() && !translated[field.Name] && !value.IsZero() {
			return false
		}
	}
	return true
}

func bounds(low, high *int) (lowest, highest int) {
	highest = math.MaxInt
	if low != nil {
		lowest = *low
	}
	if high != nil {
		highest = *high
	}
	return lowest, highest
}

// kindsOf has the kinds that each type of JSON Schema may be.
var kindsOf = map[string]kinds{
	"null": isNull, "boolean": isTrue | isFalse, "integer": isInteger, "number": isNumber,
	"string": isString, "array": isArray, "object": isObject,
}

func (n *node) setKinds(schema *jsonschema.Schema) {
	if schema.Types == nil || schema.Types.IsEmpty() {
		return
	}
	n.kinds = 0
	for _, name := range schema.Types.ToStrings() {
		n.kinds |= kindsOf[name]
	}
}

func (n *node) setPattern(schema *jsonschema.Schema) (ok bool) {
	if schema.Pattern == nil {
		return true
	}
	n.pattern, ok = schema.Pattern.(*pattern)
	return ok && n.pattern.small != nil
}

func (n *node) setItems(schema *jsonschema.Schema) (ok bool) {
	items := schema.Items2020
	if schema.Items != nil { // before 2020-12, where it can be a list too
		if items, ok = schema.Items.(*jsonschema.Schema); !ok {
			return false
		}
	}
	if items == nil {
		return true
	}
	n.items, ok = translate(items)
	return ok
}

func (n *node) setProperties(schema *jsonschema.Schema) (ok bool) {
	switch rest := schema.AdditionalProperties.(type) {
	case bool:
		if !rest {
			n.rest = &node{}
		}
	case *jsonschema.Schema:
		if n.rest, ok = translate(rest); !ok {
			return false
		}
	}
	n.properties = make(map[string]property, len(schema.Properties))
	for name, value := range schema.Properties {
		translation, ok := translate(value)
		if !ok {
			return false
		}
		n.properties[name] = property{value: translation}
	}
	if len(schema.Required) > 64 {
		return false
	}
	for i, name := range schema.Required {
		p, listed := n.properties[name]
		if !listed {
			p.value = n.rest
		}
		p.bit |= 1 << i // a name that is listed twice has two bits
		n.required |= 1 << i
		n.properties[name] = p
	}
	return true
}

// choices are the values that an enum lists. Objects and arrays are left out, and
// so are numbers that are not exact as a decimal: the full validator compares
// those.
type choices struct {
	kinds   kinds // those of null, true and false that are listed
	strings map[string]bool
	numbers []decimal
}

func (n *node) setChoices(schema *jsonschema.Schema) {
	if schema.Enum != nil {
		n.choices = append(n.choices, newChoices(schema.Enum.Values))
	}
	if schema.Const != nil {
		n.choices = append(n.choices, newChoices([]any{*schema.Const}))
	}
}

func newChoices(values []any) *choices {
	c := &choices{strings: map[string]bool{}}
	for _, value := range values {
		switch value := value.(type) {
		case nil:
			c.kinds |= isNull
		case bool:
			if value {
				c.kinds |= isTrue
			} else {
				c.kinds |= isFalse
			}
		case string:
			c.strings[value] = true
		case json.Number:
			if number, ok := parseDecimal([]byte(value)); ok {
				c.numbers = append(c.numbers, number)
			}
		}
	}
	return c
}
