package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/identity"
)

// keyNoun is a kind of credential as the command line calls it.
type keyNoun struct {
	kind core.KeyKind
	// name is the command's, one is the kind with its article; example shows the
	// command's create.
	name, one, example string
	// role is what a credential may do where --role is not given.
	role core.Role
}

func keyCommand(p *program, s *settings) *cobra.Command {
	return keyNoun{
		kind: core.KindAPIKey, name: "key", one: "an API key", role: core.RoleProducer,
		example: "  eventflow key create --label billing --role producer --stream orders\n  eventflow key create --label ops --role developer --expires 720h",
	}.command(p, s)
}

func (n keyNoun) command(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use:   n.name,
		Short: fmt.Sprintf("Create, list, rotate and revoke %vs", n.kind),
		Long: fmt.Sprintf("Create, list, rotate and revoke %vs directly in the catalog, whether or not the server is running. "+
			"Needs the server's settings: --catalog or --store, and the secret.", n.kind),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	command.AddCommand(n.createCommand(p, s, org), n.listCommand(p, s, org), n.rotateCommand(p, s, org), n.revokeCommand(p, s, org))
	return command
}

// printSecret prints a credential with its secret, which is shown this once.
func (n keyNoun) printSecret(cmd *cobra.Command, output string, key core.APIKey, secret string) error {
	if output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(rest.KeyWithSecret{APIKey: key, Secret: secret})
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "Save this %s now: it cannot be shown again. Its id is %v\n", n.name, key.ID)
	_, err := fmt.Fprintln(cmd.OutOrStdout(), secret)
	return err
}

// keyFlags are the flags of create.
type keyFlags struct {
	label, environment, role, defaultStream, rate, output string
	streams                                               []string
	expires                                               time.Duration
	expiring                                              bool // expires was given; 0s is a mistake, and not for ever
}

func (n keyNoun) createCommand(p *program, s *settings, org *string) *cobra.Command {
	var f keyFlags
	command := &cobra.Command{
		Use:     "create --label NAME",
		Short:   "Create " + n.one + " (printed once)",
		Example: n.example,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(f.output, "text"); err != nil {
				return err
			}
			f.expiring = cmd.Flags().Changed("expires")
			return p.withKeys(cmd, s, org, func(keys keyring) error {
				request, err := f.request(cmd.Context(), keys)
				if err != nil {
					return err
				}
				key, secret, err := keys.Create(cmd.Context(), keys.who, n.kind, request)
				if err != nil {
					return err
				}
				return n.printSecret(cmd, f.output, key, secret)
			})
		},
	}
	flags := command.Flags()
	if n.kind == core.KindServiceToken {
		flags.StringVar(&f.label, "label", "", "name of the service, in lower-case letters, digits and hyphens; becomes part of the token")
		flags.StringVar(&f.environment, "environment", "live", "live or test")
	} else {
		flags.StringVar(&f.label, "label", "", "who uses the key; the default source of its events")
		flags.StringVar(&f.environment, "environment", "live", "live or test; becomes part of the key")
	}
	flags.StringVar(&f.role, "role", string(n.role), "producer (sends events), consumer or viewer (reads them), developer (also manages streams) or admin")
	flags.StringArrayVar(&f.streams, "stream", nil, "limit the "+n.name+" to this stream; may be repeated")
	flags.StringVar(&f.defaultStream, "default-stream", "", "the stream for events that do not name one")
	flags.StringVar(&f.rate, "rate", "", "requests per minute and at once, like 6000/200, instead of the organization's or the server's limit")
	flags.DurationVar(&f.expires, "expires", 0, "time until the "+n.name+" expires, like 720h; never by default")
	flags.StringVarP(&f.output, "output", "o", "text", "text or json")
	_ = command.MarkFlagRequired("label") // only fails for a flag that does not exist
	return command
}

// request is what the flags ask for.
func (f keyFlags) request(ctx context.Context, keys keyring) (core.KeyRequest, error) {
	request := core.KeyRequest{Label: f.label, Environment: core.Environment(f.environment), Role: core.Role(f.role)}
	if f.expiring {
		request.ExpiresAt = &core.Time{Time: time.Now().UTC().Add(f.expires).Truncate(time.Second)}
	}
	if f.rate != "" {
		rate, err := core.ParseRate(f.rate)
		if err != nil {
			return request, usageError{fmt.Errorf("--rate %w", err)}
		}
		request.Rate = rate
	}
	for _, ref := range f.streams {
		id, err := keys.streamID(ctx, ref)
		if err != nil {
			return request, err
		}
		request.Streams = append(request.Streams, id)
	}
	if f.defaultStream == "" {
		return request, nil
	}
	id, err := keys.streamID(ctx, f.defaultStream)
	request.DefaultStream = id
	return request, err
}

