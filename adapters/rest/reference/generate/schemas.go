package main

import (
	"encoding/json"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest/reference"
	"github.com/eventflow-go/eventflow/core"
)

// schemas makes schemas of types. Types with names are made once, and referred to.
type schemas struct {
	*comments
	made  reference.Members[*reference.Schema]
	types map[string]reflect.Type
	// closed says that what is made is for requests: members that it does not name are
	// refused. Requests come first, so that what answers share with them is closed, too.
	closed bool
}

// plainTypes are the types that JSON writes otherwise than reflection would tell.
var plainTypes = map[reflect.Type]reference.Schema{
	reflect.TypeFor[core.ID]():         {Type: "string", Format: "uuid"},
	reflect.TypeFor[core.Offset]():     {Type: "integer", Format: "int64"},
	reflect.TypeFor[core.Seconds]():    {Type: "number", Description: "In seconds."},
	reflect.TypeFor[core.Time]():       {Type: "string", Format: "date-time"},
	reflect.TypeFor[time.Time]():       {Type: "string", Format: "date-time"},
	reflect.TypeFor[json.RawMessage](): {},
	reflect.TypeFor[any]():             {},
	reflect.TypeFor[core.Start](): {AnyOf: []*reference.Schema{
		{Type: "string", Enum: []string{"start", "end"}}, {Type: "integer", Format: "int64", Minimum: new(0.0)}, {Type: "string", Format: "date-time"},
	}},
	reflect.TypeFor[core.Destination](): {
		Type: "object", Description: "Where events go: its type, and what the connector wants to know.",
		Required: []string{"type"}, Properties: reference.Members[*reference.Schema]{{Name: "type", Value: &reference.Schema{Type: "string"}}},
		Others: true,
	},
}

func (s *schemas) of(t reflect.Type) *reference.Schema {
	if plain, ok := plainTypes[t]; ok {
		return &plain
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Slice:
		return &reference.Schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Map:
		return &reference.Schema{Type: "object", Others: s.of(t.Elem())}
	case reflect.Struct:
		return s.named(t, s.structure)
	case reflect.String:
		if len(s.enums[qualified(t)]) > 0 {
			return s.named(t, s.enum)
		}
		return &reference.Schema{Type: "string"}
	case reflect.Bool:
		return &reference.Schema{Type: "boolean"}
	case reflect.Float64:
		return &reference.Schema{Type: "number"}
	case reflect.Int64, reflect.Int:
		return &reference.Schema{Type: "integer", Format: "int64"}
	case reflect.Int32:
		return &reference.Schema{Type: "integer", Format: "int32"}
	}
	panic(fmt.Sprintf("%v is not known in JSON", t))
}

func qualified(t reflect.Type) string { return packageOf(t) + "." + t.Name() }

// packageOf is the name of the package of a type. A test knows this one by its path.
func packageOf(t reflect.Type) string {
	if name := path.Base(t.PkgPath()); name != "generate" {
		return name
	}
	return "main"
}

// component is the name of a type in the document. A list of something is named for it.
func component(t reflect.Type) string {
	outer, inner, generic := strings.Cut(strings.TrimSuffix(t.Name(), "]"), "[")
	if !generic {
		return outer
	}
	return inner[strings.LastIndex(inner, ".")+1:] + outer
}

// named makes the schema of a type that has a name, unless it is there.
func (s *schemas) named(t reflect.Type, build func(*reference.Schema, reflect.Type)) *reference.Schema {
	name := component(t)
	if known, ok := s.types[name]; ok && known != t {
		panic(fmt.Sprintf("%v and %v have one name", known, t))
	}
	if s.types[name] == nil {
		s.types[name] = t
		made := &reference.Schema{}
		s.made = append(s.made, reference.Member[*reference.Schema]{Name: name, Value: made})
		build(made, t)
	}
	return &reference.Schema{Ref: "#/components/schemas/" + name}
}

