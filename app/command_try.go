package app

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func tryCommand() *cobra.Command {
	var stream string
	command := &cobra.Command{
		Use:   "try",
		Short: "Test the whole path against a running server",
		Long: "Publish three events to a stream, read them back, consume them as a group, and check that an invalid event is refused and that a repeated idempotency key stores nothing. " +
			"The server is the running 'eventflow dev', or the one that EVENTFLOW_URL and EVENTFLOW_KEY name; the key needs the role developer. A stream that is missing is made.",
		Example: "  eventflow try\n  EVENTFLOW_URL=https://events.example.com EVENTFLOW_KEY=ef_live_… eventflow try --stream smoke",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := loadContext()
			if err != nil {
				return err
			}
			return trial{rest.NewClient(c.URL, c.Key), cmd.OutOrStdout(), c.URL, c.Key, stream}.run(cmd.Context())
		},
	}
	command.Flags().StringVar(&stream, "stream", demoStream, "the stream to try with; its events stay")
	return command
}

// trial is one proof of the path, told as it goes.
type trial struct {
	client            *rest.Client
	out               io.Writer
	base, key, stream string
}

func (t trial) run(ctx context.Context) error {
	started := time.Now()
	if err := t.client.Ready(ctx); err != nil {
		return unreachableError{fmt.Errorf("the server does not answer: %w; start one with 'eventflow dev'", err)}
	}
	t.say("ready", "in %s", since(started))
	if err := t.makeStream(ctx); err != nil {
		return err
	}
	first, err := t.publishThree(ctx)
	if err != nil {
		return err
	}
	if err := t.readBack(ctx, first); err != nil {
		return err
	}
	if err := t.consume(ctx, first); err != nil {
		return err
	}
	if err := t.refused(ctx); err != nil {
		return err
	}
	if err := t.replayed(ctx); err != nil {
		return err
	}
	// The group is left where it has nothing to do: nobody consumes in it any more.
	if _, err := t.client.ResetGroup(ctx, t.stream, trialGroup, core.Start{End: true}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "\nWatch events arrive:\n\n  curl -N %s%s/live -H 'X-API-Key: %s'\n", t.base, rest.StreamEventsPath(t.stream), t.key)
	return err
}

// makeStream makes the stream where there is none.
func (t trial) makeStream(ctx context.Context) error {
	_, err := t.client.Stream(ctx, t.stream)
	if !core.IsNotFound(err) {
		return err
	}
	_, err = t.client.CreateStream(ctx, core.StreamSpec{Name: t.stream, Description: "A stream to try things with."})
	if err == nil {
		t.say("made", "the stream %s", t.stream)
	}
	return err
}

func (t trial) say(step, format string, args ...any) {
	fmt.Fprintf(t.out, "  ✓ %-12s %s\n", step, fmt.Sprintf(format, args...))
}

func since(started time.Time) string {
	return time.Since(started).Round(100 * time.Microsecond).String()
}

func (t trial) publishThree(ctx context.Context) (first core.Offset, err error) {
	for i := range 3 {
		started := time.Now()
		receipt, err := t.client.Publish(ctx, t.stream, rest.NewEvent{
			Type: "trial.step", Payload: fmt.Appendf(nil, `{"step":%d}`, i+1),
		})
		if err != nil {
			return 0, err
		}
		if i == 0 {
			first = receipt.Offset
		}
		t.say("published", "offset %d, durable in %s", receipt.Offset, since(started))
	}
	return first, nil
}

func (t trial) readBack(ctx context.Context, first core.Offset) error {
	query, read := core.EventQuery{Limit: 3}, 0
	if first > 0 {
		before := first - 1
		query.After = &before
	}
	started := time.Now()
	for event, err := range t.client.Events(ctx, t.stream, query) {
		if err != nil {
			return err
		}
		if read++; read == 3 {
			t.say("read back", "offsets %d to %d in %s", first, event.Offset, since(started))
			return nil
		}
	}
	return fmt.Errorf("only %d of 3 published events could be read back", read)
}

// trialGroup is the group that consumes. It stays: the dashboard shows what was done.
const trialGroup = "try"

// group has the group of trials begin at an offset.
func (t trial) group(ctx context.Context, first core.Offset) error {
	start := core.Start{Offset: &first}
	_, err := t.client.CreateGroup(ctx, t.stream, core.GroupSpec{Name: trialGroup, Start: start})
	if core.CodeOf(err) == core.CodeConflict { // an earlier trial has made it
		_, err = t.client.ResetGroup(ctx, t.stream, trialGroup, start)
	}
	return err
}

// consume takes the three events out of a group and settles them.
func (t trial) consume(ctx context.Context, first core.Offset) error {
	if err := t.group(ctx, first); err != nil {
		return err
	}
	started := time.Now()
	delivery, err := t.client.Poll(ctx, t.stream, trialGroup, rest.PollOptions{Limit: 3, Wait: 10 * time.Second})
	if err != nil {
		return err
	}
	if len(delivery.Events) != 3 || delivery.Events[0].Offset != first {
		return fmt.Errorf("a consumer group was handed only %d of 3 published events", len(delivery.Events))
	}
	last := delivery.Events[2]
	t.say("consumed", "offsets %d to %d by a group, leased in %s", first, last.Offset, since(started))
	started = time.Now()
	if _, err := t.client.Commit(ctx, t.stream, trialGroup, rest.CommitRequest{LastEventID: &last.ID, Lease: &delivery.Lease.ID}); err != nil {
		return err
	}
	took := since(started)
	status, err := t.client.Lag(ctx, t.stream, trialGroup)
	if err == nil && status.CommittedOffset < last.Offset {
		err = fmt.Errorf("the group is at offset %[2]d after committing offset %[1]d", last.Offset, status.CommittedOffset)
	}
	if err == nil {
		t.say("committed", "offset %d in %s, lag %d", last.Offset, took, status.Lag)
	}
	return err
}

// refused sends an event without a type, which must be refused by its field.
func (t trial) refused(ctx context.Context) error {
	_, err := t.client.Publish(ctx, t.stream, rest.NewEvent{Payload: []byte(`{}`)})
	if core.CodeOf(err) != core.CodeValidation {
		return fmt.Errorf("an event without event_type was not refused: %w", err)
	}
	t.say("refused", "a bad event: %s", message(err))
	return nil
}

// replayed sends one event twice under one key, which must be stored once.
func (t trial) replayed(ctx context.Context) error {
	event := rest.NewEvent{
		Type: "trial.once", Payload: []byte(`{"once":true}`),
		IdempotencyKey: "trial-" + time.Now().UTC().Format(time.RFC3339Nano),
	}
	first, err := t.client.Publish(ctx, t.stream, event)
	if err != nil {
		return err
	}
	second, err := t.client.Publish(ctx, t.stream, event)
	if err != nil {
		return err
	}
	if !second.Duplicate || second.Offset != first.Offset {
		return fmt.Errorf("the same idempotency key was stored twice, at offsets %d and %d", first.Offset, second.Offset)
	}
	t.say("deduplicated", "the same key again returns offset %d and stores nothing", second.Offset)
	return nil
}
