package cel

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// This file says in plain words what the library says of a condition. What it does not
// know stays as the library says it.

// rewording is one form of the library's texts.
type rewording struct {
	form *regexp.Regexp
	// say gets what the parts of the form in brackets match, and the condition from the
	// place of the fault on.
	say func(part []string, rest string) string
}

var rewordings = []rewording{
	{regexp.MustCompile(`^undeclared reference to '(.+)' \(in container ''\)$`), sayUnknown},
	{regexp.MustCompile(`^found no matching overload for '(.+?)' applied to '(.*)'$`), sayMisfit},
	{regexp.MustCompile(`^token recognition error at: '(?s:(.*))'$`), sayNoToken},
	{regexp.MustCompile(`^(?:mismatched|extraneous) input '(?s:(.*))' expecting`), sayUnexpected},
	{regexp.MustCompile(`^no viable alternative at input '(?s:(.*))'$`), sayUnexpected},
	{regexp.MustCompile(`^missing '(.+)' at '`), func(part []string, _ string) string { return part[1] + " is missing here" }},
	{regexp.MustCompile(`^reserved identifier: (.+)$`), func(part []string, _ string) string {
		return part[1] + " is a reserved word: a condition is one expression, as payload.total > 100 && subject != ''"
	}},
	{regexp.MustCompile(`^expected type '(.+)' but found '(.+)'$`), func(part []string, _ string) string {
		return kindOf(part[1]) + " is needed here, and this is " + kindOf(part[2])
	}},
	{regexp.MustCompile(`^type '(.+)' does not support field selection$`), func(part []string, _ string) string {
		return kindOf(part[1]) + " has no fields"
	}},
	{regexp.MustCompile(`^expression of type '(.+)' cannot be range of a comprehension`), func(part []string, _ string) string {
		return "all(), exists(), exists_one(), map() and filter() go through a list or a map, and this is " + kindOf(part[1])
	}},
	{regexp.MustCompile(`^argument (?:must be a simple name|is not an identifier)$`), func([]string, string) string {
		return "the first of the two in the brackets must be a name of your own for each element, as in payload.items.exists(item, item.price > 10)"
	}},
	{regexp.MustCompile(`^invalid argument to has\(\) macro$`), func([]string, string) string {
		return "has() asks for a field of something, as in has(payload.coupon)"
	}},
	{regexp.MustCompile(`^unsupported syntax '(.+)'$`), func(part []string, _ string) string {
		return part[1] + " is not available here: write has(payload.coupon) && payload.coupon == 'X'"
	}},
	{regexp.MustCompile(`^invalid (?:int|uint|double) literal$`), func([]string, string) string { return "this number is too large" }},
	{regexp.MustCompile(`^invalid timestamp argument$`), func([]string, string) string {
		return "must be an RFC 3339 time, as '2026-01-31T09:30:00Z'"
	}},
	{regexp.MustCompile(`^invalid duration argument$`), func([]string, string) string {
		return "must be a duration, as '90s', '15m' or '24h'"
	}},
	{regexp.MustCompile(`^comprehension exceeds nesting limit$`), func([]string, string) string {
		return fmt.Sprintf("has more than %d loops one within the other", deepestLoop)
	}},
	{regexp.MustCompile(`^expression recursion limit exceeded`), func([]string, string) string {
		return fmt.Sprintf("has more than %d levels of brackets", deepestNesting)
	}},
	// What is said of one event.
	{regexp.MustCompile(`^type conversion error from '(.+)' to '(.+)'$`), func(part []string, _ string) string {
		return kindOf(part[1]) + " that is not " + kindOf(part[2]) + " cannot be made one"
	}},
	{regexp.MustCompile(`^unsupported index type '(.+)' in list$`), func(part []string, _ string) string {
		return "elements of a list are named by their numbers, from 0, and not by " + kindOf(part[1])
	}},
	{regexp.MustCompile(`^got 'types\.(.+)', expected iterable type$`), func(part []string, _ string) string {
		return "all(), exists(), exists_one(), map() and filter() go through a list or a map, and find " + kindOf(strings.ToLower(part[1]))
	}},
	{regexp.MustCompile(`^(?:modulus|division) by zero$`), func([]string, string) string { return "nothing can be divided by 0" }},
	{regexp.MustCompile(`^(?:unsigned )?integer overflow$`), func([]string, string) string {
		return "the result is too large for a whole number: make one of the two a double()"
	}},
	{regexp.MustCompile(`^invalid RFC 3339 timestamp (".*")$`), func(part []string, _ string) string {
		return part[1] + " is not an RFC 3339 time, as 2026-01-31T09:30:00Z"
	}},
}

