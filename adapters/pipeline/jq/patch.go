package jq

import (
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/itchyny/gojq"
)

// The interpreter asks its context before each instruction, but one instruction may
// write gigabytes (`[1] | .[500000000] = 1`), compare for ever (a value that holds itself
// twice, 60 levels deep, is small and has 2^60 leaves), or multiply numbers of a million
// digits. It has no hook before a function, and its own functions cannot be replaced by
// an option. So this file changes a program after it was compiled: a function is called
// by way of its cost. It knows how the pinned version of the library lays a program out,
// checks that, and refuses every program where it finds something else.

// instruction is laid out as gojq's code.
type instruction struct {
	value any
	op    int
}

// call is the value of an instruction that calls a function of the interpreter: the
// function, the number of its arguments, and its name.
type call = [3]any

// function is how the interpreter calls.
type function = func(v any, args []any) any

// operations are the numbers of the instructions that patch has to know.
type operations struct{ call, jump, iter, pathEnd int }

var (
	layoutOf      = reflect.TypeFor[gojq.Code]()
	known, layout = readLayout()
)

// readLayout finds the operations and checks the layout of the library.
func readLayout() (operations, error) {
	codes, found := layoutOf.FieldByName("codes")
	if !found || codes.Type.Kind() != reflect.Slice || codes.Type.Elem().Kind() != reflect.Pointer {
		return operations{}, errors.New("gojq.Code has no list of instructions")
	}
	one, mine := codes.Type.Elem().Elem(), reflect.TypeFor[instruction]()
	if one.Kind() != reflect.Struct || one.NumField() != 2 || one.Size() != mine.Size() {
		return operations{}, errors.New("an instruction of gojq has other fields")
	}
	for i := range 2 {
		if one.Field(i).Type.Kind() != mine.Field(i).Type.Kind() || one.Field(i).Offset != mine.Field(i).Offset {
			return operations{}, errors.New("an instruction of gojq has other fields")
		}
	}
	return readOperations(one.Field(1).Type)
}

func readOperations(kind reflect.Type) (found operations, err error) {
	wanted := map[string]*int{"call": &found.call, "jump": &found.jump, "iter": &found.iter, "pathend": &found.pathEnd}
	defer func() {
		if recover() != nil { // there is no operation of the next number
			err = fmt.Errorf("gojq lacks some of its instructions: %d were looked for", len(wanted))
		}
	}()
	for number := 0; len(wanted) > 0; number++ {
		operation := reflect.New(kind).Elem()
		operation.SetInt(int64(number))
		named, ok := reflect.TypeAssert[fmt.Stringer](operation)
		if !ok {
			return found, errors.New("the instructions of gojq have no names")
		}
		if place := wanted[named.String()]; place != nil {
			*place = number
			delete(wanted, named.String())
		}
	}
	return found, nil
}

// patch has every function of a program ask the meter before it works. It returns the
// name of a function that has no cost, or "".
func patch(code *gojq.Code, m *meter) (unknown string, err error) {
	if layout != nil {
		return "", layout
	}
	field := reflect.ValueOf(code).Elem().FieldByName("codes")
	codes := (*[]*instruction)(unsafe.Pointer(field.UnsafeAddr())) //nolint:gosec // see the top of the file; readLayout has checked the layout
	last := (*codes)[len(*codes)-1]
	for i, one := range *codes {
		switch one.op {
		case known.call:
			if unknown = guardCall(one, m); unknown != "" {
				return unknown, nil
			}
		case known.iter:
			// The call stands before the instruction, and both at the end of the program.
			leap(codes, i, &instruction{op: known.call, value: guarded(m, iterating, same, "_iterate")}, &instruction{op: known.iter, value: one.value})
		case known.pathEnd:
			leap(codes, i, &instruction{op: known.pathEnd, value: one.value}, &instruction{op: known.call, value: guarded(m, naming, same, "_name")})
		}
	}
	// A run begins anew, for its next result, at the last instruction, which returns.
	*codes = append(*codes, &instruction{op: last.op, value: last.value})
	return "", nil
}

// leap replaces an instruction by others, which it appends, so that the places of all
// others stay what they are.
func leap(codes *[]*instruction, at int, instead ...*instruction) {
	start := len(*codes)
	*codes = append(*codes, instead...)
	*codes = append(*codes, &instruction{op: known.jump, value: at + 1})
	(*codes)[at] = &instruction{op: known.jump, value: start}
}

func guardCall(one *instruction, m *meter) (unknown string) {
	called, isFunction := one.value.(call)
	if !isFunction {
		return "" // a function that is written in jq
	}
	name, _ := called[2].(string)
	work, works := called[0].(function)
	needs := costs[name]
	if needs == nil || !works {
		return name
	}
	guarded := guarded(m, needs, work, name)
	guarded[1] = called[1]
	one.value = guarded
	return ""
}

// same is a function that does nothing. It keeps the path of its value.
func same(v any, _ []any) any { return v }

// guarded returns a call that costs before it works.
func guarded(m *meter, needs cost, work function, name string) call {
	return call{func(v any, args []any) any {
		steps, err := needs(m, v, args)
		if err == nil && !m.Charge(steps) {
			err = m.Err()
		}
		if err != nil {
			return err
		}
		return work(v, args)
	}, 0, name}
}
