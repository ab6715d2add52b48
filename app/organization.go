package app

import (
	"fmt"

	"github.com/spf13/cobra"
)

func organizationCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "org", Short: "Create organizations", Args: cobra.NoArgs,
		Long: "Create organizations directly in the catalog, with the server running or not. Needs the server's settings: --catalog or --store, and the secret.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(&cobra.Command{
		Use: "create NAME", Args: cobra.ExactArgs(1),
		Short:   "Create an organization, and print the link by which its first admin is made; it is good once, for 30 minutes",
		Example: "  eventflow org create acme\n  eventflow user setup-link --org acme   # another link",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.operate(cmd, s, "", func(o operator) error {
				accounts, err := o.accounts()
				if err != nil {
					return err
				}
				_, link, err := accounts.CreateOrganization(cmd.Context(), thisProgram(), o.principal(), args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
				return err
			})
		},
	})
	return command
}
