package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/jsonschema"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

func streamCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "stream", Short: "Create, list and move streams", Args: cobra.NoArgs,
		Long: "Create and list streams, and move them between the shards of the store, directly in the catalog and the store, whether or not the server is running. " +
			"Needs the server's settings: --catalog or --store, and the secret.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	command.AddCommand(streamCreateCommand(p, s, org), streamListCommand(p, s, org), streamMoveCommand(p, s, org))
	return command
}

// withStreams runs do with the use case of streams. storage is the store, which says whether
// it has several shards, and nil where a server has it for itself: such a store has one.
func (p *program) withStreams(ctx context.Context, o operator, do func(streams *eventlog.Streams, storage core.Storage) error) (err error) {
	ports := eventlog.StreamPorts{
		Catalog: o.catalog, Places: o.catalog, Versions: o.catalog, Schemas: jsonschema.New(), Authorizer: o.authorizer, Shares: o.shares(),
		Record: o.trail.record, Now: o.now,
	}
	if _, alone := p.alone(o.cfg); alone {
		return do(eventlog.NewStreams(ports), nil)
	}
	storage, err := p.openSharedStorage(ctx, o.cfg, o.catalog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	ports.Log = storage
	ports.Shards, _ = storage.(core.Sharded)
	return do(eventlog.NewStreams(ports), storage)
}

func streamCreateCommand(p *program, s *settings, org *string) *cobra.Command {
	var spec core.StreamSpec
	var days, shard int
	var output string
	command := &cobra.Command{
		Use: "create NAME", Args: cobra.ExactArgs(1), Short: "Create a stream",
		Long:    "Create a stream, and print its id. Where the store has several shards the stream gets onto the one with the fewest streams, or onto --shard.",
		Example: "  eventflow stream create orders --retention-days 30\n  eventflow stream create clicks --shard 2",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text"); err != nil {
				return err
			}
			spec.Name = args[0]
			if cmd.Flags().Changed("retention-days") {
				spec.RetentionDays = &days
			}
			if cmd.Flags().Changed("shard") {
				spec.Shard = &shard
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				return p.withStreams(cmd.Context(), o, func(streams *eventlog.Streams, _ core.Storage) error {
					stream, err := streams.Create(cmd.Context(), o.principal(), spec)
					if err != nil {
						return err
					}
					if output == "json" {
						return json.NewEncoder(cmd.OutOrStdout()).Encode(stream)
					}
					_, err = fmt.Fprintln(cmd.OutOrStdout(), stream.ID)
					return err
				})
			})
		},
	}
	command.Flags().StringVar(&spec.Description, "description", "", "what the stream is for")
	command.Flags().IntVar(&days, "retention-days", core.DefaultRetentionDays, "how many days events are kept")
	command.Flags().IntVar(&shard, "shard", 0, "the `number` of the store's shard that is to keep it (default: the one with the fewest streams)")
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

func streamListCommand(p *program, s *settings, org *string) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "list", Short: "List streams by name, with the shard that each is on", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				all, err := allPages(func(last *core.Stream) ([]core.Stream, error) {
					after := ""
					if last != nil {
						after = last.Name
					}
					return o.catalog.Streams(cmd.Context(), o.org.ID, after, core.MaxPageSize)
				})
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(append([]core.Stream{}, all...))
				}
				return printStreams(cmd.OutOrStdout(), all)
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

func printStreams(out io.Writer, streams []core.Stream) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSHARD\tCREATED")
	for i := range streams {
		stream := &streams[i]
		shard := fmt.Sprint(stream.Shard)
		if stream.Moving != nil {
			shard += fmt.Sprintf(" (a move to %d has begun)", stream.Moving.To)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", stream.ID, stream.Name, shard, tableTime(stream.CreatedAt))
	}
	return table.Flush()
}

func streamMoveCommand(p *program, s *settings, org *string) *cobra.Command {
	to := -1
	command := &cobra.Command{
		Use: "move NAME-OR-ID --to SHARD", Args: cobra.ExactArgs(1),
		Short: "Move a stream to another shard of the store, while producers and groups go on",
		Long: "Copy a stream to another shard of the store and compare both sides by a hash, while producers and groups go on. Then hold what is sent to this stream, " +
			"with 503 for some seconds, bring the rest, and go on there. Offsets, ids, times and idempotency keys stay, and groups where they are.\n\n" +
			"Run again after an interruption, it goes on. With the shard that the stream is on, it undoes what was begun and not done.",
		Example: "  eventflow stream move clicks --to 2",
		RunE: func(cmd *cobra.Command, args []string) error {
			if to < 0 {
				return usageError{errors.New("--to is required: the number of a shard of the store, from 0")}
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				return p.withStreams(cmd.Context(), o, func(streams *eventlog.Streams, storage core.Storage) error {
					return o.moveStream(cmd, streams, storage, args[0], to)
				})
			})
		},
	}
	command.Flags().IntVar(&to, "to", -1, "the `number` of the shard, from 0")
	return command
}

func (o operator) moveStream(cmd *cobra.Command, streams *eventlog.Streams, storage core.Storage, ref string, to int) error {
	store, _ := storage.(eventlog.ShardedLog)
	moves := eventlog.NewMoves(eventlog.MovePorts{
		Streams: streams, Store: store, Record: o.trail.record, Logger: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)), Now: o.now,
	})
	defer moves.Close()
	stream, err := moves.Begin(cmd.Context(), o.principal(), ref, to)
	if err != nil {
		return err
	}
	bounds, err := storage.Bounds(cmd.Context(), []core.ID{stream.ID})
	if err != nil {
		return err
	}
	told := startProgress(cmd.ErrOrStderr(), "copied", int64(bounds[0].Next-bounds[0].First))
	if err := moves.Finish(cmd.Context(), o.principal(), stream, told.add); err != nil {
		return resumable(cmd.Context(), err, "run the same command again to go on, or with --to "+fmt.Sprint(stream.Shard)+" to undo it")
	}
	if stream.Shard == to {
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "the stream %s is on shard %d, and nowhere else\n", stream.Name, to)
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "moved the stream %s from shard %d to shard %d\n", stream.Name, stream.Shard, to)
	return err
}
