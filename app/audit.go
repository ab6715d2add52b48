package app

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core"
)

func auditCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "audit", Short: "Check the audit trail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	command.AddCommand(&cobra.Command{
		Use: "verify", Short: "Find a changed, missing or reordered record of the audit trail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return operate(cmd.Context(), s, *org, func(o operator) error { return p.verifyAudit(cmd, o) })
		},
	})
	return command
}

// verifyAudit checks the trail of an organization.
func (p *program) verifyAudit(cmd *cobra.Command, o operator) (err error) {
	ctx := cmd.Context()
	storage, err := p.openStorage(ctx, o.cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	verified, err := core.NewAudit(nil, storage, nil, time.Now, slog.Default()).Verify(ctx, o.org.ID)
	if err != nil {
		return err
	}
	if verified.Fault != "" {
		return fmt.Errorf("the audit trail of %q is damaged at record %d: %s", o.org.Name, verified.At, verified.Fault)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "the audit trail of %q is whole: %d records\n", o.org.Name, verified.Records)
	return err
}