// plainly says what the library says about a part of a condition.
func plainly(said, rest string) string {
	said = strings.TrimPrefix(said, "Syntax error: ")
	for _, one := range rewordings {
		if part := one.form.FindStringSubmatch(said); part != nil {
			return one.say(part, rest)
		}
	}
	return said
}

const eventFields = "type, source, subject, version, occurred_at, payload, context, event_id, offset and received_at"

// methods are functions that many know by another name.
var methods = map[string]string{
	"startswith": "startsWith", "endswith": "endsWith", "length": "size", "len": "size", "includes": "contains", "match": "matches", "any": "exists",
	"some": "exists", "every": "all", "int64": "int", "str": "string", "float": "double", "date": "timestamp",
}

func sayUnknown(part []string, rest string) string {
	name := part[1]
	lower := strings.ToLower(name)
	switch {
	case lower == "true" || lower == "false" || lower == "null" || lower == "and" || lower == "or" || lower == "not":
		return sayUnexpected([]string{"", name}, rest)
	case methods[lower] != "":
		return fmt.Sprintf("there is no %s(): write %s()", name, methods[lower])
	case lower == "all" || lower == "exists" || lower == "exists_one" || lower == "map" || lower == "filter":
		return fmt.Sprintf("%s() needs a name for each element, and what to ask of it, as in payload.items.%s(item, item.price > 10)", name, name)
	case strings.HasPrefix(rest, "("):
		return fmt.Sprintf("there is no function %s()", name)
	case name == "event":
		return "there is no event: write type instead of event.type; there are " + eventFields
	}
	return fmt.Sprintf("there is no %s: a text stands in quotes, as '%s', a field of the payload is payload.%s, and of the event there are %s",
		name, name, name, eventFields)
}

// signs are the operators as people write them.
var signs = map[string]string{operators.In: "in", operators.Negate: "-", operators.LogicalNot: "!", operators.Conditional: "? :", operators.Index: "[ ]"}

func signOf(function string) (sign string, is bool) {
	if sign = signs[function]; sign != "" {
		return sign, true
	}
	return operators.FindReverseBinaryOperator(function)
}

// sayMisfit is about operands, or arguments, of kinds that a function does not take.
func sayMisfit(part []string, _ string) string {
	target, rest, _ := strings.Cut(part[2], "(")
	args := kindsOf(strings.TrimSuffix(rest, ")"))
	sign, is := signOf(part[1])
	switch {
	case !is && target != "":
		return fmt.Sprintf("%s() of %s takes other arguments than %s", part[1], kindOf(strings.TrimSuffix(target, ".")), listed(args))
	case !is && methodsOnly[part[1]]:
		return fmt.Sprintf("%s() is written behind its text, as in type.%s('order')", part[1], part[1])
	case !is:
		return fmt.Sprintf("%s() takes no %s", part[1], strings.TrimPrefix(strings.TrimPrefix(listed(args), "a "), "an "))
	case len(args) == 1:
		return fmt.Sprintf("%s does not go with %s", sign, args[0])
	case part[1] == operators.In:
		return fmt.Sprintf("in asks whether %s is in a list or a map of such, and behind it stands %s", args[0], args[1])
	case part[1] == operators.Index:
		return fmt.Sprintf("%s has nothing that is named by %s", args[0], args[1])
	case part[1] == operators.Conditional && args[0] != kinds["bool"]:
		return "what stands before ? must be true or false, and is " + args[0]
	case part[1] == operators.Conditional:
		return fmt.Sprintf("what stands behind ? and behind : must be of one kind, and is %s and %s", args[1], args[2])
	}
	return fmt.Sprintf("%s does not go with %s%s", sign, listed(args), remedy(args))
}

var methodsOnly = map[string]bool{"startsWith": true, "endsWith": true, "contains": true, "matches": true}

// remedy is how two operands may come together.
func remedy(args []string) string {
	has := func(kind string) bool { return args[0] == kinds[kind] || args[1] == kinds[kind] }
	switch {
	case args[0] == args[1]:
		return ""
	case has("timestamp") && has("string"):
		return ": make a time of the text, as timestamp('2026-01-31T09:30:00Z')"
	case has("string") && (has("int") || has("uint") || has("double")):
		return ": put the number into quotes, or make a number of the text by int() or double()"
	case has("string") && has("null"):
		return ": a field that the event does not have is ''"
	}
	return ""
}

