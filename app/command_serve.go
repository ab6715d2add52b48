package app

import (
	"cmp"
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func serveCommand(p *program, s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Start the server",
		Long: "Start the server with the given settings. It creates nothing but the database tables: " +
			"create an API key with 'eventflow key create'. On SIGHUP the server reads its settings again: " +
			"'eventflow config' shows which of them it takes over, and the log names those that need a restart.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			if err := cfg.validateSecret(); err != nil {
				return err
			}
			// A signal that comes before the server is ready must not end it.
			hangups := make(chan os.Signal, 1)
			signal.Notify(hangups, syscall.SIGHUP)
			defer signal.Stop(hangups)
			return serve(cmd.Context(), p, cfg, func(ctx context.Context, running *Running) error {
				go running.reloader.follow(ctx, hangups, s)
				return nil
			})
		},
	}
}

// serve runs a server until ctx ends or it fails. ready is called once it
// listens.
func serve(ctx context.Context, p *program, cfg Config, ready func(context.Context, *Running) error) error {
	running, err := start(ctx, p, cfg)
	if err != nil {
		return err
	}
	if err := ready(ctx, running); err != nil {
		_ = running.Stop() // the first error is the one to show
		return err
	}
	select {
	case <-ctx.Done():
		return running.Stop()
	case signal := <-running.graph.Wait():
		err := running.Stop() // fx sees the signals that end ctx, too
		return cmp.Or(errStopped(signal.ExitCode), err)
	}
}

func errStopped(code int) error {
	if code == 0 {
		return nil
	}
	return core.Errorf(core.CodeInternal, "the server stopped unexpectedly; the log says why")
}
