package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func configCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "config",
		Short: "List every setting with its value and where it comes from",
		Long: "List every setting. A flag wins over the environment, the environment over the file named by --config, the file over the default. " +
			"The column RELOAD says whether a running server takes a changed setting over on SIGHUP (yes) or needs a restart for it. " +
			"If a setting is unknown or wrong, the defaults are listed and the exit code is not 0.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := s.load(os.Environ())
			if err != nil {
				s = bindConfig(pflag.NewFlagSet("defaults", pflag.ContinueOnError))
			}
			telemetry, wrong := telemetrySettings()
			err = errors.Join(err, wrong, s.print(cmd.OutOrStdout()))
			if wrong == nil {
				fmt.Fprintf(cmd.OutOrStdout(), "\nTelemetry, by the variables of OpenTelemetry (OTEL_…): %s\n", telemetry)
			}
			return err
		},
	}
	command.AddCommand(configCheckCommand(p, s))
	return command
}

func (s *settings) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "FLAG\tENVIRONMENT, FILE\tVALUE\tFROM\tRELOAD\tMEANING")
	s.flags.VisitAll(func(flag *pflag.Flag) {
		fmt.Fprintf(table, "--%s\t%s\t%s\t%s\t%s\t%s\n", flag.Name, envName(flag.Name),
			shown(flag.Name, flag.Value.String()), cmp.Or(s.origin[flag.Name], "default"), onReload(flag.Name), flag.Usage)
	})
	return table.Flush()
}

// onReload says what a running server makes of a setting that changed.
func onReload(name string) string {
	if reloads(name) {
		return "yes"
	}
	return "restart"
}
