package app

import (
	"errors"

	"github.com/eventflow-go/eventflow/core"
)

// usageError is a mistake in the command line or the settings.
type usageError struct{ error }

// Unwrap returns the mistake.
func (e usageError) Unwrap() error { return e.error }

// unreachableError says that there is no server to talk to.
type unreachableError struct{ error }

// Unwrap returns the reason.
func (e unreachableError) Unwrap() error { return e.error }

// Exit codes, the same for every command.
const (
	exitOK = iota
	exitFailure
	exitUsage
	exitAuth
	exitNotFound
	exitConflict
	exitLimited
	exitUnreachable
)

func exitCode(err error) int {
	var usage usageError
	var unreachable unreachableError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	switch core.CodeOf(err) {
	case core.CodeValidation:
		return exitUsage
	case core.CodeUnauthorized, core.CodeForbidden:
		return exitAuth
	case core.CodeNotFound:
		return exitNotFound
	case core.CodeConflict, core.CodePreconditionFailed:
		return exitConflict
	case core.CodeRateLimited:
		return exitLimited
	}
	return exitFailure
}

// message is an error as a person reads it: the text of the client-facing
// error where there is one.
func message(err error) string {
	if known, ok := errors.AsType[*core.Error](err); ok {
		return known.Message
	}
	return err.Error()
}
