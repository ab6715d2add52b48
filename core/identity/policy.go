package identity

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/eventflow-go/eventflow/core"
)

// checkPassword holds a new password to the policy. The error never quotes it.
func checkPassword(field, password, email string) error {
	length := utf8.RuneCountInString(password)
	if !utf8.ValidString(password) || length < core.MinPasswordLength || length > core.MaxPasswordLength {
		return core.Invalid(field, "must have %d to %d characters", core.MinPasswordLength, core.MaxPasswordLength)
	}
	if !hasAllKinds(password) {
		return core.Invalid(field, "must have an upper-case letter, a lower-case letter, a digit and another character")
	}
	if local, _, _ := strings.Cut(email, "@"); len(local) > 3 && strings.Contains(strings.ToLower(password), local) {
		return core.Invalid(field, "must not contain the part of your email address before the @")
	}
	if guessable(password) {
		return core.Invalid(field, "is too easy to guess: use several words that are not on every list")
	}
	return nil
}

// checkOwnPassword holds a new password to what is easy to guess for whoever knows the
// organization that it is for.
func checkOwnPassword(field, password, organization string) error {
	if guessableHere(password, organization) {
		return core.Invalid(field, "is too easy to guess: it is made of the organization's name")
	}
	return nil
}

// hasAllKinds reports whether a password has each kind of character that the
// policy asks for.
func hasAllKinds(password string) bool {
	var upper, lower, digit, special bool
	for _, r := range password {
		switch {
		case unicode.IsUpper(r):
			upper = true
		case unicode.IsLower(r):
			lower = true
		case unicode.IsDigit(r):
			digit = true
		default:
			special = true
		}
	}
	return upper && lower && digit && special
}
