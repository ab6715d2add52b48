package core

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckText refuses a short text field that is not valid UTF-8, has a control
// character or has too few or too many characters.
func CheckText(field, text string, shortest, longest int) error {
	if !utf8.ValidString(text) {
		return Invalid(field, "must be valid UTF-8")
	}
	if length := utf8.RuneCountInString(text); length < shortest || length > longest {
		return Invalid(field, "must have %d to %d characters, has %d", shortest, longest, length)
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return Invalid(field, "must not contain control characters")
		}
	}
	return nil
}

// CheckName refuses a name that a stream or a group may not have: see [Stream].Name.
func CheckName(name string) error {
	if err := CheckText("name", name, 1, MaxStreamNameLength); err != nil {
		return err
	}
	if strings.Contains(name, "/") || name == "." || name == ".." {
		return Invalid("name", "must not be . or .. or contain a slash: it is part of addresses")
	}
	if strings.TrimSpace(name) != name {
		return Invalid("name", "must not begin or end with white space")
	}
	if _, err := ParseID(name); err == nil {
		return Invalid("name", "must not have the form of a UUID: ids and names share one place in addresses")
	}
	return nil
}
