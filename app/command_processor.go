package app

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func processorCommand() *cobra.Command {
	return group("processor", "Filter, transform and send on what a stream gets",
		"List, make, change, try and steer processors, which filter the events of a stream, transform them and send them to a destination.",
		processorListCommand(), processorShowCommand(), processorCreateCommand(), processorChangeCommand(), processorTestCommand(),
		processorStepCommand("pause", "Stop a processor; its events wait", asked.pause),
		processorStepCommand("resume", "Let a processor work again", asked.resume),
		processorStepCommand("delete", "Remove a processor, with its dead letters", asked.deleteProcessor),
		processorStepCommand("send-test", "Send a made-up event to the destination of a processor", asked.sendTest),
		processorSeekCommand(), processorDeliveriesCommand(), processorResendCommand(), processorRecoverCommand(), processorRotateCommand(),
	)
}

func processorListCommand() *cobra.Command {
	return asking("list [STREAM]", "List the processors of a stream, or of all streams", cobra.MaximumNArgs(1), func(a asked, args []string) (err error) {
		all := []core.ProcessorOverview{}
		if len(args) == 1 {
			all, err = a.client.Processors(a, args[0])
		} else {
			for cursor, more := "", true; more && err == nil; {
				page, failed := a.client.AllProcessors(a, cursor, core.MaxPageSize)
				all, cursor, more, err = append(all, page.Items...), page.Pagination.NextCursor, page.Pagination.HasMore, failed
			}
		}
		if err != nil || a.json {
			return orEncode(a, all, err)
		}
		var rows [][]string
		for _, p := range all {
			lag := fmt.Sprint(p.Status.Lag)
			if p.Unavailable { // the shard of its stream is away
				lag = "unavailable"
			}
			rows = append(rows, []string{
				p.StreamName, p.Name, string(p.State), p.Destination.Type, lag,
				fmt.Sprint(p.LastDay.Delivered), fmt.Sprint(p.LastDay.Failed),
			})
		}
		return a.table("STREAM NAME STATE DESTINATION LAG DELIVERED FAILED", rows)
	})
}

// orEncode prints an answer for programs, unless there is an error instead.
func orEncode(a asked, answer any, err error) error {
	if err != nil {
		return err
	}
	return a.encode(answer)
}

func processorShowCommand() *cobra.Command {
	return asking("show STREAM NAME", "Show a processor, and how far it got", cobra.ExactArgs(2), func(a asked, args []string) error {
		p, err := a.client.Processor(a, args[0], args[1])
		if err != nil || a.json {
			return orEncode(a, p, err)
		}
		return a.showProcessor(p.Processor, "lag", counted(p.Status.Lag, "event"), "dead letters", strconv.FormatInt(p.Status.DeadLetters, 10),
			"last day", fmt.Sprintf("%d delivered, %d filtered out, %d failed", p.LastDay.Delivered, p.LastDay.Filtered, p.LastDay.Failed), "last error", p.LastError)
	})
}

// showProcessor prints a processor for people, and more facts behind it.
func (a asked) showProcessor(p core.Processor, more ...string) error {
	destination, err := json.Marshal(p.Destination)
	if err != nil {
		return err
	}
	state := string(p.State)
	if p.Reason != "" {
		state += ": " + p.Reason
	}
	return a.facts(append([]string{
		"name", p.Name, "id", p.ID.String(), "state", state, "mode", string(p.Mode), "ordering key", p.OrderingKey,
		"filter", p.Filter, "transform", p.Transform, "destination", string(destination),
	}, more...)...)
}

// processorFlags are what people say of a processor.
type processorFlags struct {
	name, filter, transform, destination string
	attempts                             int
}

func (f *processorFlags) bind(command *cobra.Command) {
	flags := command.Flags()
	flags.StringVar(&f.filter, "filter", "", "a condition in CEL, or @ and the name of a file; empty passes every event")
	flags.StringVar(&f.transform, "transform", "", "a program in jq, or @ and the name of a file; empty changes no event")
	flags.StringVar(&f.destination, "destination", "", `where to: JSON like {"type":"webhook","url":"https://…"}, or @ and the name of a file, or - for standard input`)
	flags.IntVar(&f.attempts, "max-attempts", core.DefaultMaxAttempts, "how often an event is tried before it becomes a dead letter")
}

// texts reads what is in files.
func (f *processorFlags) texts() (destination json.RawMessage, err error) {
	if f.filter, err = textOf(f.filter); err != nil {
		return nil, err
	}
	if f.transform, err = textOf(f.transform); err != nil {
		return nil, err
	}
	return jsonOf("--destination", f.destination)
}

