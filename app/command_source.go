package app

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

func sourceCommand() *cobra.Command {
	return group("source", "Take in what senders of webhooks send",
		"List, make and steer sources: addresses at which senders of webhooks put events into a stream.",
		sourceListCommand(), sourceCreateCommand(),
		sourceStepCommand("show", "Show a source", asked.showSource),
		sourceStepCommand("pause", "Refuse everything for a while; senders come again", func(a asked, s core.Source) error {
			return a.setSource(s, core.SourcePaused)
		}),
		sourceStepCommand("resume", "Take events again", func(a asked, s core.Source) error { return a.setSource(s, core.SourceRunning) }),
		sourceStepCommand("rotate", "Give a source another address, and print it; the one before is void at once", asked.rotateSource),
		sourceStepCommand("delete", "Remove a source", func(a asked, s core.Source) error { return a.client.DeleteSource(a, s.ID.String(), 0) }),
		sourceStepCommand("refusals", "List what a source refused, and why, newest first", asked.refusals),
	)
}

func sourceListCommand() *cobra.Command {
	return asking("list", "List the sources", cobra.NoArgs, func(a asked, _ []string) error {
		all, err := a.sources()
		if err != nil || a.json {
			return orEncode(a, all, err)
		}
		var rows [][]string
		for _, s := range all {
			state, reason := sourceState(s)
			rows = append(rows, []string{s.ID.String(), s.Name, string(s.Preset), state, s.Masked, tableTime(s.CreatedAt), reason})
		}
		return a.table("ID NAME PRESET STATE ADDRESS CREATED REASON", rows)
	})
}

// sourceState is the state of a source and, where that is failing, why.
func sourceState(s core.Source) (state, reason string) {
	if s.State != core.SourceRunning || s.Feed == nil || s.Feed.Error == "" {
		return string(s.State), ""
	}
	return "failing", s.Feed.Error
}

func (a asked) sources() ([]core.Source, error) {
	all := []core.Source{}
	for source, err := range a.client.Sources(a) {
		if err != nil {
			return nil, err
		}
		all = append(all, source)
	}
	return all, nil
}

// source finds a source by its id or its name.
func (a asked) source(ref string) (core.Source, error) {
	if _, err := core.ParseID(ref); err == nil {
		return a.client.Source(a, ref)
	}
	all, err := a.sources()
	for _, source := range all {
		if source.Name == ref {
			return source, nil
		}
	}
	if err == nil {
		err = core.Errorf(core.CodeNotFound, "there is no source %q; 'eventflow source list' shows them", ref)
	}
	return core.Source{}, err
}

// sourceStepCommand makes a command that does one thing to a source.
func sourceStepCommand(name, short string, do func(a asked, source core.Source) error) *cobra.Command {
	return asking(name+" NAME", short, cobra.ExactArgs(1), func(a asked, args []string) error {
		source, err := a.source(args[0])
		if err != nil {
			return err
		}
		return do(a, source)
	})
}

func sourceCreateCommand() *cobra.Command {
	var spec core.SourceSpec
	var preset, secret, from string
	command := asking("create NAME", "Make a source, and print its address, which is a secret", cobra.ExactArgs(1), func(a asked, args []string) (err error) {
		spec.Name, spec.Preset = args[0], core.Preset(preset)
		if secret != "" {
			if spec.Secret, err = textOf("@" + strings.TrimPrefix(secret, "@")); err != nil {
				return err
			}
		}
		if from != "" {
			name := strings.TrimPrefix(from, "@")
			text, err := textOf("@" + name)
			if err != nil {
				return err
			}
			if spec.From = []byte(text); !json.Valid(spec.From) {
				return usageError{fmt.Errorf("the file of --from-file, %s, must hold a JSON object", name)}
			}
		}
		made, err := a.client.CreateSource(a, spec)
		return a.address(made, err)
	})
	command.Example = "  eventflow source create shop --stream orders --preset stripe --secret-file whsec.txt"
	flags := command.Flags()
	flags.StringVar(&spec.Stream, "stream", "", "the stream that gets the events")
	flags.StringVar(&preset, "preset", string(core.PresetNone), "who sends: "+presets())
	flags.StringVar(&secret, "secret-file", "", "the file with the secret that the sender signs with")
	flags.StringVar(&from, "from-file", "", "the file with the JSON object that says what is fetched, with the preset kafka")
	flags.StringSliceVar(&spec.Headers, "header", nil, "keep this header in the context of the events; may be repeated")
	_ = command.MarkFlagRequired("stream") // it is there
	return command
}

// presets are those that need no more than a secret.
func presets() string {
	var all []string
	for _, preset := range core.Presets {
		if preset != core.PresetHMAC {
			all = append(all, string(preset))
		}
	}
	return strings.Join(all, ", ")
}

// address prints where senders send to, or the id of a source that has no address.
func (a asked) address(made rest.SourceWithToken, err error) error {
	if err != nil || a.json {
		return orEncode(a, made, err)
	}
	if made.Path == "" { // the server fetches
		_, err = fmt.Fprintln(a.out, made.ID)
		return err
	}
	_, err = fmt.Fprintln(a.out, strings.TrimRight(a.url, "/")+made.Path)
	return err
}

func (a asked) rotateSource(source core.Source) error {
	made, err := a.client.RotateSource(a, source.ID.String())
	return a.address(made, err)
}

func (a asked) setSource(source core.Source, state core.SourceState) error {
	changed, err := a.client.ChangeSource(a, source.ID.String(), core.SourceChange{State: &state}, 0)
	if err != nil {
		return err
	}
	return a.showSource(changed)
}

func (a asked) showSource(s core.Source) error {
	if a.json {
		return a.encode(s)
	}
	state, reason := sourceState(s)
	lag, since := "", ""
	if s.Feed != nil {
		lag = counted(s.Feed.Lag, "message")
	}
	if reason != "" && s.Feed.ErrorAt != nil {
		since = tableTime(*s.Feed.ErrorAt)
	}
	return a.facts("name", s.Name, "id", s.ID.String(), "stream", s.Stream.String(), "preset", string(s.Preset), "state", state,
		"reason", reason, "since", since, "lag", lag,
		"address", s.Masked, "headers", strings.Join(s.Headers, ", "), "created", tableTime(s.CreatedAt))
}

func (a asked) refusals(source core.Source) error {
	all, err := a.client.SourceRefusals(a, source.ID.String())
	if err != nil || a.json {
		return orEncode(a, all, err)
	}
	var rows [][]string
	for _, refusal := range all {
		rows = append(rows, []string{tableTime(refusal.At), string(refusal.Code), strconv.Itoa(refusal.Size), refusal.Address, refusal.Reason})
	}
	return a.table("AT CODE BYTES FROM REASON", rows)
}
