package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

func replayCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "replay", Short: "List and stop replays of dead letters", Args: cobra.NoArgs,
		Long: "List and stop replays of dead letters directly in the catalog, whether or not the server is running. Needs the server's settings: --catalog or --store, and the secret.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	command.AddCommand(replayListCommand(p, s, org), replayStopCommand(p, s, org))
	return command
}

// letters returns the use case of dead letters, which reads no events for what the
// commands ask of it.
func (o operator) letters() *deliver.Letters {
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: o.catalog, Authorizer: o.authorizer, Now: o.now})
	return deliver.New(deliver.Ports{
		Streams: streams, Store: o.catalog, Authorizer: o.authorizer, Record: o.trail.record, Now: o.now,
	}).Letters
}

func replayListCommand(p *program, s *settings, org *string) *cobra.Command {
	var output, state string
	command := &cobra.Command{
		Use: "list", Short: "List replays, newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				page, err := o.letters().Replays(cmd.Context(), o.principal(), core.ReplayQuery{State: core.ReplayState(state), Limit: core.MaxPageSize})
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(append([]core.Replay{}, page.Items...))
				}
				return printReplays(cmd.OutOrStdout(), page.Items)
			})
		},
	}
	command.Flags().StringVar(&state, "state", "", "only replays that are running, done, failed or stopped")
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

func printReplays(out io.Writer, replays []core.Replay) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tSTATE\tDONE\tTOTAL\tRATE\tCREATED")
	for i := range replays {
		replay, rate := &replays[i], "unlimited"
		if replay.Rate > 0 {
			rate = strconv.FormatFloat(replay.Rate, 'g', -1, 64) + "/s"
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\t%s\n", replay.ID, replay.State, replay.Done, replay.Total, rate, tableTime(replay.CreatedAt))
	}
	return table.Flush()
}

func replayStopCommand(p *program, s *settings, org *string) *cobra.Command {
	return &cobra.Command{
		Use: "stop ID", Args: cobra.ExactArgs(1),
		Short: "Stop a replay; the dead letters that it has not given back stay parked",
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := core.ParseID(args[0]); err != nil {
				return usageError{fmt.Errorf("the replay's id %w; 'eventflow replay list' shows the ids", err)}
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				replay, err := o.letters().Stop(cmd.Context(), o.principal(), args[0])
				if err != nil {
					return err
				}
				return printReplays(cmd.OutOrStdout(), []core.Replay{replay})
			})
		},
	}
}
