package app

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func doctorCommand(p *program, s *settings) *cobra.Command {
	var output string
	var quick bool
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Look for damage and for settings that endanger data",
		Long: "Look for what is wrong with an installation: files that others can read, tables of another version, a disk that gets full, settings of the database that could lose events, " +
			"a clock that is off, damaged files, and events that are missing or are not what was stored, which are named by stream and offset. " +
			"A server may be running meanwhile. All events are read, which takes a while where there are many; --quick leaves that out. The exit code is 1 if there is a problem.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "text"); err != nil {
				return err
			}
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			d := &doctor{program: p, cfg: cfg, quick: quick, talk: cmd.ErrOrStderr()}
			if output == "text" {
				d.told = func(f core.Finding) { sayFinding(cmd.OutOrStdout(), f) }
			}
			if err := d.examine(cmd.Context()); err != nil {
				return err
			}
			return d.conclude(cmd.OutOrStdout(), output)
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	command.Flags().BoolVar(&quick, "quick", false, "do not read the events and files as a whole")
	return command
}

// marks stand before findings.
var marks = map[core.FindingState]string{core.FindingGood: "✓", core.FindingNote: "–", core.FindingProblem: "✗"}

func sayFinding(out io.Writer, f core.Finding) {
	text := f.Text
	if f.Stream != "" {
		text = fmt.Sprintf("%s, offset %d: %s", f.Stream, *f.Offset, f.Text)
	}
	fmt.Fprintf(out, "  %s %-11s %s\n", marks[f.State], f.About, text)
}

// conclude says how many problems there are, which are an error if there are any.
func (d *doctor) conclude(out io.Writer, output string) error {
	problems := 0
	for _, finding := range d.findings {
		if finding.State == core.FindingProblem {
			problems++
		}
	}
	if output == "json" {
		if err := json.NewEncoder(out).Encode(map[string]any{"findings": d.findings, "problems": problems}); err != nil {
			return err
		}
	}
	if problems > 0 {
		return fmt.Errorf("%s; see the lines with ✗", counted(int64(problems), "problem"))
	}
	return nil
}
