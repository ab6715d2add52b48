package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/argon2"
	"github.com/eventflow-go/eventflow/adapters/casbinauth"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/jwt"
	"github.com/eventflow-go/eventflow/core"
)

func userCommand(s *settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "user",
		Short: "Create and list users, and make a set-up link",
		Long:  "Create and list users directly in the catalog, with the server running or not. Needs the server's settings: --catalog or --store, and the secret.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(userCreateCommand(s), userListCommand(s), userSetupCommand(s))
	return command
}

// operatorSettings are the server's, with the secret that `eventflow dev` keeps
// in the data folder where they have none.
func operatorSettings(s *settings) (Config, error) {
	cfg, err := s.load(os.Environ())
	if err != nil {
		return cfg, err
	}
	if cfg.Secret == "" {
		if kept, err := os.ReadFile(filepath.Join(devFolder(cfg), secretFile)); err == nil {
			cfg.Secret = strings.TrimSpace(string(kept))
		}
	}
	return cfg, cfg.validateSecret()
}

// withAccounts runs a command on the catalog that the settings name.
func withAccounts(ctx context.Context, s *settings, do func(Config, *core.Accounts, core.Catalog, core.Organization) error) (err error) {
	cfg, err := operatorSettings(s)
	if err != nil {
		return err
	}
	u, err := cfg.catalogURL()
	if err != nil {
		return wrong("catalog", err.Error())
	}
	opened, err := catalog.Open(ctx, u)
	if err != nil {
		return fmt.Errorf("opening the catalog: %w", err)
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	org, err := core.FirstOrganization(ctx, opened, time.Now())
	if err != nil {
		return err
	}
	tokens, err := jwt.New([]byte(cfg.Secret))
	if err != nil {
		return err
	}
	authorizer, err := casbinauth.New()
	if err != nil {
		return err
	}
	accounts := core.NewAccounts(core.AccountPorts{
		Organizations: opened, Users: opened, Sessions: opened, Tickets: opened, Hasher: argon2.New(runtime.NumCPU()),
		Tokens: tokens, Authorizer: authorizer, Links: cfg.PublicURL,
	}, []byte(cfg.Secret), time.Now)
	return do(cfg, accounts, opened, org)
}

func userCreateCommand(s *settings) *cobra.Command {
	var email, name, role string
	command := &cobra.Command{
		Use:     "create --email ADDRESS",
		Short:   "Create a user, whose password is read from the standard input",
		Example: "  eventflow user create --email ann@example.com --role admin < password.txt",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAccounts(cmd.Context(), s, func(_ Config, accounts *core.Accounts, _ core.Catalog, org core.Organization) error {
				password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
				if err != nil {
					return err
				}
				user, err := accounts.CreateUser(cmd.Context(), org.ID, core.NewPerson{Email: email, Name: name, Password: password}, core.Role(role))
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), user.ID)
				return err
			})
		},
	}
	command.Flags().StringVar(&email, "email", "", "the user's address, by which to sign in")
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

func userListCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the users", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAccounts(cmd.Context(), s, func(_ Config, _ *core.Accounts, c core.Catalog, org core.Organization) error {
				table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
				fmt.Fprintln(table, "ID\tEMAIL\tNAME\tROLE\tSTATE")
				for after := ""; ; {
					users, err := c.Users(cmd.Context(), org.ID, after, core.MaxPageSize)
					if err != nil {
						return err
					}
					for _, u := range users {
						fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", u.ID, u.Email, u.Name, u.Role, u.State)
					}
					if len(users) < core.MaxPageSize {
						return table.Flush()
					}
					after = users[len(users)-1].Email
				}
			})
		},
	}
}

func userSetupCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "setup-link", Args: cobra.NoArgs,
		Short: "Print the link by which the first admin is made; it is good once, for 30 minutes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withAccounts(cmd.Context(), s, func(cfg Config, accounts *core.Accounts, _ core.Catalog, org core.Organization) error {
				ticket, err := accounts.SetupTicket(cmd.Context(), org.ID)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(cmd.OutOrStdout(), cfg.PublicURL+"/setup#t="+ticket)
				return err
			})
		},
	}
}
