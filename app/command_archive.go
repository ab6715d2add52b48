package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

func archiveCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "archive", Short: "Look at what is in the archive, and restore a period from it", Args: cobra.NoArgs,
		Long: "Look at what is in the archive (the setting archive), and restore a period of a stream into a stream of its own, whether or not the server is running. " +
			"Needs the server's settings. 'eventflow doctor' reads every object and says which are damaged.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	command.AddCommand(archiveListCommand(p, s, org), archiveRestoreCommand(p, s, org))
	return command
}

func archiveListCommand(p *program, s *settings, org *string) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "list STREAM", Short: "List the objects of a stream in the archive, oldest first", Args: cobra.ExactArgs(1),
		Example: "  eventflow archive list orders",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				stream, err := o.streams().Get(cmd.Context(), o.principal(), args[0])
				if err != nil {
					return err
				}
				segments, err := segmentsOf(cmd.Context(), o.catalog, stream.ID)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(segments)
				}
				return printSegments(cmd.OutOrStdout(), segments)
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

// streams manages the organization's streams, as far as the commands need it.
func (o operator) streams() *eventlog.Streams {
	return eventlog.NewStreams(eventlog.StreamPorts{
		Catalog: o.catalog, Authorizer: o.authorizer, Shares: o.shares(), Record: o.trail.record, Now: o.now,
	})
}

// segmentsOf returns all segments of a stream.
func segmentsOf(ctx context.Context, catalog core.Segments, stream core.ID) ([]core.Segment, error) {
	return allPages(func(last *core.Segment) ([]core.Segment, error) {
		scan := core.SegmentScan{Stream: stream, Limit: core.MaxPageSize}
		if last != nil {
			scan.From = last.Next
		}
		return catalog.Segments(ctx, scan)
	})
}

func printSegments(out io.Writer, segments []core.Segment) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "OFFSETS\tFROM\tUNTIL\tSIZE\tSHA256\tOBJECT")
	var events, bytes int64
	for _, of := range segments {
		events, bytes = events+int64(of.Next-of.First), bytes+of.ObjectBytes
		fmt.Fprintf(table, "%d–%d\t%s\t%s\t%s\t%.16s\t%s\n", of.First, of.Next-1, tableTime(of.FirstAt), tableTime(of.LastAt),
			byteText(of.ObjectBytes), of.SHA256, of.Object)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s in %s, %s\n", counted(events, "event"), counted(int64(len(segments)), "object"), byteText(bytes))
	return err
}

// period is what is restored, and into what.
type period struct{ stream, from, to, into string }

func archiveRestoreCommand(p *program, s *settings, org *string) *cobra.Command {
	var asked period
	command := &cobra.Command{
		Use: "restore STREAM --from TIME --to TIME --into NEWSTREAM", Args: cobra.ExactArgs(1),
		Short: "Restore a period of a stream into a stream of its own",
		Long: "Put the events of a stream that were received in a period, wherever they are, into a new stream, with the offsets, ids and times that they have, and compare. " +
			"The new stream keeps them for 100 years and in the store; change or delete it when you are done. " +
			"Run again after an interruption, the same command goes on. Nothing may write to the new stream before it ends.",
		Example: "  eventflow archive restore orders --from 2026-03-01 --to 2026-04-01 --into orders-march",
		RunE: func(cmd *cobra.Command, args []string) error {
			asked.stream = args[0]
			from, err := timeFlag("from", asked.from)
			if err != nil {
				return err
			}
			to, err := timeFlag("to", asked.to)
			if err != nil {
				return err
			}
			if !from.Before(to) {
				return usageError{errors.New("--to must be after --from")}
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				return resumable(cmd.Context(), p.restorePeriod(cmd, o, asked, from, to), "run the same command again to go on")
			})
		},
	}
	command.Flags().StringVar(&asked.from, "from", "", "the first `TIME` of the period, like 2026-03-01T00:00:00Z or 2026-03-01")
	command.Flags().StringVar(&asked.to, "to", "", "the `TIME` that the period ends before")
	command.Flags().StringVar(&asked.into, "into", "", "the `NAME` of the new stream")
	for _, name := range []string{"from", "to", "into"} {
		_ = command.MarkFlagRequired(name) // there is one of the name
	}
	return command
}

