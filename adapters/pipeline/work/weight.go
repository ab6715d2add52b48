package work

import (
	"encoding/json"
	"math/big"
)

// deepestValue is how many levels a value may have that a function walks through.
const deepestValue = 1000

// Beyond is more than any run has left.
const Beyond = 1 << 40

// Deep returns the steps to walk through all of a value, or more than are left. A value
// may be in another one many times over, so that its tree is far larger than the memory
// that it takes: the walk ends where the steps do.
func (m *Meter) Deep(value any) int { return m.walk(value, 0, 0) }

func (m *Meter) walk(value any, sum, depth int) int {
	sum++
	if depth > deepestValue {
		return Beyond
	}
	switch value := value.(type) {
	case string:
		return sum + len(value)/16
	case json.Number:
		return sum + len(value)/4
	case *big.Int:
		return sum + Square(value)
	case []any:
		for _, element := range value {
			if sum = m.walk(element, sum, depth+1); sum > m.left {
				return sum
			}
		}
	case map[string]any:
		for key, member := range value {
			if sum = m.walk(member, sum+3+len(key)/16, depth+1); sum > m.left {
				return sum
			}
		}
	}
	return sum
}

// Shallow returns the steps to copy a value without what is in its elements.
func Shallow(value any) int {
	switch value := value.(type) {
	case string:
		return len(value) / 16
	case []any:
		return len(value)
	case map[string]any:
		return 4 * len(value)
	}
	return 0
}

// Length returns the number of bytes or of elements.
func Length(value any) int {
	switch value := value.(type) {
	case string:
		return len(value)
	case []any:
		return len(value)
	case map[string]any:
		return len(value)
	}
	return 0
}

// Square returns the steps to multiply a whole number with one of its size, or to
// write it down.
func Square(value *big.Int) int {
	words := value.BitLen() / 64
	return words * words / 4
}

// Sorting returns how often an element of so many is compared while they are sorted.
func Sorting(elements int) int {
	times := 1
	for ; elements > 2; elements /= 2 {
		times++
	}
	return times
}
