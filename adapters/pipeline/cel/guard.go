package cel

import (
	"errors"
	"regexp"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
	"github.com/google/cel-go/common/overloads"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"
	"github.com/google/cel-go/interpreter"

	"github.com/eventflow-go/eventflow/adapters/pipeline/work"
)

// A condition is as long as its text, but for loops (`all`, `exists`, `map` and their
// like), and what it handles is as large as the event, but for what it adds and nests.
// So a loop pays in advance for all its turns, and what adds, compares or searches pays
// by the size of its operands, before it works. The library has limits of cost too. They
// are checked after the work, count no comparison of what is nested, and count nothing of
// what is added where the kinds of the operands are not known before.

// guards replaces parts of a condition by ones that pay.
type guards struct {
	// loops has, for each part that a loop goes through, the steps of one turn.
	loops map[int64]int
}

func guardsOf(checked *ast.AST) (*guards, error) {
	g := &guards{loops: map[int64]int{}}
	var unbounded error
	ast.PreOrderVisit(checked.Expr(), ast.NewExprVisitor(func(part ast.Expr) {
		switch part.Kind() { //nolint:exhaustive // the others need no guard
		case ast.ComprehensionKind:
			loop := part.AsComprehension()
			g.loops[loop.IterRange().ID()] = 2 + (parts(loop.LoopStep())+parts(loop.LoopCondition()))/2
		case ast.CallKind:
			call := part.AsCall()
			if call.FunctionName() == overloads.Matches {
				if _, err := patternOf(call); err != nil {
					unbounded = fault("%s%v", placeOf(checked, part.ID()), err)
				}
			}
		}
	}))
	return g, unbounded
}

// parts counts the parts of an expression.
func parts(of ast.Expr) (sum int) {
	ast.PreOrderVisit(of, ast.NewExprVisitor(func(ast.Expr) { sum++ }))
	return sum
}

var errNoLiteral = errors.New("matches() needs its regular expression as a text in quotes")

// patternOf returns the size of the regular expression of a call.
func patternOf(call ast.CallExpr) (instructions int, err error) {
	args := call.Args()
	if len(args) == 0 || args[len(args)-1].Kind() != ast.LiteralKind {
		return 0, errNoLiteral
	}
	text, _ := args[len(args)-1].AsLiteral().(types.String)
	return work.Instructions(string(text))
}

// decorate is called with each part of a condition when it is planned.
func (g *guards) decorate(part interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if turn := g.loops[part.ID()]; turn > 0 {
		return &loopRange{InterpretableV2: part, turn: turn}, nil
	}
	call, isCall := part.(interpreter.InterpretableCall)
	if !isCall {
		return part, nil
	}
	var does operation
	switch call.Function() {
	case operators.Add:
		does = add
	case operators.Equals:
		does = func(m *work.Meter, args []ref.Val) ref.Val { return compare(m, args, true) }
	case operators.NotEquals:
		does = func(m *work.Meter, args []ref.Val) ref.Val { return compare(m, args, false) }
	case operators.In:
		does = isIn
	case overloads.Contains:
		does = contains
	case overloads.TypeConvertString, overloads.TypeConvertBytes:
		does = convert(call.Function())
	case overloads.Matches:
		matching, err := matches(call)
		if err != nil {
			return nil, err
		}
		does = matching
	default:
		return part, nil
	}
	return &guarded{InterpretableCall: call, does: does}, nil
}

// meterOf returns the meter of a run.
func meterOf(frame *interpreter.ExecutionFrame) *work.Meter {
	found, _ := frame.ResolveName(meterName)
	meter, _ := found.(*work.Meter)
	return meter
}

// tooMuch ends a run. Whoever started it asks the meter for the reason.
func tooMuch() ref.Val { return types.WrapErr(work.ErrTooMuch) }

// loopRange is what a loop goes through.
type loopRange struct {
	interpreter.InterpretableV2

	turn int
}

// Exec implements [interpreter.InterpretableV2].
func (r *loopRange) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	value := r.InterpretableV2.Exec(frame)
	if sized, ok := value.(traits.Sizer); ok {
		turns, _ := sized.Size().(types.Int)
		if !meterOf(frame).Charge(int(turns) * r.turn) {
			return tooMuch()
		}
	}
	return value
}

// Eval implements [interpreter.Interpretable].
func (r *loopRange) Eval(vars interpreter.Activation) ref.Val {
	return r.Exec(interpreter.AsFrame(vars))
}

// operation is a function that pays before it works.
type operation func(m *work.Meter, args []ref.Val) ref.Val

// guarded is a call that is made here instead of by the library.
type guarded struct {
	interpreter.InterpretableCall

	does operation
}

