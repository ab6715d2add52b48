package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// theServer says, in the help of a command, which server it talks to.
const theServer = "The server is the running 'eventflow dev', or the one that EVENTFLOW_URL and EVENTFLOW_KEY name. "

// group is a command that only has others.
func group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{
		Use: use, Short: short, Long: long + " " + theServer, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(commands...)
	return command
}

// asked is a command that has asked a server, and prints the answer.
type asked struct {
	context.Context
	client *rest.Client
	url    string
	out    io.Writer
	json   bool
}

// asking makes a command that asks a server, for people or, by `--output json`, for programs.
func asking(use, short string, args cobra.PositionalArgs, run func(a asked, args []string) error) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: use, Short: short, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "text"); err != nil {
				return err
			}
			c, err := loadContext()
			if err != nil {
				return err
			}
			a := asked{cmd.Context(), rest.NewClient(c.URL, c.Key), c.URL, cmd.OutOrStdout(), output == "json"}
			return reached(run(a, args))
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

// reached tells an error that a server answered with from there being no server.
func reached(err error) error {
	if err == nil || core.CodeOf(err) != core.CodeInternal {
		return err
	}
	if strings.Contains(err.Error(), "connect") {
		return unreachableError{fmt.Errorf("the server does not answer: %w", err)}
	}
	return err
}

// encode prints an answer for programs.
func (a asked) encode(answer any) error { return json.NewEncoder(a.out).Encode(answer) }

// table prints rows for people, with the names of their columns.
func (a asked) table(columns string, rows [][]string) error {
	table := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, strings.ReplaceAll(columns, " ", "\t"))
	for _, row := range rows {
		fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	return table.Flush()
}

// facts prints pairs of a name and a text; those without a text are left out.
func (a asked) facts(pairs ...string) error {
	table := tabwriter.NewWriter(a.out, 0, 4, 2, ' ', 0)
	for pair := range slices.Chunk(pairs, 2) {
		if name, text := pair[0], pair[len(pair)-1]; text != "" {
			fmt.Fprintf(table, "%s\t%s\n", name, strings.ReplaceAll(text, "\n", "\n\t"))
		}
	}
	return table.Flush()
}

// textOf returns what an argument says: itself, or what is in the file that it names behind
// an @, or on standard input for a hyphen.
func textOf(argument string) (string, error) {
	switch name, isFile := strings.CutPrefix(argument, "@"); {
	case argument == "-":
		text, err := io.ReadAll(os.Stdin)
		return strings.TrimSpace(string(text)), err
	case isFile:
		text, err := os.ReadFile(name)
		if err != nil {
			return "", usageError{err}
		}
		return strings.TrimSpace(string(text)), nil
	}
	return argument, nil
}

// jsonOf is textOf for JSON.
func jsonOf(flag, argument string) (json.RawMessage, error) {
	text, err := textOf(argument)
	if err == nil && text != "" && !json.Valid([]byte(text)) {
		err = usageError{fmt.Errorf("%s must be JSON, or @ and the name of a file with JSON", flag)}
	}
	return json.RawMessage(text), err
}

// placeOf reads a place in a stream: start, end, an offset or a time.
func placeOf(flag, text string) (place core.Start, err error) {
	for _, form := range []string{text, `"` + text + `"`} {
		if json.Unmarshal([]byte(form), &place) == nil {
			return place, nil
		}
	}
	return place, usageError{fmt.Errorf("%s must be start, end, an offset, or a time like %s", flag, time.RFC3339)}
}
