package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
)

func keyCommand(s *settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "key",
		Short: "Create, list and revoke API keys",
		Long:  "Create, list and revoke API keys directly in the catalog, with the server running or not. Needs the server's settings: --catalog or --store, and the secret.",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(keyCreateCommand(s), keyListCommand(s), keyRevokeCommand(s))
	return command
}

// withAccess runs a command on the catalog that the settings name. Without a
// secret in the settings it takes the one that `eventflow dev` keeps in the
// data folder.
func withAccess(ctx context.Context, s *settings, do func(*core.Access, core.Catalog, core.Organization) error) (err error) {
	cfg, err := s.load(os.Environ())
	if err != nil {
		return err
	}
	if cfg.Secret == "" {
		if kept, err := os.ReadFile(devFolder(cfg) + "/" + secretFile); err == nil {
			cfg.Secret = strings.TrimSpace(string(kept))
		}
	}
	if err := cfg.validateSecret(); err != nil {
		return err
	}
	u, err := cfg.catalogURL()
	if err != nil {
		return wrong("catalog", err.Error())
	}
	opened, err := catalog.Open(ctx, u)
	if err != nil {
		return err
	}
	defer func() {
		if closed := opened.Close(); err == nil {
			err = closed
		}
	}()
	org, err := core.FirstOrganization(ctx, opened, time.Now())
	if err != nil {
		return err
	}
	access, err := core.NewAccess(opened, []byte(cfg.Secret), time.Now)
	if err != nil {
		return err
	}
	return do(access, opened, org)
}

// checkOutput refuses a format that a command does not print: it has JSON and
// one for people.
func checkOutput(format, forPeople string) error {
	if format == forPeople || format == "json" {
		return nil
	}
	return usageError{fmt.Errorf("--output must be %s or json", forPeople)}
}

// createdKey is a new key with its secret, which is shown this once.
type createdKey struct {
	core.APIKey
	Secret string `json:"secret"`
}

func keyCreateCommand(s *settings) *cobra.Command {
	var label, environment, role, output string
	var streams []string
	var expires time.Duration
	command := &cobra.Command{
		Use:     "create --label NAME",
		Short:   "Create an API key and print it, this once",
		Example: "  eventflow key create --label billing --role producer --stream orders\n  eventflow key create --label ops --role developer --expires 720h",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "text"); err != nil {
				return err
			}
			return withAccess(cmd.Context(), s, func(access *core.Access, catalog core.Catalog, org core.Organization) error {
				spec := core.KeySpec{Label: label, Environment: core.Environment(environment), Role: core.Role(role)}
				if expires != 0 {
					at := time.Now().UTC().Add(expires).Truncate(time.Second)
					spec.ExpiresAt = &at
				}
				for _, name := range streams {
					stream, err := catalog.StreamNamed(cmd.Context(), org.ID, name)
					if err != nil {
						return err
					}
					spec.Streams = append(spec.Streams, stream.ID)
				}
				key, secret, err := access.CreateKey(cmd.Context(), org.ID, spec)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(createdKey{key, secret})
				}
				fmt.Fprintln(cmd.ErrOrStderr(), "Keep this key now: it cannot be shown again. Key id:", key.ID)
				_, err = fmt.Fprintln(cmd.OutOrStdout(), secret)
				return err
			})
		},
	}
	flags := command.Flags()
	flags.StringVar(&label, "label", "", "who uses the key; the default source of its events")
	flags.StringVar(&environment, "environment", "live", "live or test; becomes part of the key's text")
	flags.StringVar(&role, "role", "producer", "producer (sends events), consumer and viewer (read), developer (also manages streams) or admin")
	flags.StringArrayVar(&streams, "stream", nil, "narrow the key to this stream; may be repeated")
	flags.DurationVar(&expires, "expires", 0, "time until the key expires, like 720h; never by default")
	flags.StringVarP(&output, "output", "o", "text", "text or json")
	_ = command.MarkFlagRequired("label") // only fails for a flag that does not exist
	return command
}

func keyListCommand(s *settings) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "list", Short: "List the API keys, without their secrets", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return withAccess(cmd.Context(), s, func(access *core.Access, _ core.Catalog, org core.Organization) error {
				keys, err := access.Keys(cmd.Context(), org.ID)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(keys)
				}
				return printKeys(cmd.OutOrStdout(), keys)
			})
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

func printKeys(out io.Writer, keys []core.APIKey) error {
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tLABEL\tKEY\tROLE\tSTREAMS\tCREATED\tSTATE")
	for _, key := range keys {
		scope := "all"
		if len(key.Streams) > 0 {
			scope = fmt.Sprint(len(key.Streams))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.ID, key.Label, key.Masked, key.Role, scope,
			key.CreatedAt.Format(time.DateTime), keyState(key, time.Now()))
	}
	return table.Flush()
}

func keyState(key core.APIKey, now time.Time) string {
	switch {
	case key.RevokedAt != nil:
		return "revoked " + key.RevokedAt.Format(time.DateTime)
	case key.ExpiresAt == nil:
		return "valid"
	case !now.Before(*key.ExpiresAt):
		return "expired " + key.ExpiresAt.Format(time.DateTime)
	}
	return "valid until " + key.ExpiresAt.Format(time.DateTime)
}

func keyRevokeCommand(s *settings) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Short: "Revoke an API key: running servers refuse it within two seconds", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := core.ParseID(args[0])
			if err != nil {
				return usageError{fmt.Errorf("the key's id %w; 'eventflow key list' shows the ids", err)}
			}
			return withAccess(cmd.Context(), s, func(access *core.Access, _ core.Catalog, org core.Organization) error {
				return access.RevokeKey(cmd.Context(), org.ID, id)
			})
		},
	}
}
