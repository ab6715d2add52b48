// Package app is the EventFlow program as a library: the settings, the graph
// that wires core to its adapters, and the command line. It is the only place
// that knows every part; a team with a storage of its own builds its binary
// from it in one file, as app/eventflow does.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

// Version is the version of this build; the linker sets it.
var Version = "dev"

// Main runs the command line with the given adapters and exits.
func Main(options ...Option) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, newProgram(options), os.Args[1:])
	stop()
	os.Exit(code)
}

// run executes one command and returns the exit code.
func run(ctx context.Context, p *program, args []string) int {
	root := newRoot(p)
	root.SetArgs(args)
	understood := false
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if err := cmd.ValidateRequiredFlags(); err != nil {
			return err
		}
		understood = true
		return nil
	}
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !understood {
		err = usageError{fmt.Errorf("%w; see '%s --help'", err, cmd.CommandPath())}
	}
	if err != nil {
		fmt.Fprintln(root.ErrOrStderr(), "eventflow:", message(err))
	}
	return exitCode(err)
}

func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:           "eventflow",
		Short:         "Ingest, keep and deliver application events",
		Version:       Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	s := bindConfig(root.PersistentFlags())
	root.AddCommand(
		devCommand(p, s), serveCommand(p, s), tryCommand(), keyCommand(p, s), tokenCommand(p, s), organizationCommand(p, s),
		userCommand(p, s), auditCommand(p, s), secretCommand(), configCommand(s), versionCommand(),
	)
	return root
}

// usageError is a mistake in the command line or the settings.
type usageError struct{ error }

// Unwrap returns the mistake.
func (e usageError) Unwrap() error { return e.error }

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

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), Version) },
	}
}