// Exec implements [interpreter.InterpretableV2].
func (g *guarded) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	var room [2]ref.Val
	args := room[:0]
	for _, arg := range g.Args() {
		value := arg.Exec(frame)
		if types.IsUnknownOrError(value) {
			return value
		}
		args = append(args, value)
	}
	return types.LabelErrNode(g.ID(), g.does(meterOf(frame), args))
}

// Eval implements [interpreter.Interpretable].
func (g *guarded) Eval(vars interpreter.Activation) ref.Val {
	return g.Exec(interpreter.AsFrame(vars))
}

func add(m *work.Meter, args []ref.Val) ref.Val {
	left, ok := args[0].(traits.Adder)
	if !ok {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	if !m.Charge(1 + textSize(args[0]) + textSize(args[1])) {
		return tooMuch()
	}
	return left.Add(args[1])
}

func compare(m *work.Meter, args []ref.Val, equal bool) ref.Val {
	if nested(args[0]) && nested(args[1]) && !m.Charge(weigh(m, args[0])+weigh(m, args[1])) {
		return tooMuch()
	}
	return types.Bool((types.Equal(args[0], args[1]) == types.True) == equal)
}

func isIn(m *work.Meter, args []ref.Val) ref.Val {
	container, ok := args[1].(traits.Container)
	if !ok {
		return types.MaybeNoSuchOverloadErr(args[1])
	}
	list, isList := args[1].(traits.Lister)
	if isList {
		size, _ := list.Size().(types.Int)
		steps := int(size)
		if nested(args[0]) {
			steps = weigh(m, args[1]) + steps*weigh(m, args[0])
		}
		if !m.Charge(steps) {
			return tooMuch()
		}
	}
	return container.Contains(args[0])
}

func contains(m *work.Meter, args []ref.Val) ref.Val {
	text, ok := args[0].(types.String)
	part, isText := args[1].(types.String)
	if !ok || !isText {
		return types.MaybeNoSuchOverloadErr(args[0])
	}
	if !m.Charge(1 + (len(text)+len(part))/16) {
		return tooMuch()
	}
	return types.Bool(strings.Contains(string(text), string(part)))
}

func convert(to string) operation {
	kind := ref.Type(types.StringType)
	if to == overloads.TypeConvertBytes {
		kind = types.BytesType
	}
	return func(m *work.Meter, args []ref.Val) ref.Val {
		if !m.Charge(1 + textSize(args[0])) {
			return tooMuch()
		}
		return args[0].ConvertToType(kind)
	}
}

// matches has its regular expression compiled once.
func matches(call interpreter.InterpretableCall) (operation, error) {
	args := call.Args()
	expression, ok := args[len(args)-1].(interpreter.InterpretableConst)
	if !ok {
		return nil, errNoLiteral
	}
	text, _ := expression.Value().(types.String)
	instructions, err := work.Instructions(string(text))
	if err != nil {
		return nil, err
	}
	pattern, err := regexp.Compile(string(text))
	if err != nil {
		return nil, err
	}
	return func(m *work.Meter, args []ref.Val) ref.Val {
		text, ok := args[0].(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(args[0])
		}
		if !m.Charge(1 + len(text)*instructions/8) {
			return tooMuch()
		}
		return types.Bool(pattern.MatchString(string(text)))
	}, nil
}

func textSize(value ref.Val) int {
	switch value := value.(type) {
	case types.String:
		return len(value) / 16
	case types.Bytes:
		return len(value) / 16
	}
	return 0
}

func nested(value ref.Val) bool {
	switch value.(type) {
	case traits.Lister, traits.Mapper:
		return true
	}
	return false
}

// weigh returns the steps to walk through all of a value, or more than are left: see
// [work.Meter.Deep].
func weigh(m *work.Meter, value ref.Val) int { return walk(m, value, 0, 0) }

// deepestValue is how many levels a value may have.
const deepestValue = 1000

func walk(m *work.Meter, value ref.Val, sum, depth int) int {
	sum += 1 + textSize(value)
	if depth > deepestValue {
		return work.Beyond
	}
	var elements traits.Iterator
	mapper, isMap := value.(traits.Mapper)
	if list, ok := value.(traits.Lister); ok {
		elements = list.Iterator()
	} else if isMap {
		elements = mapper.Iterator()
	} else {
		return sum
	}
	for sum <= m.Left() && elements.HasNext() == types.True {
		element := elements.Next()
		if isMap {
			sum += 3 + textSize(element)
			element = mapper.Get(element)
		}
		sum = walk(m, element, sum, depth+1)
	}
	return sum
}
