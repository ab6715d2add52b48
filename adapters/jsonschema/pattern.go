package jsonschema

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"sync"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/eventflow-go/eventflow/core"
)

// pattern is a regular expression that can be matched within a budget. The standard
// library's matcher takes time by the product of the expression's size and the text,
// and nothing can stop it. So it gets only what is small, and the rest is matched by
// a machine of our own, which counts.
type pattern struct {
	text string
	prog *syntax.Prog
	// small is nil where the program is too large for the standard library's matcher.
	small *regexp.Regexp
	// fromStart says that a match begins where the text does.
	fromStart bool
	machines  sync.Pool
}

// String implements [jsonschema.Regexp].
func (p *pattern) String() string { return p.text }

// MatchString implements [jsonschema.Regexp]. The library itself matches only keys
// of its own, within its meta-schemas.
func (p *pattern) MatchString(text string) bool {
	if p.small != nil {
		return p.small.MatchString(text)
	}
	return p.matches(text, nil)
}

// smallProgram is how many instructions the standard library compiles for us.
const smallProgram = 1000

// patternLimits bound what is compiled: a pattern's text before it is parsed, and its
// program before it is made.
type patternLimits struct {
	text, program, programs int
}

// patterns compiles the patterns of one schema, each once. It is used by one
// goroutine.
type patterns struct {
	limits patternLimits
	total  int
	known  map[string]*pattern
}

