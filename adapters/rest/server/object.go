package server

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
)

// readObject reads a body that is a JSON object into a struct. Unlike
// encoding/json alone, it takes names exactly as they are written, at every
// depth, and refuses fields that the struct does not have.
func (c *call) readObject(into any) error {
	if err := c.wantJSON(); err != nil {
		return err
	}
	body, err := c.readBody()
	if err != nil {
		return err
	}
	if err := eventjson.ValidJSON(body); err != nil {
		return err
	}
	if err := checkNames("", body, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	err = json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	if err := misfit("", body, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	return fmt.Errorf("decoding a body: %w", err) // a bug: no field of it is at fault
}

// misfit returns the error about the first value that the type cannot take.
// encoding/json knows only that there is one: it names no element of an array,
// and no field whose type decodes itself, as ids and times do.
func misfit(path string, value json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var parts []part
	if !decodesItself(t) {
		parts = partsOf(path, value, t)
	}
	for _, part := range parts {
		if err := misfit(part.path, part.value, part.kind); err != nil {
			return err
		}
	}
	if parts != nil || path == "" {
		return nil
	}
	return misfitOf(path, t, json.Unmarshal(value, reflect.New(t).Interface()))
}

// part is a value in an object or an array: where it is in the body, and the
// type of its field.
type part struct {
	path  string
	value json.RawMessage
	kind  reflect.Type
}

// partsOf takes a value apart. It returns nil for one that has no parts.
func partsOf(path string, value json.RawMessage, t reflect.Type) (parts []part) {
	switch t.Kind() {
	case reflect.Slice:
		var elements []json.RawMessage
		if t.Elem().Kind() == reflect.Uint8 || json.Unmarshal(value, &elements) != nil {
			return nil
		}
		for i, element := range elements {
			parts = append(parts, part{path + "[" + strconv.Itoa(i) + "]", element, t.Elem()})
		}
	case reflect.Struct:
		var members map[string]json.RawMessage
		if json.Unmarshal(value, &members) != nil {
			return nil
		}
		for _, field := range reflect.VisibleFields(t) { // with those of embedded structs
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if member, ok := members[name]; ok {
				parts = append(parts, part{inside(path, name), member, field.Type})
			}
		}
	}
	return parts
}

// inside is where a member of an object is.
func inside(path, name string) string { return strings.TrimPrefix(path+"."+name, ".") }

// misfitOf says why a value does not fit.
func misfitOf(path string, t reflect.Type, err error) error {
	if err == nil {
		return nil
	}
	if wrongType, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		want, kind := jsonType(wrongType.Type), wrongType.Value
		if rightKind(wrongType.Type, kind) { // a text that is no time, or too large a number
			return core.Invalid(path, "must be %s", want)
		}
		return core.Invalid(path, "must be %s, not %s", want, article(kind))
	}
	if t == reflect.TypeFor[time.Time]() {
		return core.Invalid(path, "must be %s", jsonType(t))
	}
	return core.Invalid(path, "%v", err) // an id says of itself how it looks
}

// rightKind reports whether a field takes other values of the kind that it was given.
func rightKind(t reflect.Type, kind string) bool {
	number := strings.HasPrefix(kind, "number")
	switch t {
	case reflect.TypeFor[time.Time]():
		return kind == "string"
	case reflect.TypeFor[core.Start]():
		return kind == "string" || number
	case reflect.TypeFor[core.Seconds]():
		return number
	}
	return false
}

func article(noun string) string {
	if noun == "null" {
		return noun
	}
	if strings.ContainsRune("aeio", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}

// checkNames refuses members that the type does not have. path is where the
// value is in the body.
func checkNames(path string, value json.RawMessage, t reflect.Type) error {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case string(value) == "null" && path != "", decodesItself(t):
		return nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return checkElements(path, value, t.Elem())
	case t.Kind() != reflect.Struct:
		return nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(value, &members) != nil || members == nil {
		if path == "" {
			return core.Invalid("body", "must be a JSON object")
		}
		return core.Invalid(path, "must be a JSON object")
	}
	fields := map[string]reflect.Type{}
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		fields[name] = field.Type
	}
	for name, member := range members {
		inner := inside(path, name)
		field, ok := fields[name]
		if !ok {
			return core.Invalid(inner, "is not a field of this request")
		}
		if err := checkNames(inner, member, field); err != nil {
			return err
		}
	}
	return nil
}

func checkElements(path string, value json.RawMessage, t reflect.Type) error {
	var elements []json.RawMessage
	if json.Unmarshal(value, &elements) != nil {
		return nil //nolint:nilerr // the decoder says it better
	}
	for i, element := range elements {
		if err := checkNames(path+"["+strconv.Itoa(i)+"]", element, t); err != nil {
			return err
		}
	}
	return nil
}

// decodesItself reports whether a type has its own way of being decoded.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// jsonType says which JSON value a field takes, with its article.
func jsonType(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[core.Start]():
		return `"start", "end", an offset of 0 or more, or a time as in RFC 3339`
	case reflect.TypeFor[time.Time]():
		return "a time as in RFC 3339, such as 2006-01-02T15:04:05Z"
	case reflect.TypeFor[core.Seconds]():
		return "a number of seconds, at most 1000000000"
	}
	switch t.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Bool:
		return "true or false"
	}
	return "a string"
}
