package jq

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/eventflow-go/eventflow/adapters/pipeline/work"

	"github.com/eventflow-go/eventflow/core"
)

const field = "transform"

func fault(reason string, args ...any) *core.Error { return core.Invalid(field, reason, args...) }

// parseFault says where a text is no jq.
func parseFault(text string, err error) error {
	var known *gojq.ParseError
	if !errors.As(err, &known) {
		return fault("%v", err)
	}
	// The offset is behind the token.
	offset := min(max(known.Offset-len(known.Token), 0), len(text))
	return fault("%s%s", at(text, offset), plainly(known))
}

// plainly says what the library says of a token.
func plainly(err *gojq.ParseError) string {
	said := err.Error()
	switch {
	case said == "unexpected EOF":
		return "the program ends where something must follow: each (, [, { and \" needs its end, and each if its end"
	case said == "unterminated string literal":
		return "the text that begins here has no \" at its end"
	case strings.HasPrefix(said, "invalid escape"):
		return err.Token + " is nothing that \\ can begin: write \\\\ for one \\"
	case err.Token == "'" || strings.HasPrefix(err.Token, "“"):
		return "a text stands in straight double quotes, as \"order\""
	case err.Token == "&" || err.Token == "|" && strings.HasPrefix(said, "invalid"):
		return err.Token + " is not expected here: conditions are joined by and, and by or"
	case err.Token == "=":
		return "= is not expected here: two values are compared by =="
	}
	return err.Token + " is not expected here"
}

var undefined = regexp.MustCompile(`^(function|variable) not defined: ([^/\s]+)(?:/(\d+))?$`)

// compileFault says which name of a program means nothing, and where it stands.
func compileFault(text string, err error) error {
	part := undefined.FindStringSubmatch(err.Error())
	switch {
	case part == nil:
		return fault("%v", err)
	case part[1] == "variable":
		return fault("%sthere is no variable %s: define it by `... as %s | ...`", placeOf(text, part[2]), part[2], part[2])
	case part[3] == "0":
		return fault("%sthere is no function %s: a field begins with a dot, as .%s", placeOf(text, part[2]), part[2], part[2])
	}
	many := part[3] + " arguments: they stand in brackets, with ; between them"
	if part[3] == "1" {
		many = "1 argument"
	}
	return fault("%sthere is no function %s with %s", placeOf(text, part[2]), part[2], many)
}

func notAvailable(text, name string) error {
	return fault("%s%s is not available here: a transform sees the event and nothing else, and what it calls must have a bound", placeOf(text, name), name)
}

// placeOf returns where a name stands first in a text, as the beginning of a reason, or
// "" where it does not stand there: functions that come with jq call others.
func placeOf(text, name string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], name)
		if i < 0 {
			return ""
		}
		start, end := from+i, from+i+len(name)
		if (start == 0 || !isName(text[start-1]) && text[start-1] != '.') && (end == len(text) || !isName(text[end])) {
			return at(text, start)
		}
		from = end
	}
}

func isName(c byte) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// at is the place of an offset in a text, as people count: in lines and characters, both
// from 1.
func at(text string, offset int) string {
	before := text[:offset]
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d: ", line, column)
}

// runFault is about one event. The text of an error that a program made itself may be as
// large as the program likes.
func runFault(err error) error {
	if own, ok := errors.AsType[gojq.ValueError](err); ok {
		text, isText := own.Value().(string)
		if !isText {
			text = gojq.Preview(own.Value())
		}
		return fault("fails on this event: error: %s", excerpt(text))
	}
	if errors.Is(err, work.ErrTooMuch) {
		return fault("on this event it %v", err)
	}
	return fault("fails on this event: %s", excerpt(err.Error()))
}

// longestExcerpt is in bytes.
const longestExcerpt = 300

func excerpt(text string) string {
	if len(text) <= longestExcerpt {
		return strings.ToValidUTF8(text, "\uFFFD")
	}
	return strings.ToValidUTF8(text[:longestExcerpt], "") + " …"
}

// kindOf says what a value is, to people.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case string:
		return "a string"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	}
	return "a number"
}