// compile is a [jsonschema.RegexpEngine].
func (p *patterns) compile(text string) (jsonschema.Regexp, error) {
	if known := p.known[text]; known != nil {
		return known, nil
	}
	parsed, err := parsePattern(text, p.limits.text)
	if err != nil {
		return nil, err
	}
	size := programSize(parsed) + classSize(parsed)
	if size > p.limits.program {
		return nil, patternSizeError(fmt.Sprintf("compiles to about %d instructions, more than %d: repeat less, or bound the length by maxLength", size, p.limits.program))
	}
	if p.total += size; p.total > p.limits.programs {
		return nil, patternSizeError(fmt.Sprintf("and those before it compile to more than %d instructions together: repeat less, or bound lengths by maxLength", p.limits.programs))
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	made := &pattern{text: text, prog: prog, fromStart: prog.StartCond()&syntax.EmptyBeginText != 0}
	made.machines.New = func() any { return newMachine(len(prog.Inst)) }
	if len(prog.Inst) <= smallProgram {
		if made.small, err = regexp.Compile(text); err != nil {
			return nil, err
		}
	}
	p.known[text] = made
	return made, nil
}

// patternSizeError says in which way a pattern is beyond the limits.
type patternSizeError string

func (e patternSizeError) Error() string { return "it " + string(e) }

// parsePattern parses an expression, unless its text is too long for that.
func parsePattern(text string, longest int) (*syntax.Regexp, error) {
	if len(text) > longest {
		return nil, patternSizeError(fmt.Sprintf("has %d bytes, more than %d", len(text), longest))
	}
	return syntax.Parse(text, syntax.Perl)
}

// programSize is about how many instructions an expression compiles to. Repetitions
// are written out, within each other too.
func programSize(re *syntax.Regexp) int {
	size := 1
	for _, sub := range re.Sub {
		size += programSize(sub)
	}
	switch re.Op {
	case syntax.OpLiteral:
		size += len(re.Rune)
	case syntax.OpRepeat:
		size *= max(re.Min, re.Max, 1)
	case syntax.OpCapture:
		size++
	}
	return size
}

// classSize is what the classes of characters take beside the instructions, in the
// memory of an instruction each. Repetitions share a class.
func classSize(re *syntax.Regexp) int {
	size := 0
	for _, sub := range re.Sub {
		size += classSize(sub)
	}
	if re.Op == syntax.OpCharClass {
		size += len(re.Rune) / 16
	}
	return size
}

// longestRegex bounds the texts of the format regex, in bytes. Each is parsed.
const longestRegex = 1000

// checkRegex is the format regex. What can be parsed can be compiled, so nothing is.
func checkRegex(value any) error {
	text, isText := value.(string)
	if !isText {
		return nil
	}
	_, err := parsePattern(text, longestRegex)
	return err
}

const (
	// instructionsPerStep is how many instructions a machine passes in a step.
	instructionsPerStep = 4
	// smallMatch bounds the product of a program and a text that the standard library
	// matches.
	smallMatch = 512
)

// matches reports whether the text has a match. It reports false when the budget is
// spent. Without a budget it has no bound.
func (p *pattern) matches(text string, budget *core.Budget) bool {
	if product := len(p.prog.Inst) * (len(text) + 1); p.small != nil && product <= smallMatch {
		return (budget == nil || budget.Spend(product/16+1)) && p.small.MatchString(text)
	}
	if budget != nil && !budget.Spend(len(p.prog.Inst)/64+1) {
		return false
	}
	m, _ := p.machines.Get().(*machine)
	defer p.machines.Put(m)
	return m.run(p, text, budget)
}

// machine runs a program over a text: all ways through it at once, so that each
// character takes time by the program at most.
type machine struct {
	now, next places
	todo      []uint32
	passed    int // instructions, since the budget was last asked
}

func newMachine(size int) *machine {
	return &machine{now: newPlaces(size), next: newPlaces(size)}
}

// run reports whether the program matches somewhere in the text.
func (m *machine) run(p *pattern, text string, budget *core.Budget) bool {
	m.now.clear()
	m.passed = 0
	before := rune(-1)
	for pos := 0; ; {
		after, width := rune(-1), 0
		if pos < len(text) {
			after, width = utf8.DecodeRuneInString(text[pos:])
		}
		if m.arrive(p, before, after, pos == 0) {
			return true
		}
		if m.passed >= instructionsPerStep*64 {
			if budget != nil && !budget.Spend(m.passed/instructionsPerStep) {
				return false
			}
			m.passed = 0
		}
		if width == 0 || p.fromStart && len(m.now.reached) == 0 {
			break
		}
		m.step(p, after)
		before, pos = after, pos+width
	}
	if budget != nil {
		budget.Spend(m.passed/instructionsPerStep + 1)
	}
	return false
}

// arrive follows what takes no character, from each place that was reached and,
// where a match may begin, from the start. It leaves in now the places that take a
// character, and reports whether there is a match.
func (m *machine) arrive(p *pattern, before, after rune, first bool) (matched bool) {
	context := syntax.EmptyOpContext(before, after)
	from := m.now.reached
	m.next.clear()
	for _, place := range from {
		if m.follow(p.prog, place, context) {
			return true
		}
	}
	if (first || !p.fromStart) && m.follow(p.prog, uint32(p.prog.Start), context) {
		return true
	}
	m.now, m.next = m.next, m.now
	return false
}

// follow adds to next what can be reached from a place without taking a character.
func (m *machine) follow(prog *syntax.Prog, place uint32, context syntax.EmptyOp) (matched bool) {
	m.todo = append(m.todo[:0], place)
	for len(m.todo) > 0 {
		place = m.todo[len(m.todo)-1]
		m.todo = m.todo[:len(m.todo)-1]
		if !m.next.add(place) {
			continue
		}
		m.passed++
		switch instruction := &prog.Inst[place]; instruction.Op {
		case syntax.InstMatch:
			return true
		case syntax.InstAlt, syntax.InstAltMatch:
			m.todo = append(m.todo, instruction.Arg, instruction.Out)
		case syntax.InstCapture, syntax.InstNop:
			m.todo = append(m.todo, instruction.Out)
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(instruction.Arg)&^context == 0 {
				m.todo = append(m.todo, instruction.Out)
			}
		case syntax.InstFail, syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
		}
	}
	return false
}

// step takes a character. It leaves in now the places behind those that took it.
func (m *machine) step(p *pattern, r rune) {
	m.next.clear()
	for _, place := range m.now.reached {
		switch instruction := &p.prog.Inst[place]; instruction.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			m.passed++
			if instruction.MatchRune(r) {
				m.next.add(instruction.Out)
			}
		case syntax.InstAlt, syntax.InstAltMatch, syntax.InstCapture, syntax.InstEmptyWidth, syntax.InstMatch, syntax.InstFail, syntax.InstNop:
		}
	}
	m.now, m.next = m.next, m.now
}

// places is a set of places in a program. It is emptied in no time, whatever its size.
type places struct {
	reached []uint32
	// where has for each place where it stands in reached, or anything.
	where []uint32
}

func newPlaces(size int) places {
	return places{reached: make([]uint32, 0, size), where: make([]uint32, size)}
}

func (s *places) clear() { s.reached = s.reached[:0] }

// add reports whether the place is new.
func (s *places) add(place uint32) bool {
	if i := s.where[place]; int(i) < len(s.reached) && s.reached[i] == place {
		return false
	}
	s.where[place] = uint32(len(s.reached))
	s.reached = append(s.reached, place)
	return true
}
