package app

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/core/eventlog"
)

func auditCommand(p *program, s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "audit", Short: "Check the audit trail", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	org := organizationFlag(command)
	var expect []string
	verify := &cobra.Command{
		Use: "verify", Short: "Verify that no record of the audit trail was changed, removed or reordered", Args: cobra.NoArgs,
		Long: "Check each record of the audit trail against the one before it, and print the number and the hash of the newest. " +
			"Keep that line where those who can write to the database cannot change it: passed to --expect later, it reveals a trail that was truncated or rewritten.",
		Example: "  eventflow audit verify\n  eventflow audit verify --expect 11:0ff1ce…   # as printed by an earlier run",
		RunE: func(cmd *cobra.Command, _ []string) error {
			marks, err := parseMarks(expect)
			if err != nil {
				return err
			}
			return p.operate(cmd, s, *org, func(o operator) error { return p.verifyAudit(cmd, o, marks) })
		},
	}
	verify.Flags().StringArrayVar(&expect, "expect", nil, "a record printed by an earlier run, `NUMBER:HASH`, that must still be there; may be repeated")
	command.AddCommand(verify)
	return command
}

func parseMarks(texts []string) ([]eventlog.AuditMark, error) {
	marks := make([]eventlog.AuditMark, len(texts))
	for i, text := range texts {
		mark, err := eventlog.ParseAuditMark(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--expect %w", err)}
		}
		marks[i] = mark
	}
	return marks, nil
}

// records counts the records of a trail and names the newest.
func records(verified eventlog.Verified) string {
	switch verified.Records {
	case 0:
		return "0 records"
	case 1:
		return "1 record, the newest is " + verified.Newest.String()
	}
	return fmt.Sprintf("%d records, the newest is %s", verified.Records, verified.Newest)
}

// verifyAudit checks the trail of an organization.
func (p *program) verifyAudit(cmd *cobra.Command, o operator, expected []eventlog.AuditMark) (err error) {
	ctx := cmd.Context()
	if scheme, alone := p.alone(o.cfg); alone {
		fmt.Fprintf(cmd.ErrOrStderr(), "eventflow: a %s: store can be open in one process only: this is not the trail of a running server\n", scheme)
	}
	storage, err := p.openStorage(ctx, o.cfg, o.catalog)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, storage.Close()) }()
	seat(storage, rowHomes{}) // audit trails are in no catalog
	verified, err := eventlog.NewTrail(eventlog.TrailPorts{Log: storage}).Verify(ctx, o.org.ID, expected...)
	if err != nil {
		return err
	}
	if verified.Fault != "" {
		return fmt.Errorf("the audit trail of %q is damaged at record %d: %s", o.org.Name, verified.At, verified.Fault)
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "the audit trail of %q is intact: %s\n", o.org.Name, records(verified))
	return err
}