// timeFlag reads a time, or a day, which begins at midnight UTC.
func timeFlag(name, text string) (time.Time, error) {
	if at, ok := core.ParseTime(text); ok {
		return at, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		err = usageError{fmt.Errorf("--%s must be a time like 2026-03-01T00:00:00Z, or a day like 2026-03-01", name)}
	}
	return at, err
}

// restorePeriod copies what was received in a period.
func (p *program) restorePeriod(cmd *cobra.Command, o operator, asked period, from, to time.Time) (err error) {
	ctx := cmd.Context()
	storage, err := p.openSharedStorage(ctx, o.cfg, o.catalog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	tier, err := withArchive(ctx, o.cfg, storage, o.catalog, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return err
	}
	storage = tier
	log, able := storage.(core.Copyable)
	if !able {
		return errors.New("the store cannot be copied: its adapter is not a core.Copyable")
	}
	stream, err := o.streams().Get(ctx, o.principal(), asked.stream)
	if err != nil {
		return err
	}
	source, err := within(ctx, storage, stream, from, to)
	if err != nil {
		return err
	}
	there, err := o.restored(ctx, stream, asked, from, to)
	if err != nil {
		return err
	}
	return copyPeriod(ctx, log, source, there, cmd.ErrOrStderr(), cmd.OutOrStdout())
}

// within returns the part of a stream that was received in a period.
func within(ctx context.Context, log core.Reader, stream core.Stream, from, to time.Time) (core.StreamLog, error) {
	of := core.StreamLog{Org: stream.Org, Stream: stream.ID}
	var err error
	if of.First, err = log.OffsetAt(ctx, stream.ID, from); err != nil {
		return of, err
	}
	if of.Next, err = log.OffsetAt(ctx, stream.ID, to); err != nil {
		return of, err
	}
	if of.Next <= of.First {
		return of, core.Errorf(core.CodeNotFound, "the stream %s has no events that were received from %s to %s", stream.Name, tableTime(from), tableTime(to))
	}
	return of, nil
}

// restored returns the stream that a period goes into. One that was made by the same
// command before is gone on with, and any other one is refused.
func (o operator) restored(ctx context.Context, source core.Stream, asked period, from, to time.Time) (core.Stream, error) {
	mark := fmt.Sprintf("Restored from %s, %s to %s", source.ID, from.UTC().Format(time.RFC3339Nano), to.UTC().Format(time.RFC3339Nano))
	known, err := o.streams().Get(ctx, o.principal(), asked.into)
	switch {
	case err == nil && known.Description == mark:
		return known, nil
	case err == nil:
		return known, core.Errorf(core.CodeConflict, "there is a stream %s already, which is not this period: name a new one by --into", asked.into)
	case !core.IsNotFound(err):
		return known, err
	}
	forever := core.MaxRetentionDays
	return o.streams().Create(ctx, o.principal(), core.StreamSpec{Name: asked.into, Description: mark, RetentionDays: &forever, HotDays: &forever})
}

// copyPeriod copies a part of a stream into another one, and compares.
func copyPeriod(ctx context.Context, log core.Copyable, source core.StreamLog, into core.Stream, talk, out io.Writer) error {
	there, err := log.(core.Reader).Bounds(ctx, []core.ID{into.ID})
	if err != nil {
		return err
	}
	of := source
	of.Stream = into.ID
	begin := max(source.First, there[0].Next)
	told := startProgress(talk, "restored", int64(source.Next-begin))
	if err := eventlog.PutStream(ctx, log, of, begin, eventlog.Entries(ctx, log, source, begin), told.add); err != nil {
		return err
	}
	sum, events, err := eventlog.Sum(withoutKeys(eventlog.Entries(ctx, log, source, source.First)))
	if err != nil {
		return err
	}
	copied, _, err := eventlog.Sum(withoutKeys(eventlog.Entries(ctx, log, of, of.First)))
	if err == nil && copied != sum {
		err = fmt.Errorf("the stream %s is not what was restored into it: was it written to meanwhile?", into.Name)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s holds %s at their offsets, %d to %d\nsha256 of the events  %x\n", into.Name, counted(int64(events), "event"), source.First, source.Next-1, sum)
	return err
}

// withoutKeys leaves out what is remembered of idempotency keys, which may have been
// forgotten on either side.
func withoutKeys(entries func(func(core.Entry, error) bool)) func(func(core.Entry, error) bool) {
	return func(yield func(core.Entry, error) bool) {
		for entry, err := range entries {
			entry.Fingerprint = core.Fingerprint{}
			if !yield(entry, err) {
				return
			}
		}
	}
}