func processorCreateCommand() *cobra.Command {
	var f processorFlags
	var mode, key, from string
	var paused bool
	command := asking("create STREAM NAME", "Make a processor", cobra.ExactArgs(2), func(a asked, args []string) error {
		spec := core.ProcessorSpec{State: core.ProcessorRunning}
		destination, err := f.texts()
		if err != nil {
			return err
		}
		start, err := placeOf("--from", from)
		if err != nil {
			return err
		}
		spec.Name, spec.Mode, spec.OrderingKey, spec.MaxAttempts, spec.Start = args[1], core.Mode(mode), key, &f.attempts, &start
		spec.Filter, spec.Transform, spec.Destination = f.filter, f.transform, destination
		if paused {
			spec.State = core.ProcessorPaused
		}
		made, err := a.client.CreateProcessor(a, args[0], spec)
		return a.changed(made, err)
	})
	command.Example = `  eventflow processor create orders large --filter 'payload.total > 100.0' --destination '{"type":"stream","stream":"large-orders"}'`
	f.bind(command)
	flags := command.Flags()
	flags.StringVar(&mode, "mode", string(core.Ordered), "ordered or shared")
	flags.StringVar(&key, "ordering-key", "", "what must stay in order in mode shared: subject, or payload.<path>")
	flags.StringVar(&from, "from", "end", "where to begin: start, end, an offset or a time")
	flags.BoolVar(&paused, "paused", false, "do not work before 'eventflow processor resume'")
	_ = command.MarkFlagRequired("destination") // it is there
	return command
}

// changed prints a processor that was made or changed, with its secret where it has a new one.
func (a asked) changed(p core.CreatedProcessor, err error) error {
	if err != nil || a.json {
		return orEncode(a, p, err)
	}
	if p.Secret == "" {
		return a.showProcessor(p.Processor)
	}
	return a.showProcessor(p.Processor, "secret", p.Secret+" (is shown this once)")
}

func processorChangeCommand() *cobra.Command {
	var f processorFlags
	var command *cobra.Command
	command = asking("change STREAM NAME", "Change what the flags name", cobra.ExactArgs(2), func(a asked, args []string) error {
		destination, err := f.texts()
		if err != nil {
			return err
		}
		change := core.ProcessorChange{Destination: destination}
		given := command.Flags().Changed
		for flag, field := range map[string]func(){
			"name": func() { change.Name = &f.name }, "filter": func() { change.Filter = &f.filter },
			"transform": func() { change.Transform = &f.transform }, "max-attempts": func() { change.MaxAttempts = &f.attempts },
		} {
			if given(flag) {
				field()
			}
		}
		changed, err := a.client.ChangeProcessor(a, args[0], args[1], change, 0)
		return a.changed(changed, err)
	})
	f.bind(command)
	command.Flags().StringVar(&f.name, "name", "", "another name")
	return command
}

// processorStepCommand makes a command that does one thing to a processor.
func processorStepCommand(name, short string, do func(a asked, stream, processor string) error) *cobra.Command {
	return asking(name+" STREAM NAME", short, cobra.ExactArgs(2), func(a asked, args []string) error { return do(a, args[0], args[1]) })
}

func (a asked) pause(stream, name string) error {
	p, err := a.client.PauseProcessor(a, stream, name)
	return a.changed(core.CreatedProcessor{Processor: p}, err)
}

func (a asked) resume(stream, name string) error {
	p, err := a.client.ResumeProcessor(a, stream, name)
	return a.changed(core.CreatedProcessor{Processor: p}, err)
}

func (a asked) deleteProcessor(stream, name string) error {
	return a.client.DeleteProcessor(a, stream, name, 0)
}

func (a asked) sendTest(stream, name string) error {
	attempt, err := a.client.SendTest(a, stream, name)
	if err != nil || a.json {
		return orEncode(a, attempt, err)
	}
	return a.attempts([]core.DeliveryAttempt{attempt})
}

func processorSeekCommand() *cobra.Command {
	return asking("seek STREAM NAME PLACE", "Go to another place in the stream: start, end, an offset or a time", cobra.ExactArgs(3), func(a asked, args []string) error {
		to, err := placeOf("the place", args[2])
		if err != nil {
			return err
		}
		p, err := a.client.Processor(a, args[0], args[1])
		if err != nil {
			return err
		}
		next, err := a.client.ResetGroup(a, args[0], p.ID.String(), to)
		if err != nil || a.json {
			return orEncode(a, map[string]core.Offset{"next_offset": next}, err)
		}
		return a.facts("next offset", strconv.FormatInt(int64(next), 10))
	})
}

