package jsonschema

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// valueSet is a set of decoded values, for enum, const and uniqueItems. It finds a
// value by its hash, however many there are.
type valueSet struct {
	byHash map[uint64][]entry
}

// entry is a value of a set, and its place in the list that the set was made of.
type entry struct {
	value any
	place int
}

func newValueSet(values ...any) *valueSet {
	unbounded := (*core.Budget)(nil)
	set := &valueSet{byHash: make(map[uint64][]entry, len(values))}
	for i, value := range values {
		set.add(value, i, unbounded)
	}
	return set
}

// has reports whether the set has a value.
func (s *valueSet) has(value any, budget *core.Budget) bool {
	_, found := s.find(hashOf(value, budget), value, budget)
	return found
}

func (s *valueSet) find(hash uint64, value any, budget *core.Budget) (place int, found bool) {
	for _, entry := range s.byHash[hash] {
		if equal(entry.value, value, budget) {
			return entry.place, true
		}
	}
	return 0, false
}

// add adds a value, unless an equal one is there. It then says where that one was.
func (s *valueSet) add(value any, place int, budget *core.Budget) (before int, found bool) {
	hash := hashOf(value, budget)
	if before, found = s.find(hash, value, budget); !found {
		s.byHash[hash] = append(s.byHash[hash], entry{value, place})
	}
	return before, found
}

// duplicates finds two elements that are equal.
func duplicates(array []any, budget *core.Budget) (first, second int, found bool) {
	set := &valueSet{byHash: make(map[uint64][]entry, len(array))}
	for i, element := range array {
		if !spend(budget, 1) {
			return 0, 0, false
		}
		if first, found = set.add(element, i, budget); found {
			return first, i, true
		}
	}
	return 0, 0, false
}

// spend spends from a budget that may be none.
func spend(budget *core.Budget, steps int) bool { return budget == nil || budget.Spend(steps) }

// seed makes the hashes different in each process, so that nobody can send values
// that have the same.
var seed = maphash.MakeSeed()

// hashOf hashes a value. Equal values have equal hashes.
func hashOf(value any, budget *core.Budget) uint64 {
	if !spend(budget, 1) {
		return 0
	}
	switch value := value.(type) {
	case bool:
		return maphash.String(seed, "b"+strconv.FormatBool(value))
	case json.Number:
		return maphash.String(seed, "n"+normalNumber(value))
	case string:
		spend(budget, len(value)/bytesPerStep)
		return maphash.String(seed, value) ^ 1
	case []any:
		return hashArray(value, budget)
	case map[string]any:
		return hashObject(value, budget)
	}
	return maphash.String(seed, "null") // nil
}

func hashArray(array []any, budget *core.Budget) uint64 {
	hash := maphash.Hash{}
	hash.SetSeed(seed)
	var eight [8]byte
	for _, element := range array {
		binary.NativeEndian.PutUint64(eight[:], hashOf(element, budget))
		_, _ = hash.Write(eight[:])
	}
	return hash.Sum64() ^ 2
}

// hashObject adds up its members' hashes: their order does not matter.
func hashObject(object map[string]any, budget *core.Budget) (sum uint64) {
	var sixteen [16]byte
	for name, member := range object {
		binary.NativeEndian.PutUint64(sixteen[:], hashOf(name, budget))
		binary.NativeEndian.PutUint64(sixteen[8:], hashOf(member, budget))
		sum += maphash.Bytes(seed, sixteen[:])
	}
	return sum ^ 3
}

// equal reports whether two decoded values are the same to JSON Schema. It reports
// false when the budget is spent.
func equal(a, b any, budget *core.Budget) bool {
	if !spend(budget, 1) {
		return false
	}
	switch a := a.(type) {
	case json.Number:
		b, is := b.(json.Number)
		return is && (a == b || normalNumber(a) == normalNumber(b))
	case []any:
		b, is := b.([]any)
		if !is || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i], budget) {
				return false
			}
		}
		return true
	case map[string]any:
		b, is := b.(map[string]any)
		if !is || len(a) != len(b) {
			return false
		}
		for name, member := range a {
			other, there := b[name]
			if !there || !equal(member, other, budget) {
				return false
			}
		}
		return true
	}
	switch b.(type) {
	case []any, map[string]any: // cannot be compared, and are not equal
		return false
	}
	return a == b
}

// normalNumber writes a number so that equal numbers read alike: as a whole number
// that does not end in zero, and an exponent.
func normalNumber(literal json.Number) string {
	sign, digits, exponent := parts(literal)
	if digits == "" {
		return "0"
	}
	return sign + digits + "e" + strconv.Itoa(exponent)
}

// isWhole reports whether a number is an integer, however it is written.
func isWhole(literal json.Number) bool {
	_, digits, exponent := parts(literal)
	return digits == "" || exponent >= 0
}

// parts takes a number apart into its digits, without zeros around them, and the power
// of ten that they are multiplied with. Zero has no digits. The exponent was found to
// be calculable before.
func parts(literal json.Number) (sign, digits string, exponent int) {
	text := string(literal)
	if text, negative := strings.CutPrefix(text, "-"); negative {
		_, digits, exponent = parts(json.Number(text))
		return "-", digits, exponent
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		exponent, _ = strconv.Atoi(text[i+1:])
		text = text[:i]
	}
	if whole, fraction, fractional := strings.Cut(text, "."); fractional {
		text = whole + fraction
		exponent -= len(fraction)
	}
	text = strings.TrimLeft(text, "0")
	digits = strings.TrimRight(text, "0")
	return "", digits, exponent + len(text) - len(digits)
}
