// Package pipeline filters events by conditions in CEL and changes them by programs in
// jq. Both look at one event, which is decoded at most once.
package pipeline

import (
	"context"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/pipeline/cel"
	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/adapters/pipeline/jq"
	"github.com/eventflow-go/eventflow/core"
)

// Compiler implements [core.PipelineCompiler]. It is safe for concurrent use.
type Compiler struct{}

// New returns a compiler.
func New() *Compiler { return &Compiler{} }

// Compile implements [core.PipelineCompiler]. A text of nothing but spaces is empty.
func (*Compiler) Compile(filter, transform string) (core.Pipeline, error) {
	p := &compiled{}
	var err error
	if strings.TrimSpace(filter) != "" {
		if p.filter, err = cel.Compile(filter); err != nil {
			return nil, err
		}
	}
	if strings.TrimSpace(transform) != "" {
		if p.transform, err = jq.Compile(transform); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// compiled is a filter, a transform, both or none.
type compiled struct {
	filter    *cel.Filter
	transform *jq.Transform
}

// Run implements [core.Pipeline].
func (p *compiled) Run(ctx context.Context, in *core.Event) (out core.Event, passed bool, err error) {
	if err := ctx.Err(); err != nil {
		return core.Event{}, false, err
	}
	event := decoded.Open(in)
	if p.filter != nil {
		if passed, err = p.filter.Passes(ctx, event); err != nil || !passed {
			return core.Event{}, false, err
		}
	}
	if p.transform == nil {
		return *in, true, nil
	}
	if out, err = p.transform.Run(ctx, event); err != nil {
		return core.Event{}, false, err
	}
	return out, true, nil
}
