package jq

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/eventflow-go/eventflow/adapters/pipeline/work"
)

const (
	// longestPattern is in bytes.
	longestPattern = 1_000
	// mostPatterns is how many patterns a program may have compiled before it is thrown
	// away: the interpreter keeps them for as long as it keeps the program.
	mostPatterns = 32
)

// patterns knows the regular expressions that a program has used.
type patterns map[[2]string]*pattern

type pattern struct {
	compiled     *regexp.Regexp
	instructions int
	groups       int
	err          error
}

// cost returns the steps to match a text: its length times the size of the pattern, and
// that again for each match where all are asked for.
func (p patterns) cost(m *meter, v any, args []any) (int, error) {
	text, isText := v.(string)
	expression, isExpression := args[0].(string)
	flags, _ := args[1].(string)
	if !isText || !isExpression {
		return 0, nil // it says so itself
	}
	known := p[[2]string{expression, flags}]
	if known == nil {
		// The interpreter compiles it, twice, and so does this.
		if !m.Charge(20 * (20 + len(expression))) {
			return 0, m.Err()
		}
		known = compilePattern(expression, flags)
		p[[2]string{expression, flags}] = known
		if !m.Charge(10 * known.instructions) {
			return 0, m.Err()
		}
	}
	if known.err != nil {
		return 0, known.err
	}
	if testing, _ := args[2].(bool); testing || !strings.Contains(flags, "g") {
		return 1 + known.groups*len(text)/16 + len(text)*known.instructions/8, nil
	}
	return known.matches(m, text)
}

// matches returns the steps to find all matches. It looks for them itself, because
// nothing else tells how many there are.
func (p *pattern) matches(m *meter, text string) (steps int, err error) {
	one := 20 + 20*p.groups + len(text)*(2+p.groups)/16
	for pos := 0; pos <= len(text); {
		if steps += one + (len(text)-pos)*p.instructions/8; steps > m.Left() {
			return steps, nil
		}
		place := p.compiled.FindStringIndex(text[pos:])
		if place == nil {
			break
		}
		pos += max(place[1], place[0]+1)
	}
	return steps, nil
}

func compilePattern(expression, flags string) *pattern {
	if len(expression) > longestPattern {
		return &pattern{err: fmt.Errorf("the regular expression has %d bytes, and may have %d", len(expression), longestPattern)}
	}
	if strings.Contains(flags, "i") {
		expression = "(?i)" + expression
	}
	if strings.Contains(flags, "m") {
		expression = "(?s)" + expression
	}
	size, err := work.Instructions(expression)
	if err != nil {
		return &pattern{err: err}
	}
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return &pattern{err: err}
	}
	return &pattern{compiled: compiled, instructions: size, groups: 1 + compiled.NumSubexp()}
}
