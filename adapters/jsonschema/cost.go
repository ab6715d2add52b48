package jsonschema

import (
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventflow-go/eventflow/core"
)

// cost is what a schema takes on one value at worst: how many schemas are evaluated
// on that value, and how many of them within each other.
type cost struct{ evaluations, deep int }

// costs calculates costs. Schemas share others by references, so what is short to
// write may be long to do: forty schemas, each of which refers to the next one twice,
// take longer than anybody waits. The schemas have no cycle on one value: see sound.
type costs struct {
	limits allowance
	known  map[*jsonschema.Schema]cost
}

// of returns the cost of a schema. A schema that is beyond the limits is an error,
// the innermost one.
func (c *costs) of(s *jsonschema.Schema) (cost, error) {
	if known, is := c.known[s]; is {
		return known, nil
	}
	total := cost{evaluations: 1, deep: 1}
	for _, same := range onSameValue(s) {
		below, err := c.of(same)
		if err != nil {
			return cost{}, err
		}
		total.evaluations += below.evaluations
		total.deep = max(total.deep, below.deep+1)
	}
	if total.evaluations > c.limits.perValue {
		return cost{}, core.Invalid(place(s), "evaluates more than %d schemas for each value, through what it refers to; refer to the same schema only once, and tell many cases apart by one property", c.limits.perValue)
	}
	if total.deep > c.limits.deep {
		return cost{}, core.Invalid(place(s), "goes through more than %d schemas within each other for each value; refer to what is meant directly", c.limits.deep)
	}
	c.known[s] = total
	return total, nil
}

// affordable refuses a schema that has one beyond the limits.
func affordable(limits allowance, root *jsonschema.Schema) error {
	c := &costs{limits: limits, known: map[*jsonschema.Schema]cost{}}
	for _, s := range reach(root) {
		if _, err := c.of(s); err != nil {
			return err
		}
	}
	return nil
}

// reach returns all schemas that an evaluation may come to, each once.
func reach(root *jsonschema.Schema) (all []*jsonschema.Schema) {
	seen := map[*jsonschema.Schema]bool{root: true}
	all = []*jsonschema.Schema{root}
	for i := 0; i < len(all); i++ {
		next := slices.Concat(onSameValue(all[i]), onParts(all[i]), slices.Collect(maps.Values(anchorsOf(all[i]))))
		for _, schema := range next {
			if !seen[schema] {
				seen[schema] = true
				all = append(all, schema)
			}
		}
	}
	return all
}
