package jsonschema

import (
	"reflect"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// scope is a schema on the way from the root to the one that is evaluated. Only
// schemas with dynamic references need the way: such a reference leads to the
// outermost schema of a name.
type scope struct {
	schema *jsonschema.Schema
	parent *scope
	// fresh says that the value is another one than the parent's.
	fresh bool
}

// enter notes the way. It reports false where a schema comes back to itself on the
// same value, which would never end.
func (e *evaluation) enter(schema *jsonschema.Schema) (ok bool) {
	if e.schema.dynamics == nil {
		return true
	}
	entered := &scope{schema, e.scope, e.fresh}
	e.fresh = false
	for at := entered; !at.fresh && at.parent != nil; at = at.parent {
		if at.parent.schema == schema || !e.budget.Spend(1) {
			e.report.say("the schema refers to itself without going further into the payload")
			return false
		}
	}
	e.scope = entered
	return true
}

func (e *evaluation) exit() {
	if e.scope != nil {
		e.scope = e.scope.parent
	}
}

// dynamicReferences holds a value to the schemas that dynamic references lead to.
func (e *evaluation) dynamicReferences(f *frame) (more bool) {
	if to := f.schema.RecursiveRef; to != nil {
		if to.RecursiveAnchor {
			to = e.outermost(to, func(at *jsonschema.Schema) *jsonschema.Schema {
				if e.schema.dynamics[at].recursive {
					return at
				}
				return nil
			})
		}
		if !e.must(f, e.same(f, to)) {
			return false
		}
	}
	if reference := f.schema.DynamicRef; reference != nil {
		to := reference.Ref
		if reference.Anchor != "" && to.DynamicAnchor == reference.Anchor {
			to = e.outermost(to, func(at *jsonschema.Schema) *jsonschema.Schema {
				return e.schema.dynamics[at].anchors[reference.Anchor]
			})
		}
		return e.must(f, e.same(f, to))
	}
	return true
}

// outermost returns what the outermost schema has on the way here that has it.
func (e *evaluation) outermost(otherwise *jsonschema.Schema, of func(*jsonschema.Schema) *jsonschema.Schema) *jsonschema.Schema {
	for at := e.scope; at != nil && e.budget.Spend(1); at = at.parent {
		if found := of(at.schema); found != nil {
			otherwise = found
		}
	}
	return otherwise
}

// dynamics is what dynamic references ask about a schema: what the one with the
// address that it belongs to says.
type dynamics struct {
	anchors   map[string]*jsonschema.Schema
	recursive bool
}

func dynamicsOf(schema *jsonschema.Schema) dynamics {
	return dynamics{anchorsOf(schema), resourceOf(schema).RecursiveAnchor}
}

// resourceOf returns the schema with an address that a schema belongs to. The library
// knows it and does not export it. A test holds that it is found.
func resourceOf(schema *jsonschema.Schema) *jsonschema.Schema {
	if field := reflect.ValueOf(schema).Elem().FieldByName("resource"); field.IsValid() && field.Kind() == reflect.Pointer && !field.IsNil() {
		return (*jsonschema.Schema)(field.UnsafePointer())
	}
	return schema
}

// anchorsOf returns the schemas with a dynamic name that belong to the same address
// as a schema.
func anchorsOf(schema *jsonschema.Schema) map[string]*jsonschema.Schema {
	field := reflect.ValueOf(resourceOf(schema)).Elem().FieldByName("dynamicAnchors")
	if !field.IsValid() || field.Kind() != reflect.Map {
		return nil
	}
	anchors := make(map[string]*jsonschema.Schema, field.Len())
	for all := field.MapRange(); all.Next(); {
		anchors[all.Key().String()] = (*jsonschema.Schema)(all.Value().UnsafePointer())
	}
	return anchors
}
