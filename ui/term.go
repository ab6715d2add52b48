package ui

import (
	"strings"
	"unicode"
)

// term is a part of a filter: `name:value`, or a word, which is a value alone.
type term struct {
	name, value string
	named       bool
	// quoted says that at least a part of the value stood in quotes.
	quoted bool
}

// splitTerms splits a filter at spaces, and each term at its first colon. It does not
// split within quotes, where a backslash takes the meaning from the next character.
func splitTerms(text string) (terms []term) {
	var (
		next                   term
		word                   strings.Builder
		within, escaped, begun bool
	)
	end := func() {
		if next.value = word.String(); begun {
			terms = append(terms, next)
		}
		next, begun = term{}, false
		word.Reset()
	}
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case within && r == '\\':
			escaped = true
		case r == '"':
			within, begun, next.quoted = !within, true, true
		case unicode.IsSpace(r) && !within:
			end()
		case r == ':' && !within && !next.named:
			next, begun = term{name: word.String(), named: true}, true
			word.Reset()
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	return terms
}

// String writes a term as splitTerms reads it.
func (t term) String() string {
	if t.named {
		return quoteTerm(t.name) + ":" + quoteTerm(t.value)
	}
	return quoteTerm(t.value)
}

// quoteTerm puts a text into quotes, unless it is read as itself without them.
func quoteTerm(text string) string {
	if text != "" && !strings.ContainsAny(text, `":\`) && strings.IndexFunc(text, unicode.IsSpace) < 0 {
		return text
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// withTerm adds `name:value` to the text of a filter. It replaces another value of the
// name.
func withTerm(text, name, value string) string {
	var all []string
	for _, t := range splitTerms(text) {
		if !t.named || t.name != name {
			all = append(all, t.String())
		}
	}
	return strings.Join(append(all, term{name: name, value: value, named: true}.String()), " ")
}
