package app

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
)

func copyCommand(p *program, s *settings) *cobra.Command {
	var from, to target
	command := &cobra.Command{
		Use: "copy --to URL", Args: cobra.NoArgs,
		Short: "Bring the whole installation from one store into another",
		Long: "Bring everything from one store and catalog into another: events with offsets, ids, times and idempotency keys, organizations, streams, people, keys, sessions, " +
			"groups with their positions, dead letters and the audit trail. At the end both sides are read and compared.\n\n" +
			"Run again, it goes on where it was, also after a crash, and brings what is new. So copy while the servers run; then stop them, copy once more, " +
			"which takes seconds, and start them on the target with the same EVENTFLOW_SECRET. No server may use the target before.",
		Example: "  eventflow copy --from sqlite:./eventflow_data --to postgres://eventflow@db/eventflow",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			if to.store == "" {
				return usageError{errors.New("--to is required: the URL of the store to copy into")}
			}
			source, err := from.settings(p, cfg, "from")
			if err != nil {
				return err
			}
			into, err := to.settings(p, cfg, "to")
			if err != nil {
				return err
			}
			if err := p.twoPlaces(source, into); err != nil {
				return err
			}
			return resumable(cmd.Context(), p.copy(cmd, source, into), "run the same command again to go on")
		},
	}
	from.flags(command, "from", "to copy; by default that of the settings")
	to.flags(command, "to", "to copy into")
	return command
}

// twoPlaces refuses a source that is not there, or is the target.
func (p *program) twoPlaces(source, into Config) error {
	if err := errors.Join(p.fromOutside(source), p.fromOutside(into)); err != nil {
		return err
	}
	if err := mustBeThere(source); err != nil {
		return err
	}
	a, err := source.catalogURL()
	if err != nil {
		return wrong("catalog", err.Error())
	}
	b, err := into.catalogURL()
	if err != nil {
		return usageError{fmt.Errorf("--to-catalog %w", err)}
	}
	c, _ := storeURL(source.Store) // both were checked
	d, _ := storeURL(into.Store)
	if samePlace(a, b) || samePlace(c, d) {
		return usageError{errors.New("--from and --to name the same place")}
	}
	return nil
}

func (p *program) copy(cmd *cobra.Command, source, into Config) error {
	ctx, talk := cmd.Context(), cmd.ErrOrStderr()
	return p.withInstallation(ctx, source, func(from *installation) error {
		return p.withInstallation(ctx, into, func(to *installation) error {
			c := &copying{
				from: from, to: to, now: time.Now,
				told: func(verb string, total int64) func(int) { return startProgress(talk, verb, total).add },
			}
			if err := c.run(ctx); err != nil {
				return err
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "copied %s; %s holds the same as %s now: %s of %s\nsha256 of the log  %s\n", counted(c.moved, "event"),
				to.name, from.name, counted(eventsOf(c.logs), "event"), counted(int64(len(c.logs)), "stream"), logSum(c.sums))
			if err != nil {
				return err
			}
			behind, err := c.behind(ctx)
			if err == nil && behind > 0 {
				fmt.Fprintf(talk, "eventflow: the source has got %s since: run this again to bring them, with all servers stopped for the last time\n", counted(behind, "event"))
			}
			return err
		})
	})
}