func (s *schemas) enum(into *reference.Schema, t reflect.Type) {
	prefix, _, _ := strings.Cut(qualified(t), ".")
	into.Type, into.Description = "string", s.plain(prefix+".", s.comments.types[qualified(t)], nil)
	for _, value := range s.enums[qualified(t)] {
		into.Enum = append(into.Enum, value.value)
		if value.doc != "" && len(strings.Fields(value.doc)) > 2 {
			_, says, _ := strings.Cut(s.plain(prefix+".", value.doc, nil), " ")
			into.Description += "\n\n`" + value.value + "`: " + says
		}
	}
}

func (s *schemas) structure(into *reference.Schema, t reflect.Type) {
	name, names := component(t), map[string]string{}
	fields := visible(t)
	for _, field := range fields {
		names[field.Name] = field.json
	}
	prefix := packageOf(t) + "."
	into.Type = "object"
	if base, _, _ := strings.Cut(qualified(t), "["); base == qualified(t) {
		into.Description = s.plain(prefix, s.comments.types[base], names)
	} else {
		into.Description = "A page of a list."
	}
	if s.closed {
		into.Others = false
	}
	for _, field := range fields {
		made := s.of(field.Type)
		holder := packageOf(field.holder) + "."
		base, _, _ := strings.Cut(field.holder.Name(), "[")
		if doc := s.plain(holder, s.fields[holder+base][field.Name], names); doc != "" {
			made.Description = strings.TrimSpace(doc + " " + made.Description)
		}
		bound(made, name, field.json)
		if s.mayBeNull(name, field) {
			made = orNull(made)
		}
		into.Properties = append(into.Properties, reference.Member[*reference.Schema]{Name: field.json, Value: made})
		if !s.closed && !field.omitted && !slices.Contains(sometimes[name], field.json) {
			into.Required = append(into.Required, field.json)
		}
	}
	if s.closed {
		into.Required = needed[name]
	}
}

// mayBeNull reports whether a member is null in an answer where there is nothing. In a request
// null is the same as nothing at all.
func (s *schemas) mayBeNull(component string, field visibleField) bool {
	kind := field.Type.Kind()
	if s.closed {
		return (kind == reflect.Pointer || kind == reflect.Slice || kind == reflect.Map) && !slices.Contains(needed[component], field.json)
	}
	return kind == reflect.Pointer && !field.omitted
}

// orNull is a schema that takes null, too.
func orNull(schema *reference.Schema) *reference.Schema {
	if kind, ok := schema.Type.(string); ok {
		schema.Type = []string{kind, "null"}
		return schema
	}
	if schema.Ref == "" && schema.AnyOf == nil {
		return schema // it may be anything
	}
	if schema.AnyOf != nil {
		schema.AnyOf = append(slices.Clip(schema.AnyOf), &reference.Schema{Type: "null"})
		return schema
	}
	return &reference.Schema{Description: schema.Description, AnyOf: []*reference.Schema{{Ref: schema.Ref}, {Type: "null"}}}
}

// visibleField is a field of a struct as JSON has it. holder is the struct that declares it.
type visibleField struct {
	reflect.StructField
	holder  reflect.Type
	depth   int
	json    string
	omitted bool
}

// visible returns the fields that JSON has of a struct, those of embedded structs included. Of
// two that have one name, the outer one counts. [reflect.VisibleFields] would leave out what
// an embedded struct's own name hides, which JSON does not.
func visible(t reflect.Type) []visibleField {
	depth := map[string]int{}
	all := fieldsOf(t, 0, depth)
	return slices.DeleteFunc(all, func(f visibleField) bool {
		return f.depth != depth[f.json] || f.Type == reflect.TypeFor[*never]()
	})
}

// fieldsOf notes how deep the outermost field of each name is.
func fieldsOf(t reflect.Type, at int, depth map[string]int) (all []visibleField) {
	for field := range t.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "":
			inner := field.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			all = append(all, fieldsOf(inner, at+1, depth)...)
		case name != "-" && field.IsExported():
			if outer, ok := depth[name]; !ok || at < outer {
				depth[name] = at
			}
			all = append(all, visibleField{field, t, at, name, strings.HasPrefix(options, "omit")})
		}
	}
	return all
}
