package work

import (
	"fmt"
	"regexp/syntax"
	"strings"
)

// largestPattern is in instructions.
const largestPattern = 2_000

// Instructions returns about how many instructions a regular expression becomes when its
// repeats are written out, or says why it may not be used. A text takes time and memory by
// its length times the instructions, and `(.{1000})` has eight characters.
func Instructions(expression string) (int, error) {
	tree, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0, fmt.Errorf("the regular expression is wrong: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	size := instructions(tree)
	if size > largestPattern {
		return size, fmt.Errorf("the regular expression %.40q is too large: with its repeats written out it has more than %d steps", expression, largestPattern)
	}
	return size, nil
}

func instructions(tree *syntax.Regexp) int {
	sum := 1 + len(tree.Rune)/8
	if tree.Op == syntax.OpLiteral {
		sum += len(tree.Rune)
	}
	for _, sub := range tree.Sub {
		sum += instructions(sub)
	}
	if tree.Op == syntax.OpRepeat {
		sum *= max(tree.Min, tree.Max, 1) + 1
	}
	return min(sum, Beyond)
}
