package jq

import (
	"fmt"
	"math/big"
	"reflect"
	"regexp"
	"strings"

	"github.com/itchyny/gojq"

	"github.com/eventflow-go/eventflow/adapters/pipeline/work"
)

// cost returns the steps that a call of a function will take, before it is called: what
// it looks at and what it writes. An error ends the call and can be caught by `try`.
type cost func(m *meter, v any, args []any) (steps int, err error)

// costs has every function of the interpreter that a transform may use. A program that
// calls another one is refused, so that a new version of the library brings nothing that
// nobody has looked at.
//
// Functions that are written in jq are not listed: they consist of these.
var costs = func() map[string]cost {
	known := map[string]cost{}
	for of, names := range map[*cost]string{
		&free: `type has toboolean utf8bytelength error isfinite isinfinite isnan isnormal infinite nan
			sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh floor round nearbyint rint ceil trunc significand
			fabs sqrt cbrt exp exp10 exp2 expm1 frexp modf log log10 log1p log2 logb gamma tgamma lgamma erf erfc
			j0 j1 y0 y1 atan2 copysign drem fdim fmax fmin fmod hypot nextafter nexttoward remainder ldexp scalb scalbln
			pow fma gmtime mktime _plus _negate _alternative _range _allocator _break`,
		&ofInput:    `length ltrim rtrim trim ascii_downcase ascii_upcase reverse keys _captures`,
		&ofArgument: `startswith endswith ltrimstr rtrimstr trimstr getpath`,
		&ofTree:     `tojson tostring flatten format _tohtml _touri _tourid _tocsv _totsv _tosh _tobase64 _tobase64d`,
		&ofPieces:   `explode implode`,
		&reading:    `tonumber fromjson`,
		&ofSum:      `add join`,
		&ofOrder:    `sort unique min max bsearch`,
		&ofKeys:     `_sort_by _group_by _unique_by _min_by _max_by`,
		&ofBoth:     `_equal _notequal _greater _less _greatereq _lesseq`,
		&ofProduct:  `contains inside indices index rindex _subtract`,
		&ofFormat:   `strftime strptime`,
		&indexing:   `_index _slice`,
		&adding:     `_add`,
		&multiply:   `_multiply`,
		&dividing:   `_divide _modulo`,
		&splitting:  `split`,
		&matching:   `_match`,
		&setting:    `setpath _setpath`,
		&deleting:   `delpaths _delpaths`,
		&turning:    `transpose`,
	} {
		for name := range strings.FieldsSeq(names) {
			known[name] = *of
		}
	}
	return known
}()

var (
	free cost = func(*meter, any, []any) (int, error) { return 0, nil }

	reading cost = func(_ *meter, v any, _ []any) (int, error) {
		steps, err := longNumber(v)
		return steps + 2*work.Length(v), err
	}

	ofInput cost = func(_ *meter, v any, _ []any) (int, error) { return 2 * work.Shallow(v), nil }

	ofArgument cost = func(_ *meter, _ any, args []any) (int, error) { return work.Shallow(args[0]), nil }

	ofTree cost = func(m *meter, v any, _ []any) (int, error) { return 2 * m.Deep(v), nil }

	ofPieces cost = func(_ *meter, v any, _ []any) (int, error) { return 2 * work.Length(v), nil }

	// ofSum is of all elements, and for join of what goes between them.
	ofSum cost = func(m *meter, v any, args []any) (int, error) {
		steps := m.Deep(v)
		if len(args) > 0 {
			steps += work.Length(v) * (1 + m.Deep(args[0]))
		}
		return steps, nil
	}

	ofOrder cost = func(m *meter, v any, args []any) (int, error) {
		steps := m.Deep(v)
		if len(args) > 0 {
			steps += m.Deep(args[0])
		}
		return steps * work.Sorting(work.Length(v)), nil
	}

	ofKeys cost = func(m *meter, v any, args []any) (int, error) {
		return m.Deep(args[0])*work.Sorting(work.Length(v)) + 4*work.Length(v), nil
	}

	ofBoth cost = func(m *meter, _ any, args []any) (int, error) { return m.both(args[0], args[1]), nil }

	ofProduct cost = func(m *meter, v any, args []any) (int, error) {
		l, r := v, args[0]
		if len(args) == 2 { // an operator has its operands as arguments
			l, r = args[0], args[1]
		}
		if l, ok := l.(string); ok {
			if r, ok := r.(string); ok {
				return 2*(len(l)+len(r)) + len(l)/16*min(len(l), len(r)), nil
			}
		}
		return m.Deep(l) * m.Deep(r), nil
	}

	// ofFormat knows of formats like %1024d.
	ofFormat cost = func(_ *meter, v any, args []any) (int, error) { return 12*work.Length(args[0]) + work.Length(v), nil }

	indexing cost = func(m *meter, _ any, args []any) (int, error) {
		switch v := args[0].(type) {
		case string:
			return len(v) / 16, nil
		case []any:
			if part, ok := args[1].([]any); ok {
				return len(v) * m.Deep(part), nil
			}
		}
		return 0, nil
	}

	adding cost = func(_ *meter, _ any, args []any) (int, error) {
		l, r := work.Shallow(args[0]), work.Shallow(args[1])
		return l + r, nil
	}

	multiply cost = func(m *meter, _ any, args []any) (int, error) {
		for i, text := range args {
			if text, ok := text.(string); ok {
				times, _ := gojq.ToFloat64(args[1-i])
				return int(min(max(float64(len(text)+16)*times/16, 0), work.Beyond)), nil
			}
		}
		if _, ok := args[0].(map[string]any); ok {
			return m.Deep(args[0]) + m.Deep(args[1]), nil
		}
		return numbers(args), nil
	}

	dividing cost = func(_ *meter, _ any, args []any) (int, error) {
		if text, ok := args[0].(string); ok {
			return 2 * (len(text) + work.Length(args[1])), nil
		}
		return numbers(args), nil
	}

	splitting cost = func(_ *meter, v any, args []any) (int, error) {
		text, _ := v.(string)
		separator, _ := args[0].(string)
		return len(text)/16 + 2*strings.Count(text, separator), nil
	}

	matching cost = func(m *meter, v any, args []any) (int, error) { return m.patterns.cost(m, v, args) }

	setting cost = func(_ *meter, v any, args []any) (int, error) {
		path, _ := args[0].([]any)
		owned := func(any) bool { return false }
		if len(args) == 3 {
			owned = ownedBy(args[2])
		}
		return copying(v, path, args[1], owned), nil
	}

	deleting cost = func(m *meter, v any, args []any) (int, error) {
		if work.Length(args[0]) == 0 {
			return 0, nil
		}
		return 2*m.Deep(v) + m.Deep(args[0])*work.Sorting(work.Length(args[0])), nil
	}

	turning cost = func(_ *meter, v any, _ []any) (int, error) {
		rows, _ := v.([]any)
		longest := 0
		for _, row := range rows {
			longest = max(longest, work.Length(row))
		}
		return len(rows) * (longest + 1), nil
	}
)

