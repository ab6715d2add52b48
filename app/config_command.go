package app

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func configCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "List every setting with its default",
		Long:  "List every setting. A flag wins over the environment, the environment over the file named by --config, the file over the default.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
			fmt.Fprintln(table, "FLAG\tENVIRONMENT, FILE\tDEFAULT\tMEANING")
			s.flags.VisitAll(func(flag *pflag.Flag) {
				fmt.Fprintf(table, "--%s\t%s\t%s\t%s\n", flag.Name, envName(flag.Name), flag.DefValue, flag.Usage)
			})
			return table.Flush()
		},
	}
}
