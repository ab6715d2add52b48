package core

import (
	"unicode"
	"unicode/utf8"
)

// CheckText holds a short text field to its length, in characters, and to
// characters that can be shown: valid UTF-8 without control characters.
func CheckText(field, text string, shortest, longest int) error {
	return checkText(field, text, shortest, longest, unicode.IsControl)
}

// CheckLines is [CheckText] for a text that may have several lines, as a stack
// trace has: tabs and line breaks of either kind are no fault in it.
func CheckLines(field, text string, shortest, longest int) error {
	return checkText(field, text, shortest, longest, func(r rune) bool {
		return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

func checkText(field, text string, shortest, longest int, refused func(rune) bool) error {
	if !utf8.ValidString(text) {
		return Invalid(field, "must be valid UTF-8")
	}
	if length := utf8.RuneCountInString(text); length < shortest || length > longest {
		return Invalid(field, "must have %d to %d characters, has %d", shortest, longest, length)
	}
	for _, r := range text {
		if refused(r) {
			return Invalid(field, "must not contain control characters")
		}
	}
	return nil
}
