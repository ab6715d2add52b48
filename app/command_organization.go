package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func organizationCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "org", Short: "Create and list organizations, and set their limits", Args: cobra.NoArgs,
		Long: "Create and list organizations and set their limits directly in the catalog, whether or not the server is running. Needs the server's settings: --catalog or --store, and the secret.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(organizationCreateCommand(p, s), organizationListCommand(p, s), organizationShowCommand(p, s), organizationLimitCommand(p, s))
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
	var shares []string
	command := &cobra.Command{
		Use: "limit NAME-OR-ID", Args: cobra.ExactArgs(1),
		Short: "Override the rate limits of an organization's keys and people, and its shares",
		Long: "Override the limits that the settings set: the rates of each key and each person of an organization, and what it may have, its shares. Prints the result. " +
			"The shares are " + shareNames() + ", the last two on each node; 'eventflow org show' explains where an organization stands. " +
			"A flag that is left out changes nothing. A key's own --rate takes precedence. Running servers follow within two seconds.",
		Example: "  eventflow org limit acme --key 6000/200 --user 1000/100\n  eventflow org limit acme --key default   # back to the settings\n  eventflow org limit acme --share streams=50000 --share uploads=67108864",
		RunE: func(cmd *cobra.Command, args []string) error {
			limits, err := organizationLimits(args[0], key, user, shares)
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
	command.Flags().StringArrayVar(&shares, "share", nil, "a share and its bound, like streams=50000, or streams=default; may be repeated")
	command.Flags().StringVar(&user, "user", "", "requests per minute and at once for each person, like 1000/100, or default")
	return command
}

// organizationLimits is what the arguments ask for. An empty name would be the
// first organization's.
func organizationLimits(name, key, user string, shares []string) (limits core.OrganizationLimits, err error) {
	if name == "" {
		return limits, errors.New("the organization name is empty; 'eventflow org list' shows the names")
	}
	if key == "" && user == "" && len(shares) == 0 {
		return limits, errors.New("nothing to change: give --key, --user or both, like --key 6000/200, or --share, like --share streams=500")
	}
	if limits.Shares, err = organizationShares(shares); err != nil {
		return limits, err
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

// shareNames lists the shares.
func shareNames() string {
	var names []string
	for _, share := range core.AllShares {
		names = append(names, string(share))
	}
	return strings.Join(names, ", ")
}

// organizationShares reads flags of the form share=bound. The bound `default` is 0.
func organizationShares(flags []string) (map[core.Share]int64, error) {
	shares := map[core.Share]int64{}
	for _, text := range flags {
		name, bound, _ := strings.Cut(text, "=")
		most, err := strconv.ParseInt(bound, 10, 64)
		switch {
		case !slices.Contains(core.AllShares, core.Share(name)):
			return nil, fmt.Errorf("--share %s: there is no such share; the shares are %s", name, shareNames())
		case bound == "default":
			most = 0
		case err != nil || most < 1 || most > core.MaxShare:
			return nil, fmt.Errorf("--share %s: must be 1 to %d, or default, like %s=500", name, core.MaxShare, name)
		}
		shares[core.Share(name)] = most
	}
	return shares, nil
}

func organizationShowCommand(p *program, s *settings) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "show NAME-OR-ID", Args: cobra.ExactArgs(1),
		Short: "Show what an organization has, and what it may have",
		Long: "Show what an organization has of each share, and what it may have. Requests that last and the memory of uploads are counted by each running server, " +
			"whose metrics name them; a dash as their bound says that an organization may have as much as it leaves free.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.operate(cmd, s, args[0], func(o operator) error {
				usage, err := o.shares().Usage(cmd.Context(), o.principal())
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(usage)
				}
				return printUsage(cmd.OutOrStdout(), o.org, usage)
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

func printUsage(out io.Writer, org core.Organization, usage core.Usage) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "SHARE\tHAS\tMAY HAVE\tFROM")
	for _, share := range core.AllShares {
		has, may, from := strconv.FormatInt(*usage.Used.At(share), 10), strconv.FormatInt(*usage.Allowed.At(share), 10), "settings"
		if *org.Shares.At(share) > 0 {
			from = "org limit"
		}
		if share == core.ShareEvaluations || share == core.ShareLasting || share == core.ShareUploads {
			has = "–"
		}
		switch {
		case may == "0" && share == core.ShareEvaluations:
			may, from = "–", "a quarter of the cores"
		case may == "0":
			may, from = "–", "what others leave free"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", share, has, may, from)
	}
	return table.Flush()
}
