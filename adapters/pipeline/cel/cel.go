// Package cel decides by conditions in CEL, the Common Expression Language, which events
// go on. Whoever wrote a condition need not be trusted: it sees the event and nothing
// else, and ends within limits of time and memory, which guard.go holds.
package cel

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	_ "time/tzdata" // `occurred_at.getHours("Europe/Berlin")` means the same on every machine, in an image without a zone too
	"unicode/utf8"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/eventflow-go/eventflow/adapters/pipeline/decoded"
	"github.com/eventflow-go/eventflow/adapters/pipeline/work"
	"github.com/eventflow-go/eventflow/core"
)

const (
	// longestCondition is in bytes.
	longestCondition = 16 << 10
	// deepestNesting is how many levels of brackets a condition may have, and
	// deepestLoop how many loops one within the other.
	deepestNesting = 50
	deepestLoop    = 3
)

// environment is what every condition sees.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.Variable("type", cel.StringType),
		cel.Variable("source", cel.StringType),
		cel.Variable("subject", cel.StringType),
		cel.Variable("version", cel.IntType),
		cel.Variable("occurred_at", cel.TimestampType),
		cel.Variable("payload", cel.DynType),
		cel.Variable("context", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("event_id", cel.StringType),
		cel.Variable("offset", cel.IntType),
		cel.Variable("received_at", cel.TimestampType),
		cel.CustomTypeAdapter(adapter{}),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ParserExpressionSizeLimit(longestCondition),
		cel.ParserRecursionLimit(deepestNesting),
		cel.ASTValidators(
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals(),
			cel.ValidateComprehensionNestingLimit(deepestLoop),
		),
	)
})

// Filter is a compiled condition. It is safe for concurrent use.
type Filter struct {
	program cel.Program
	ast     *ast.AST
}

// Compile returns the filter of a text, or a [core.CodeValidation] error about the field
// `filter` that says where the fault is.
func Compile(text string) (filter *Filter, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			filter, err = nil, fault("the compiler of CEL fails: %v", cause)
		}
	}()
	if len(text) > longestCondition {
		return nil, fault("has %d bytes, and may have %d", len(text), longestCondition)
	}
	env, err := environment()
	if err != nil {
		return nil, fmt.Errorf("make an environment for conditions in CEL: %w", err)
	}
	compiled, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, compileFault(text, issues)
	}
	if kind := compiled.OutputType(); kind != cel.BoolType && kind != cel.DynType {
		return nil, fault("must be a condition, true or false, and yields %s", kindOf(kind.String()))
	}
	guards, err := guardsOf(compiled.NativeRep())
	if err != nil {
		return nil, err
	}
	program, err := env.Program(compiled, cel.CustomDecoratorV2(guards.decorate))
	if err != nil {
		return nil, fault("%s", short(plainly(err.Error(), "")))
	}
	return &Filter{program: program, ast: compiled.NativeRep()}, nil
}

// Passes reports whether an event meets the condition. An event that does not have what
// the condition names does not meet it. The error is a [core.CodeValidation] error about
// the field `filter`, or that of ctx.
func (f *Filter) Passes(ctx context.Context, in *decoded.Event) (passes bool, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			passes, err = false, fault("fails on this event: the interpreter of CEL fails: %v", cause)
		}
	}()
	seen := variables{event: in}
	seen.meter.Begin(ctx, in.Size())
	if err := ctx.Err(); err != nil {
		return false, err
	}
	value, _, err := f.program.Eval(&seen)
	if ended := seen.meter.Err(); ended != nil {
		if errors.Is(ended, work.ErrTooMuch) {
			return false, fault("on this event it %v", ended)
		}
		return false, ended
	}
	if err != nil {
		if isMissing(err) {
			return false, nil
		}
		return false, f.runFault(err)
	}
	passed, isBool := value.(types.Bool)
	if !isBool {
		return false, fault("must yield true or false, and yields %s for this event", kindOf(value.Type().TypeName()))
	}
	return bool(passed), nil
}

// isMissing reports whether a condition failed because the event does not have something.
// The library has no type for it.
func isMissing(err error) bool {
	text := err.Error()
	return strings.HasPrefix(text, "no such key: ") || strings.HasPrefix(text, "index out of bounds: ")
}

const field = "filter"

func fault(reason string, args ...any) *core.Error { return core.Invalid(field, reason, args...) }

// compileFault says what is wrong with a text, at most three places of it.
func compileFault(text string, issues *cel.Issues) error {
	found := issues.Errors()
	out := &core.Error{Code: core.CodeValidation}
	for _, one := range found[:min(len(found), 3)] {
		place := ""
		if one.Location.Line() > 0 {
			place = fmt.Sprintf("line %d, column %d: ", one.Location.Line(), one.Location.Column()+1)
		}
		out.Details = append(out.Details, core.Detail{Field: field, Reason: place + short(plainly(one.Message, from(text, one.Location)))})
	}
	out.Message = out.Details[0].Field + ": " + out.Details[0].Reason
	return out
}

// from returns a text from a place on.
func from(text string, place common.Location) string {
	for range place.Line() - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	for range place.Column() {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	return text
}

// runFault says where a condition failed.
func (f *Filter) runFault(err error) error {
	place, said := "", plainly(err.Error(), "")
	if known, ok := errors.AsType[*types.Err](err); ok {
		place = placeOf(f.ast, known.NodeID())
		if strings.HasPrefix(said, "no such overload") {
			said = sayRunMisfit(f.ast, known.NodeID())
		}
	}
	return fault("%sfails on this event: %s", place, short(said))
}

// longestReason is in bytes.
const longestReason = 400

// short cuts a text to its first line, and to what is kept of it.
func short(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if len(text) > longestReason {
		text = text[:longestReason] + " …"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// placeOf returns where a part of a condition begins, as the beginning of a reason.
func placeOf(of *ast.AST, part int64) string {
	if at := of.SourceInfo().GetStartLocation(part); part > 0 && at.Line() > 0 {
		return fmt.Sprintf("line %d, column %d: ", at.Line(), at.Column()+1)
	}
	return ""
}
