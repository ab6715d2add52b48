// Package app is the EventFlow program as a library: the settings, the graph
// that wires core to its adapters, and the command line. It is the only place
// that knows every part; a team with a storage of its own builds its binary
// from it in one file, as app/eventflow does.
package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

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
	refuseUnknownTopics(root)
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
		fmt.Fprintln(root.ErrOrStderr(), "eventflow:", oneLine(message(err)))
	}
	return exitCode(err)
}

func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use:           "eventflow",
		Short:         "Ingest, store and deliver application events",
		Version:       Version,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	s := bindConfig(root.PersistentFlags())
	s.known = p.checkStore
	root.AddCommand(
		devCommand(p, s), serveCommand(p, s), tryCommand(), keyCommand(p, s), tokenCommand(p, s), organizationCommand(p, s), replayCommand(p, s),
		streamCommand(p, s), processorCommand(), sourceCommand(), schemaCommand(),
		userCommand(p, s), auditCommand(p, s), backupCommand(p, s), restoreCommand(p, s), copyCommand(p, s), archiveCommand(p, s),
		secretCommand(), initCommand(p, s), configCommand(p, s), doctorCommand(p, s), migrateCommand(s), benchCommand(), healthCommand(s), versionCommand(),
	)
	root.SetFlagErrorFunc(flagError)
	nameArguments(root)
	return root
}
