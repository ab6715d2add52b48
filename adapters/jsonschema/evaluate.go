package jsonschema

import (
	"encoding/json"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/eventflow-go/eventflow/core"
)

// evaluation holds one decoded payload to a schema. It follows the keywords as the
// library's own validator does, which the tests hold it to, and differs in three
// things: it spends from a budget, it ends when that does, and it makes no more
// errors than are told.
type evaluation struct {
	schema *schemaValidator
	budget *core.Budget
	// report takes the errors. Without one only the verdict counts, and a schema is
	// left at its first failure.
	report *report
	// scope is the way here, for schemas with dynamic references, and otherwise nil.
	scope *scope
	// fresh says that the next schema is for another value than the one before.
	fresh bool
	// depth is how many schemas are being evaluated within each other.
	depth int
}

// deepestEvaluation bounds the depth, and by that the stack.
const deepestEvaluation = 4000

// frame is a schema on a value.
type frame struct {
	schema *jsonschema.Schema
	value  any
	// rest is what no keyword has looked at yet, for unevaluatedProperties and
	// unevaluatedItems.
	rest  *rest
	holds bool
}

// must notes whether a keyword holds, and reports whether to look at others.
func (e *evaluation) must(f *frame, holds bool) (more bool) {
	f.holds = f.holds && holds
	return f.holds || e.report.wants()
}

// fails notes that a keyword does not hold, and why.
func (e *evaluation) fails(f *frame, why jsonschema.ErrorKind) (more bool) {
	e.report.add(why)
	return e.must(f, false)
}

// fits reports whether a value fits a schema. needsRest says that a schema around it
// asks for what no keyword looks at, which is the second result. A spent budget makes
// everything unfit, at once: the caller looks at the budget in the end.
func (e *evaluation) fits(schema *jsonschema.Schema, value any, needsRest bool) (holds bool, left *rest) {
	if !e.budget.Spend(1) {
		return false, nil
	}
	if schema.Bool != nil {
		if !*schema.Bool {
			e.report.add(&kind.FalseSchema{})
		}
		return *schema.Bool, e.restOf(schema, value, needsRest)
	}
	if e.depth == deepestEvaluation {
		e.budget.Exhaust()
		return false, nil
	}
	if !e.enter(schema) {
		return false, nil
	}
	e.depth++
	f := frame{schema: schema, value: value, rest: e.restOf(schema, value, needsRest), holds: true}
	e.evaluate(&f)
	e.depth--
	e.exit()
	return f.holds, f.rest
}

// evaluate holds a frame's value to the keywords, in the library's order.
func (e *evaluation) evaluate(f *frame) {
	if !e.scalars(f) {
		return
	}
	if f.schema.Ref != nil {
		more := e.must(f, e.same(f, f.schema.Ref))
		if f.schema.DraftVersion < 2019 || !more {
			return // a reference of an older draft stands alone
		}
	}
	if e.structure(f) && e.dynamicReferences(f) && e.conditions(f) {
		e.unevaluated(f)
	}
}

// structure holds a value to the keywords of its type.
func (e *evaluation) structure(f *frame) (more bool) {
	switch value := f.value.(type) {
	case map[string]any:
		return e.object(f, value)
	case []any:
		return e.array(f, value)
	case string:
		return e.text(f, value)
	case json.Number:
		return e.number(f, value)
	}
	return true
}

// same holds the frame's value to a further schema.
func (e *evaluation) same(f *frame, schema *jsonschema.Schema) bool {
	holds, left := e.fits(schema, f.value, !f.rest.empty())
	if holds {
		f.rest.keep(left, e.budget)
	}
	return holds
}

// quietly is same without errors.
func (e *evaluation) quietly(f *frame, schema *jsonschema.Schema) bool {
	report := e.report
	e.report = nil
	defer func() { e.report = report }()
	return e.same(f, schema)
}

// part holds a member or an element of the frame's value to a schema.
func (e *evaluation) part(schema *jsonschema.Schema, value any, step any) bool {
	e.report.enter(step)
	defer e.report.exit()
	e.fresh = true
	holds, _ := e.fits(schema, value, false)
	e.fresh = false
	return holds
}

// blame reports why each of some schemas does not hold, or else why itself.
func (e *evaluation) blame(f *frame, why jsonschema.ErrorKind, schemas []*jsonschema.Schema) (more bool) {
	before := e.report.count()
	for _, schema := range schemas {
		if !e.report.wants() {
			break
		}
		e.same(f, schema)
	}
	if e.report.count() == before {
		e.report.add(why)
	}
	return e.must(f, false)
}

// conditions holds a value to the schemas that are combined.
func (e *evaluation) conditions(f *frame) (more bool) {
	s := f.schema
	if s.Not != nil && e.quietly(f, s.Not) && !e.fails(f, &kind.Not{}) {
		return false
	}
	for _, schema := range s.AllOf {
		if !e.must(f, e.same(f, schema)) {
			return false
		}
	}
	return e.anyOf(f) && e.oneOf(f) && e.branch(f)
}

func (e *evaluation) anyOf(f *frame) (more bool) {
	matched := len(f.schema.AnyOf) == 0
	for _, schema := range f.schema.AnyOf {
		if e.quietly(f, schema) {
			// All must be looked at while a schema around them asks for the rest.
			if matched = true; f.rest.empty() {
				break
			}
		}
	}
	return matched || e.blame(f, &kind.AnyOf{}, f.schema.AnyOf)
}

func (e *evaluation) oneOf(f *frame) (more bool) {
	if len(f.schema.OneOf) == 0 {
		return true
	}
	first := -1
	for i, schema := range f.schema.OneOf {
		if !e.quietly(f, schema) {
			continue
		}
		if first >= 0 {
			return e.fails(f, &kind.OneOf{Subschemas: []int{first, i}})
		}
		first = i
	}
	return first >= 0 || e.blame(f, &kind.OneOf{}, f.schema.OneOf)
}

func (e *evaluation) branch(f *frame) (more bool) {
	if f.schema.If == nil {
		return true
	}
	branch := f.schema.Else
	if e.quietly(f, f.schema.If) {
		branch = f.schema.Then
	}
	return branch == nil || e.must(f, e.same(f, branch))
}