// sayRunMisfit is about a call whose operands were of kinds that do not go together in one
// event.
func sayRunMisfit(of *ast.AST, part int64) string {
	name := ""
	ast.PreOrderVisit(of.Expr(), ast.NewExprVisitor(func(one ast.Expr) {
		if one.ID() == part && one.Kind() == ast.CallKind {
			name = one.AsCall().FunctionName()
		}
	}))
	sign, is := signOf(name)
	switch {
	case name == operators.LogicalAnd || name == operators.LogicalOr || name == operators.LogicalNot || name == operators.Conditional:
		return sign + " finds a value that is not true or false"
	case is:
		return sign + " finds values whose kinds do not go together, as a number and a text, or null: string(), int() and double() make one of another"
	}
	return name + "() finds a value of a kind that it does not take, as a number where it takes a text, or null"
}

// sayNoToken is about characters that mean nothing.
func sayNoToken(part []string, _ string) string {
	found := strings.TrimSpace(part[1])
	switch {
	case strings.HasPrefix(found, "="):
		return "= means nothing here: two values are compared by =="
	case found == "&" || found == "|":
		return fmt.Sprintf("%s means nothing here: write %s%s", found, found, found)
	case strings.HasPrefix(found, "“"), strings.HasPrefix(found, "‘"), strings.HasPrefix(found, "„"):
		return "a text stands in straight quotes, as 'order.created'"
	case strings.Contains(found, `\`):
		return `\ begins something that there is not: write \\ for one \`
	case strings.HasPrefix(found, `"`), strings.HasPrefix(found, `'`):
		return "the text that begins here has no quote at its end"
	}
	return fmt.Sprintf("%s means nothing here", found)
}

// others are the signs for which people know other words.
var others = map[string]string{
	"and": "&&", "or": "||", "not": "!", "is": "==", "eq": "==", "ne": "!=", "gt": ">", "lt": "<", "<>": "!=", "true": "true", "false": "false", "null": "null",
}

func sayUnexpected(part []string, rest string) string {
	found := strings.TrimSpace(part[1])
	lower := strings.ToLower(found)
	switch {
	case found == "<EOF>":
		return "the condition ends where something must follow"
	case found == ")" || found == "]" || found == "}":
		return found + " closes nothing: it is one too many, or the one that opens is missing"
	case found == ">" && !strings.HasPrefix(rest, ">="):
		return "> is not expected here: unequal is !="
	case lower == "like":
		return "there is no like: use startsWith(), contains() or matches()"
	case others[lower] != "":
		return fmt.Sprintf("%s means nothing here: write %s", found, others[lower])
	case found == ",":
		return ", is not expected here: numbers are written without, as 1000.5"
	}
	if strings.Trim(found, "=!<>&|+-*/%?:") == "" {
		return "a value is missing before " + found
	}
	return fmt.Sprintf("%s is not expected here: is an operator missing before it, as && or ==?", found)
}

// kinds are the types of values, to people.
var kinds = map[string]string{
	"string": "a text", "int": "a whole number", "uint": "a whole number", "double": "a number", "bool": "true or false", "bytes": "bytes",
	"timestamp": "a time", "google.protobuf.Timestamp": "a time", "duration": "a duration", "google.protobuf.Duration": "a duration",
	"null": "null", "null_type": "null", "dyn": "a value of the event", "list": "a list", "map": "a map", "type": "a type",
}

func kindOf(name string) string {
	outer, inner, _ := strings.Cut(strings.TrimSuffix(name, ")"), "(")
	if kind := kinds[inner]; outer == "list" && strings.HasPrefix(kind, "a ") && inner != "dyn" {
		return "a list of " + strings.TrimPrefix(kind, "a ") + "s"
	}
	if kind := kinds[outer]; kind != "" {
		return kind
	}
	return name
}

// kindsOf reads the types of a signature, which may have brackets of their own.
func kindsOf(signature string) (all []string) {
	depth, from := 0, 0
	for i, c := range signature + "," {
		switch {
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			if one := strings.TrimSpace(signature[from:i]); one != "" {
				all = append(all, kindOf(one))
			}
			from = i + 1
		}
	}
	return all
}

// listed is what stands in a list, as in a sentence.
func listed(all []string) string {
	switch len(all) {
	case 0:
		return "none"
	case 1:
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}
