package core

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckText refuses a short text field that is not valid UTF-8, has a control
// character or has too few or too many characters.
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

// CheckSeen refuses a text with an invisible character, or with a space that looks
// like another one: two names that read alike would be two things. It is for texts
// that people choose anew. A text that was stored before there was this rule stays
// good.
func CheckSeen(field, text string) error {
	for _, r := range text {
		if unseen(r) {
			return Invalid(field, "must not contain %U, which is invisible or looks like a space", r)
		}
	}
	return nil
}

// unseen reports whether a character leaves no mark of its own. These are format
// characters (zero-width spaces and bidirectional controls among them), fillers, and
// all spaces but the common one.
func unseen(r rune) bool {
	switch r {
	case ' ':
		return false
	case '\u034F', '\u115F', '\u1160', '\u17B4', '\u17B5', '\u2800', '\u3164', '\uFFA0', '\uFFFC':
		return true // fillers that Unicode counts as letters, marks or symbols
	}
	return unicode.In(r, unicode.Cf, unicode.Z, unicode.Co, unicode.Cs) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// CheckName refuses a name that a stream or a group may not have: see [Stream].Name.
func CheckName(name string) error {
	if err := CheckText("name", name, 1, MaxStreamNameLength); err != nil {
		return err
	}
	if strings.Contains(name, "/") || name == "." || name == ".." {
		return Invalid("name", "must not be . or .. or contain a slash: it is part of URLs")
	}
	if strings.TrimSpace(name) != name {
		return Invalid("name", "must not begin or end with white space")
	}
	if _, err := ParseID(name); err == nil {
		return Invalid("name", "must not look like a UUID: ids and names stand in the same place in URLs")
	}
	return nil
}

// Listed writes names for people, with commas between them.
func Listed[T ~string](names []T) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ", ")
}
