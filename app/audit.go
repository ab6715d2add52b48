package app

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
)

func auditCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "audit", Short: "Check the audit trail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(&cobra.Command{
		Use: "verify", Short: "Find a changed, missing or reordered record of the audit trail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := operatorSettings(s)
			if err != nil {
				return err
			}
			ctx := cmd.Context()
			storage, err := p.openStorage(ctx, cfg)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, storage.Close()) }()
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
			verified, err := core.NewAudit(nil, storage, nil, time.Now, slog.Default()).Verify(ctx, org.ID)
			if err != nil {
				return err
			}
			if verified.Fault != "" {
				return fmt.Errorf("the audit trail of %q is damaged at record %d: %s", org.Name, verified.At, verified.Fault)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "the audit trail of %q is whole: %d records\n", org.Name, verified.Records)
			return err
		},
	})
	return command
}
