package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func organizationCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "org", Short: "Create and list organizations, and set their rate limits", Args: cobra.NoArgs,
		Long: "Create and list organizations and set their rate limits directly in the catalog, whether or not the server is running. Needs the server's settings: --catalog or --store, and the secret.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(organizationCreateCommand(p, s), organizationListCommand(p, s), organizationLimitCommand(p, s))
	return command
}

func organizationCreateCommand(p *program, s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "create NAME", Args: cobra.ExactArgs(1),
		Short:   "Create an organization and print the set-up link for its first admin (valid once, for 30 minutes)",
		Example: "  eventflow org create acme\n  eventflow user setup-link --org acme   # another link",
		RunE: func(cmd *cobra.Command, args []string) error {
			return p.operate(cmd, s, "", func(o operator) error {
				people, err := o.identity()
				if err != nil {
					return err
				}
				_, link, err := people.Organizations.Create(cmd.Context(), o.principal(), args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
				return err
			})
		},
	}
}

func organizationListCommand(p *program, s *settings) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "list", Short: "List organizations and their rate limits", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.operate(cmd, s, "", func(o operator) error {
				all, err := allOrganizations(cmd.Context(), o.catalog)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				return printOrganizations(cmd.OutOrStdout(), all)
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

// allOrganizations returns the organizations of the installation by name and, of one
// name, by id.
func allOrganizations(ctx context.Context, catalog core.Organizations) ([]core.Organization, error) {
	all, err := allPages(func(last *core.Organization) ([]core.Organization, error) {
		var after core.ID
		if last != nil {
			after = last.ID
		}
		return catalog.Organizations(ctx, after, core.MaxPageSize)
	})
	slices.SortStableFunc(all, func(a, b core.Organization) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

func printOrganizations(out io.Writer, organizations []core.Organization) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tCREATED\tPER KEY\tPER PERSON")
	for _, org := range organizations {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", org.ID, org.Name, tableTime(org.CreatedAt), org.KeyRate, org.UserRate)
	}
	return table.Flush()
}

func organizationLimitCommand(p *program, s *settings) *cobra.Command {
	var key, user string
	command := &cobra.Command{
		Use: "limit NAME-OR-ID", Args: cobra.ExactArgs(1),
		Short: "Override the rate limits of an organization's keys and people",
		Long: "Override the rate limits that the settings set for each key and each person of an organization, and print the result. " +
			"A flag that is left out changes nothing. A key's own --rate takes precedence. Running servers follow within two seconds.",
		Example: "  eventflow org limit acme --key 6000/200 --user 1000/100\n  eventflow org limit acme --key default   # back to the settings",
		RunE: func(cmd *cobra.Command, args []string) error {
			limits, err := organizationLimits(args[0], key, user)
			if err != nil {
				return usageError{err}
			}
			return p.operate(cmd, s, args[0], func(o operator) error {
				people, err := o.identity()
				if err != nil {
					return err
				}
				org, err := people.Organizations.Limit(cmd.Context(), o.principal(), limits)
				if err != nil {
					return err
				}
				return printOrganizations(cmd.OutOrStdout(), []core.Organization{org})
			})
		},
	}
	command.Flags().StringVar(&key, "key", "", "requests per minute and at once for each key, like 6000/200, or default")
	command.Flags().StringVar(&user, "user", "", "requests per minute and at once for each person, like 1000/100, or default")
	return command
}

// organizationLimits is what the arguments ask for. An empty name would be the
// first organization's.
func organizationLimits(name, key, user string) (limits core.OrganizationLimits, err error) {
	if name == "" {
		return limits, errors.New("the organization name is empty; 'eventflow org list' shows the names")
	}
	if key == "" && user == "" {
		return limits, errors.New("nothing to change: give --key, --user or both, like --key 6000/200")
	}
	if limits.Key, err = organizationRate("key", key); err != nil {
		return limits, err
	}
	limits.User, err = organizationRate("user", user)
	return limits, err
}

// organizationRate reads a flag, which may be left out.
func organizationRate(flag, text string) (*core.Rate, error) {
	if text == "" {
		return nil, nil
	}
	rate, err := core.ParseRate(text)
	if err != nil {
		return nil, fmt.Errorf("--%s %w", flag, err)
	}
	return &rate, nil
}