// The trampolines that patch adds call these.
var (
	// iterating copies a container: see opiter of the interpreter.
	iterating cost = func(_ *meter, v any, _ []any) (int, error) { return 2 * work.Length(v), nil }
	// naming has written the path that it is called with.
	naming cost = func(_ *meter, v any, _ []any) (int, error) { return work.Length(v), nil }
)

// both returns the steps to compare two values. Two of different kinds are not looked at.
func (m *meter) both(l, r any) int {
	switch l := l.(type) {
	case string:
		if r, ok := r.(string); ok {
			return min(len(l), len(r)) / 64
		}
	case []any:
		if _, ok := r.([]any); ok {
			return m.Deep(l) + m.Deep(r)
		}
	case map[string]any:
		if _, ok := r.(map[string]any); ok {
			return 2 * (m.Deep(l) + m.Deep(r))
		}
	}
	return 0
}

// numbers returns the steps to multiply or divide two numbers.
func numbers(args []any) int {
	sum := new(big.Int)
	for _, arg := range args {
		if number, ok := arg.(*big.Int); ok {
			sum.SetBit(sum, sum.BitLen()+number.BitLen(), 1)
		}
	}
	return work.Square(sum)
}

// longestNumber is in digits. No float64 has more before its point.
const longestNumber = 400

var digits = regexp.MustCompile(fmt.Sprintf(`[0-9]{%d}`, longestNumber+1))

// longNumber refuses texts with numbers so long that each step with them would take
// milliseconds.
func longNumber(v any) (int, error) {
	if text, ok := v.(string); ok && len(text) > longestNumber && digits.MatchString(text) {
		return 0, fmt.Errorf("has a number of more than %d digits", longestNumber)
	}
	return work.Length(v) / 16, nil
}

// ownedBy returns which containers the interpreter may write to instead of copying them.
func ownedBy(allocator any) func(any) bool {
	owned, ok := reflect.TypeAssert[map[uintptr]struct{}](reflect.ValueOf(allocator).Convert(reflect.TypeFor[map[uintptr]struct{}]()))
	return func(container any) bool {
		if !ok {
			return false
		}
		_, found := owned[reflect.ValueOf(container).Pointer()]
		return found
	}
}

// copying returns the steps to set the value at a path: the containers on the way are
// copied, and an array grows up to the index.
func copying(v any, path []any, value any, owned func(any) bool) int {
	steps := len(path)
	for _, part := range path {
		if container := work.Shallow(v); container > 0 && !owned(v) {
			steps += container
		}
		switch part := part.(type) {
		case string:
			object, _ := v.(map[string]any)
			v = object[part]
		case map[string]any:
			steps += 2*work.Length(v) + work.Length(value)
			if steps > work.Beyond {
				return work.Beyond
			}
		default:
			array, _ := v.([]any)
			i, _ := gojq.ToInt(part)
			v = nil
			if i < 0 {
				i += len(array)
			}
			if 0 <= i && i < len(array) {
				v = array[i]
			} else if i >= len(array) {
				steps += min(i, work.Beyond) - len(array)
				if !owned(array) {
					continue
				}
				steps += len(array) // it doubles
			}
		}
	}
	return steps
}