func (n keyNoun) listCommand(p *program, s *settings, org *string) *cobra.Command {
	var output, creator string
	command := &cobra.Command{
		Use: "list", Short: fmt.Sprintf("List %vs without their secrets", n.kind), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			return p.withKeys(cmd, s, org, func(keys keyring) error {
				by, err := keys.creator(cmd.Context(), creator)
				if err != nil {
					return err
				}
				all, err := keys.all(cmd.Context(), n.kind, by)
				if err != nil {
					return err
				}
				if output == "json" {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				return printKeys(cmd.OutOrStdout(), all)
			})
		},
	}
	command.Flags().StringVar(&creator, "created-by", "", "list only what this user or key has made: an email address or an id")
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
			tableTime(key.CreatedAt), keyState(key, time.Now()))
	}
	return table.Flush()
}

// keyState is a key's state in the words of the dashboard.
func keyState(key core.APIKey, now time.Time) string {
	switch {
	case key.RevokedAt != nil:
		return "revoked " + tableTime(*key.RevokedAt)
	case key.ExpiresAt == nil:
		return "active"
	case !now.Before(*key.ExpiresAt):
		return "expired " + tableTime(*key.ExpiresAt)
	}
	return "active until " + tableTime(*key.ExpiresAt)
}

func (n keyNoun) rotateCommand(p *program, s *settings, org *string) *cobra.Command {
	var grace time.Duration
	var output string
	command := &cobra.Command{
		Use: "rotate ID", Args: cobra.ExactArgs(1),
		Short: "Replace the secret of " + n.one + " (printed once)",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := n.checkID(args[0]); err != nil {
				return err
			}
			if err := checkOutput(output, "text"); err != nil {
				return err
			}
			return p.withKeys(cmd, s, org, func(keys keyring) error {
				period := core.Seconds(grace)
				key, secret, err := keys.Rotate(cmd.Context(), keys.who, n.kind, args[0], &period)
				if err != nil {
					return err
				}
				return n.printSecret(cmd, output, key, secret)
			})
		},
	}
	command.Flags().DurationVar(&grace, "grace", identity.DefaultKeyGrace, "time for which the previous secret stays valid, 0s to 168h")
	command.Flags().StringVarP(&output, "output", "o", "text", "text or json")
	return command
}

func (n keyNoun) revokeCommand(p *program, s *settings, org *string) *cobra.Command {
	var children bool
	command := &cobra.Command{
		Use: "revoke ID", Args: cobra.ExactArgs(1),
		Short: "Revoke " + n.one + "; running servers refuse it within two seconds",
		Long:  fmt.Sprintf("Revoke %s; running servers refuse it within two seconds. Keys and tokens that it has made go on, unless --children revokes them as well.", n.one),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := n.checkID(args[0]); err != nil {
				return err
			}
			return p.withKeys(cmd, s, org, func(keys keyring) error {
				if children {
					return keys.Revoke(cmd.Context(), keys.who, n.kind, args[0], true)
				}
				return n.revoke(cmd, keys, args[0])
			})
		},
	}
	command.Flags().BoolVar(&children, "children", false, "revoke what the "+n.name+" has made as well, and what that has made")
	return command
}

// revoke revokes a credential, and says what it has made that goes on.
func (n keyNoun) revoke(cmd *cobra.Command, keys keyring, id string) error {
	if err := keys.Revoke(cmd.Context(), keys.who, n.kind, id, false); err != nil {
		return err
	}
	left, err := keys.Children(cmd.Context(), keys.who, n.kind, id)
	if err != nil || len(left) == 0 {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "It has made keys or tokens that go on (%d). To revoke them as well, run this again with --children:\n", len(left))
	return printKeys(cmd.ErrOrStderr(), left)
}

func (n keyNoun) checkID(text string) error {
	if _, err := core.ParseID(text); err != nil {
		return usageError{fmt.Errorf("the %s's id %w; 'eventflow %s list' shows the ids", n.name, err, n.name)}
	}
	return nil
}
