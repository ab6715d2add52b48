package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

func userCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "user",
		Short: "Create and list users, and print a set-up link",
		Long:  "Create and list users directly in the catalog, whether or not the server is running. Needs the server's settings: --catalog or --store, and the secret.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	command.AddCommand(userCreateCommand(p, s, org), userListCommand(p, s, org), userSetupCommand(p, s, org))
	return command
}

func userCreateCommand(p *program, s *settings, org *string) *cobra.Command {
	var email, name, role string
	command := &cobra.Command{
		Use:     "create --email ADDRESS",
		Short:   "Create a user with a password read from standard input",
		Example: "  eventflow user create --email ann@example.com --role admin < password.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.operate(cmd, s, *org, func(o operator) error {
				people, err := o.identity()
				if err != nil {
					return err
				}
				password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				person := identity.NewPerson{Email: email, Name: name, Password: password}
				user, err := people.Users.Create(cmd.Context(), o.principal(), person, core.Role(role))
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), user.ID)
				return err
			})
		},
	}
	command.Flags().StringVar(&email, "email", "", "the email address that the user signs in with")
	command.Flags().StringVar(&name, "name", "", "the user's name")
	command.Flags().StringVar(&role, "role", string(core.RoleAdmin), "admin, developer or viewer")
	_ = command.MarkFlagRequired("email") // only fails for a flag that does not exist
	return command
}

// readPassword reads one line. A password in an argument would be in the
// system's list of processes.
func readPassword(in io.Reader, talk io.Writer) (string, error) {
	fmt.Fprintln(talk, "Password (at least 12 characters, with upper and lower case, a digit and another character):")
	line, err := bufio.NewReader(io.LimitReader(in, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func userListCommand(p *program, s *settings, org *string) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "list", Short: "List users", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.operate(cmd, s, *org, func(o operator) error {
				all, err := allUsers(cmd.Context(), o.catalog, o.org.ID)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				return printUsers(cmd.OutOrStdout(), all)
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

// allUsers returns the users of an organization, by email address.
func allUsers(ctx context.Context, users core.Users, org core.ID) ([]core.User, error) {
	return allPages(func(last *core.User) ([]core.User, error) {
		after := ""
		if last != nil {
			after = last.Email
		}
		return users.Users(ctx, org, after, core.MaxPageSize)
	})
}

func printUsers(out io.Writer, users []core.User) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tEMAIL\tNAME\tROLE\tSTATE")
	for _, u := range users {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", u.ID, u.Email, u.Name, u.Role, u.State)
	}
	return table.Flush()
}

func userSetupCommand(p *program, s *settings, org *string) *cobra.Command {
	return &cobra.Command{
		Use: "setup-link", Args: cobra.NoArgs,
		Short: "Print the set-up link for the first admin (valid once, for 30 minutes)",
		Long:  "Print the set-up link for the first admin. It is valid once, for 30 minutes, and replaces an earlier link, which no longer works.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.operate(cmd, s, *org, func(o operator) error {
				people, err := o.identity()
				if err != nil {
					return err
				}
				link, err := people.Tickets.SetupLink(cmd.Context(), o.principal())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
				return err
			})
		},
	}
}
