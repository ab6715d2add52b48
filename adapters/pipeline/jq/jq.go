// Package jq changes events by programs in jq, written by people whom nobody has to
// trust. A program sees the event and nothing else: no file, no environment, no clock.
// Whatever it is, it ends within limits of time and memory: see meter.go, which counts,
// guard.go, which says what each function costs, and patch.go, which has them ask.
package jq

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"

	"github.com/itchyny/gojq"

	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/adapters/pipeline/work"
	"github.com/eventflow-go/eventflow/core"
)

// longestProgram is in bytes.
const longestProgram = 16 << 10

// Transform is a compiled program. It is safe for concurrent use.
type Transform struct {
	text string

	// mu guards idle. One run at a time uses a program: its functions charge the meter
	// of the run, and some of them write to the constants of the program.
	mu   sync.Mutex
	idle []*program
}

type program struct {
	code  *gojq.Code
	meter *meter
}

// meter counts the steps of a program, one run at a time.
type meter struct {
	work.Meter
	// patterns outlive a run.
	patterns patterns
}

// Compile returns the transform of a text, or a [core.CodeValidation] error about the
// field `transform` that says where the fault is.
func Compile(text string) (*Transform, error) {
	if len(text) > longestProgram {
		return nil, fault("has %d bytes, and may have %d", len(text), longestProgram)
	}
	first, err := compile(text)
	if err != nil {
		return nil, err
	}
	t := &Transform{text: text, idle: []*program{first}}
	if err := t.try(); err != nil {
		return nil, err
	}
	return t, nil
}

func compile(text string) (p *program, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			p, err = nil, fault("the compiler of jq fails: %v", cause)
		}
	}()
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, parseFault(text, err)
	}
	if err := check(text, query); err != nil {
		return nil, err
	}
	code, err := gojq.Compile(query)
	if err != nil {
		return nil, compileFault(text, err)
	}
	if barren(query) {
		return nil, fault("yields nothing for any event: to leave events out, use the filter")
	}
	p = &program{code: code, meter: &meter{patterns: patterns{}}}
	unknown, err := patch(code, p.meter)
	if err != nil {
		return nil, fmt.Errorf("a program of jq cannot be bounded: %w", err)
	}
	if unknown != "" {
		return nil, notAvailable(text, unknown)
	}
	return p, nil
}

// try runs the transform on an event that is made up, and returns what would be wrong
// with every event.
func (t *Transform) try() error {
	event := sample()
	p := t.idle[0]
	results, err := p.run(context.Background(), valueOf(decoded.Open(event)), event.Size(), 2)
	switch {
	case errors.Is(err, work.ErrTooMuch):
		return fault("on a made-up event of %d bytes it already %s", event.Size(), err)
	case err != nil || len(results) == 0:
		return nil //nolint:nilerr // it may be for the sake of this event
	case len(results) > 1:
		return fault("%s", manyResults)
	}
	object, isObject := results[0].(map[string]any)
	if !isObject {
		return fault("must yield an object, the event, and yields %s", kindOf(results[0]))
	}
	return onlyParts(object)
}

// barren reports whether a program yields nothing for any event.
func barren(query *gojq.Query) bool {
	if query == nil || len(query.FuncDefs) > 0 { // which may define empty anew
		return false
	}
	if query.Op == gojq.OpPipe {
		return barren(query.Left) || barren(query.Right)
	}
	term := query.Term
	switch {
	case term == nil || len(term.SuffixList) > 0:
		return false
	case term.Type == gojq.TermTypeQuery:
		return barren(term.Query)
	}
	return term.Type == gojq.TermTypeFunc && term.Func.Name == "empty" && len(term.Func.Args) == 0
}

// Run returns the event that the transform makes of one. The error is a
// [core.CodeValidation] error about the field `transform`, or that of ctx.
func (t *Transform) Run(ctx context.Context, in *decoded.Event) (out core.Event, err error) {
	p, err := t.take()
	if err != nil {
		return core.Event{}, err
	}
	value := valueOf(in)
	results, err := p.run(ctx, value, in.Size(), 1)
	switch {
	case err == nil && len(results) == 0:
		err = fault("yields nothing for this event: to leave events out, use the filter")
	case err == nil:
		out, err = assemble(p.meter, in, value, results[0])
	case !isEnd(ctx, err):
		err = runFault(err)
	}
	t.put(p)
	return out, err
}

func isEnd(ctx context.Context, err error) bool { return ctx.Err() != nil && errors.Is(err, ctx.Err()) }

const manyResults = "yields more than one result, and must yield one object, the event"

// run returns the first results, so many that another one is too many.
func (p *program) run(ctx context.Context, input any, size, most int) (results []any, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			results, err = nil, fmt.Errorf("the interpreter of jq fails: %v", cause)
		}
	}()
	p.meter.Begin(ctx, size)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for iter := p.code.RunWithContext(p.meter, input); ; {
		value, more := iter.Next()
		if p.meter.Err() != nil {
			return nil, p.meter.Err()
		}
		if !more {
			return results, nil
		}
		if err, failed := value.(error); failed {
			return nil, err
		}
		if results = append(results, value); len(results) > most {
			return nil, errors.New(manyResults)
		}
	}
}

func (t *Transform) take() (*program, error) {
	t.mu.Lock()
	if last := len(t.idle) - 1; last >= 0 {
		p := t.idle[last]
		t.idle = t.idle[:last]
		t.mu.Unlock()
		return p, nil
	}
	t.mu.Unlock()
	return compile(t.text)
}

func (t *Transform) put(p *program) {
	if len(p.meter.patterns) > mostPatterns {
		return
	}
	p.meter.Context = context.Background() // it must not keep that of the run alive
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.idle) < 2*runtime.GOMAXPROCS(0) {
		t.idle = append(t.idle, p)
	}
}

// check refuses what the interpreter would take and a transform must not have.
func check(text string, query *gojq.Query) error {
	if query.Meta != nil || len(query.Imports) > 0 {
		return fault("must not import modules")
	}
	var found error
	visit(reflect.ValueOf(query), func(node any) {
		switch node := node.(type) {
		case gojq.Func:
			switch node.Name {
			case "env", "$ENV", "input", "inputs", "debug", "now", "modulemeta":
				found = notAvailable(text, node.Name)
			}
		case gojq.Term:
			if len(node.Number) > longestNumber {
				found = fault("%shas a number of more than %d digits", placeOf(text, node.Number), longestNumber)
			}
		}
	})
	return found
}

// visit calls see with every part of a query.
func visit(part reflect.Value, see func(any)) {
	switch part.Kind() { //nolint:exhaustive // a query consists of these
	case reflect.Pointer:
		if !part.IsNil() {
			visit(part.Elem(), see)
		}
	case reflect.Slice:
		for i := range part.Len() {
			visit(part.Index(i), see)
		}
	case reflect.Struct:
		see(part.Interface())
		for _, field := range part.Fields() {
			visit(field, see)
		}
	}
}
