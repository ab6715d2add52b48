package app

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

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

// oneLine is a text in one line: several errors, and those of PostgreSQL, which tells one
// for each address that it tried, come in more.
func oneLine(text string) string {
	var said []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !slices.Contains(said, line) {
			said = append(said, line)
		}
	}
	return strings.ReplaceAll(strings.Join(said, "; "), ":; ", ": ")
}

// flagError says what the value of a flag must be, where that is what is wrong.
func flagError(_ *cobra.Command, err error) error {
	if bad, ok := errors.AsType[*pflag.InvalidValueError](err); ok && kinds[bad.GetFlag().Value.Type()] != "" {
		return fmt.Errorf("--%s must be %s, not %q", bad.GetFlag().Name, kinds[bad.GetFlag().Value.Type()], bad.GetValue())
	}
	return err
}

// nameArguments has commands say which arguments they take, where the number is wrong.
func nameArguments(command *cobra.Command) {
	if allowed := command.Args; allowed != nil && command.HasParent() {
		command.Args = func(cmd *cobra.Command, args []string) error {
			err := allowed(cmd, args)
			if err != nil && strings.HasPrefix(err.Error(), "accepts ") {
				return fmt.Errorf("wrong number of arguments, %d: write %s", len(args), strings.TrimSuffix(cmd.UseLine(), " [flags]"))
			}
			return err
		}
	}
	for _, sub := range command.Commands() {
		nameArguments(sub)
	}
}

// refuseUnknownTopics has help and completion, which the library makes, refuse what they do
// not know, as every other command does.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, command := range root.Commands() {
		switch command.Name() {
		case "help":
			command.Args = func(_ *cobra.Command, args []string) error {
				if _, unknown, err := root.Find(args); err != nil || len(unknown) > 0 {
					return fmt.Errorf("there is no command %q", strings.Join(args, " "))
				}
				return nil
			}
		case "completion":
			command.Args = cobra.NoArgs
			command.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		}
	}
}
