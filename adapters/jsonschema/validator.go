package jsonschema

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventflow-go/eventflow/core"
)

// schemaValidator implements [core.Schema]. It is safe for concurrent use: no part
// changes once it is made.
type schemaValidator struct {
	schema *jsonschema.Schema
	// fast is nil if the schema has a keyword that a node does not have.
	fast *node
	// enums and constants are the values of these keywords.
	enums, constants map[*jsonschema.Schema]*valueSet
	// keyPatterns are the patterns of patternProperties, in the order of their texts.
	keyPatterns map[*jsonschema.Schema][]jsonschema.Regexp
	// dynamics is nil unless there are dynamic references.
	dynamics map[*jsonschema.Schema]dynamics
}

// newValidator prepares a compiled schema for evaluations.
func newValidator(root *jsonschema.Schema) *schemaValidator {
	v := &schemaValidator{
		schema: root, enums: map[*jsonschema.Schema]*valueSet{}, constants: map[*jsonschema.Schema]*valueSet{},
		keyPatterns: map[*jsonschema.Schema][]jsonschema.Regexp{},
	}
	schemas := reach(root)
	for _, s := range schemas {
		if s.Enum != nil {
			v.enums[s] = newValueSet(s.Enum.Values...)
		}
		if s.Const != nil {
			v.constants[s] = newValueSet(*s.Const)
		}
		for expression := range s.PatternProperties {
			v.keyPatterns[s] = append(v.keyPatterns[s], expression)
		}
		slices.SortFunc(v.keyPatterns[s], func(a, b jsonschema.Regexp) int { return cmp.Compare(a.String(), b.String()) })
	}
	if slices.ContainsFunc(schemas, func(s *jsonschema.Schema) bool { return s.DynamicRef != nil || s.RecursiveRef != nil }) {
		v.dynamics = map[*jsonschema.Schema]dynamics{}
		for _, s := range schemas {
			v.dynamics[s] = dynamicsOf(s)
		}
	}
	if fast, ok := translate(root); ok {
		v.fast = fast
	}
	return v
}

// Validate implements [core.Schema].
func (v *schemaValidator) Validate(payload []byte, budget *core.Budget) error {
	if v.fast != nil && v.fast.takes(payload) {
		return nil
	}
	return v.decide(payload, budget)
}

// bytesPerDecodingStep is how much of a payload is decoded in a step.
const bytesPerDecodingStep = 4

// decide has the full validator decide, which also finds the words for a refusal.
func (v *schemaValidator) decide(payload []byte, budget *core.Budget) error {
	if !budget.Spend(len(payload)/bytesPerDecodingStep + 1) {
		return ended(budget)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return core.Invalid("payload", "is not JSON")
	}
	if path, found := incalculable(value); found {
		return mismatch([]core.Detail{{Field: payloadPath(path), Reason: beyondExponent}})
	}
	verdict := &evaluation{schema: v, budget: budget}
	holds, _ := verdict.fits(v.schema, value, false)
	if budget.Err() != nil {
		return ended(budget)
	}
	if holds {
		return nil
	}
	// The words cost more than the verdict, and most payloads need none.
	reasons := &evaluation{schema: v, budget: budget, report: newReport()}
	reasons.fits(v.schema, value, false)
	if err := budget.Err(); err != nil && !errors.Is(err, core.ErrBudgetSpent) {
		return err
	}
	return reasons.report.mismatch()
}

// ended says why an evaluation ended early. What took too many steps would take them
// every time, so it is the payload that is refused.
func ended(budget *core.Budget) error {
	if err := budget.Err(); !errors.Is(err, core.ErrBudgetSpent) {
		return err
	}
	return mismatch([]core.Detail{{Field: "payload", Reason: tooExpensive}})
}

var tooExpensive = fmt.Sprintf("the schema is too expensive for this payload: to check it takes more than %d steps. "+
	"Send less in one event, or make the schema simpler: fewer branches in allOf, anyOf and oneOf, shorter patterns", core.EvaluationSteps)