func processorTestCommand() *cobra.Command {
	var f processorFlags
	var last int
	var sample string
	var command *cobra.Command
	command = asking("test STREAM [NAME]", "Show what a filter and a transform make of events, and send nothing", cobra.RangeArgs(1, 2), func(a asked, args []string) error {
		event, err := jsonOf("--event", sample)
		if err != nil {
			return err
		}
		if _, err := f.texts(); err != nil {
			return err
		}
		spec := core.TrialSpec{Filter: f.filter, Transform: f.transform, Last: last, Event: event}
		if len(args) == 2 {
			p, err := a.client.Processor(a, args[0], args[1])
			if err != nil {
				return err
			}
			if !command.Flags().Changed("filter") {
				spec.Filter = p.Filter
			}
			if !command.Flags().Changed("transform") {
				spec.Transform = p.Transform
			}
		}
		trials, err := a.client.TryProcessor(a, args[0], spec)
		if err != nil || a.json {
			return orEncode(a, trials, err)
		}
		return a.trials(trials)
	})
	command.Long = "Show what a filter and a transform make of the last events of a stream, or of a sample. Nothing is sent. With NAME it is that processor's, but for what the flags say. " + theServer
	command.Flags().StringVar(&f.filter, "filter", "", "a condition in CEL, or @ and the name of a file")
	command.Flags().StringVar(&f.transform, "transform", "", "a program in jq, or @ and the name of a file")
	command.Flags().IntVar(&last, "last", core.DefaultTrialEvents, "how many of the last events to try")
	command.Flags().StringVar(&sample, "event", "", "a sample as JSON, or @ and the name of a file, instead of events of the stream")
	return command
}

func (a asked) trials(trials []core.Trial) error {
	var rows [][]string
	for _, t := range trials {
		says, offset := "is filtered out", strconv.FormatInt(int64(t.Event.Offset), 10)
		switch {
		case len(t.Errors) > 0:
			says = "fails: " + t.Errors[0].Field + ": " + t.Errors[0].Reason
		case t.Passed && t.Result != nil:
			says = "passes as " + string(t.Result.Payload)
		case t.Passed:
			says = "passes"
		}
		rows = append(rows, []string{offset, t.Event.Type, says})
	}
	return a.table("OFFSET TYPE OUTCOME", rows)
}

func processorDeliveriesCommand() *cobra.Command {
	var outcome string
	var limit int
	command := asking("deliveries STREAM NAME", "List a processor's attempts to send, newest first", cobra.ExactArgs(2), func(a asked, args []string) error {
		page, err := a.client.Deliveries(a, args[0], args[1], core.DeliveryOutcome(outcome), "", limit)
		if err != nil || a.json {
			return orEncode(a, page.Items, err)
		}
		return a.attempts(page.Items)
	})
	command.Flags().StringVar(&outcome, "outcome", "", "only those delivered, retrying or dead")
	command.Flags().IntVar(&limit, "limit", core.DefaultPageSize, "how many at most")
	return command
}

func (a asked) attempts(attempts []core.DeliveryAttempt) error {
	var rows [][]string
	for _, attempt := range attempts {
		says := attempt.Error
		if says == "" && attempt.Status != 0 {
			says = strconv.Itoa(attempt.Status)
		}
		rows = append(rows, []string{
			tableTime(attempt.At), strconv.FormatInt(int64(attempt.Offset), 10), attempt.EventType, strconv.Itoa(attempt.Number),
			string(attempt.Outcome), millis(float64(attempt.Latency.Duration().Microseconds()) / 1000), attempt.ID.String(), says,
		})
	}
	return a.table("AT OFFSET TYPE ATTEMPT OUTCOME TOOK ID ANSWER", rows)
}

func processorResendCommand() *cobra.Command {
	command := asking("resend ID", "Send the event of one delivery once more", cobra.ExactArgs(1), func(a asked, args []string) error {
		id, err := core.ParseID(args[0])
		if err != nil {
			return usageError{fmt.Errorf("the id of a delivery %w; 'eventflow processor deliveries' shows them", err)}
		}
		attempt, err := a.client.Resend(a, id)
		if err != nil || a.json {
			return orEncode(a, attempt, err)
		}
		return a.attempts([]core.DeliveryAttempt{attempt})
	})
	command.Long = "Send the event of one delivery once more, whatever became of it, as long as its stream has it. " + theServer
	return command
}

func processorRecoverCommand() *cobra.Command {
	var since string
	command := asking("recover STREAM NAME", "Send again what became a dead letter since a time", cobra.ExactArgs(2), func(a asked, args []string) error {
		at, ok := core.ParseTime(since)
		if ago, err := time.ParseDuration(since); err == nil {
			at, ok = time.Now().Add(-ago), true
		}
		if !ok {
			return usageError{fmt.Errorf("--since must be a time like %s, or how long ago, like 2h", time.RFC3339)}
		}
		replay, err := a.client.Recover(a, args[0], args[1], at)
		if err != nil || a.json {
			return orEncode(a, replay, err)
		}
		return printReplays(a.out, []core.Replay{replay})
	})
	command.Flags().StringVar(&since, "since", "", "a time, or how long ago, like 2h")
	_ = command.MarkFlagRequired("since") // it is there
	return command
}

func processorRotateCommand() *cobra.Command {
	var grace time.Duration
	command := asking("rotate-secret STREAM NAME", "Give the destination of a processor a new secret, and print it", cobra.ExactArgs(2), func(a asked, args []string) error {
		p, err := a.client.RotateSecret(a, args[0], args[1], core.Seconds(grace))
		return a.changed(p, err)
	})
	command.Flags().DurationVar(&grace, "grace", 24*time.Hour, "how long the secret before stays good")
	return command
}
