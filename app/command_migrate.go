package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/migrations"
)

func migrateCommand(s *settings) *cobra.Command {
	command := &cobra.Command{
		Use: "migrate", Short: "Look at the versions of the tables", Args: cobra.NoArgs,
		Long: "Look at the versions of the tables of events and catalog. Nothing has to be done to migrate: a server does it when it starts, under a lock.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	command.AddCommand(migrateStatusCommand(s))
	return command
}

func migrateStatusCommand(s *settings) *cobra.Command {
	var output string
	command := &cobra.Command{
		Use: "status", Short: "List the migrations that were applied and those that are pending", Args: cobra.NoArgs,
		Long: "List the migrations of events and catalog: when each was applied, which are pending, and who migrates at the moment, as far as the database tells. " +
			"Nothing is changed, and a server may be running. The exit code is 1 where the tables are newer than this program.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkOutput(output, "table"); err != nil {
				return err
			}
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			all, err := cfg.tables()
			if err != nil {
				return err
			}
			found := make([]tablesStatus, len(all))
			for i, one := range all {
				if found[i].Status, err = one.look(cmd.Context()); err != nil {
					return fmt.Errorf("looking at the tables of the %s: %w", one.Name, err)
				}
				found[i].tables = one
			}
			return errors.Join(printStatus(cmd.OutOrStdout(), output, found), newer(found))
		},
	}
	command.Flags().StringVarP(&output, "output", "o", "table", "table or json")
	return command
}

// tablesStatus are tables with how far they are.
type tablesStatus struct {
	tables
	migrations.Status
}

// newer is an error where a newer program has made the tables.
func newer(found []tablesStatus) error {
	for _, one := range found {
		if one.At > one.Known {
			text, _ := standing(one.Status)
			return fmt.Errorf("the tables of the %s are %s", one.Name, text)
		}
	}
	return nil
}

func printStatus(out io.Writer, output string, found []tablesStatus) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(jsonStatus(found))
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "TABLES\tVERSION\tMIGRATION\tAPPLIED")
	for _, one := range found {
		for _, migration := range one.Migrations {
			name, applied := migration.Name, "pending"
			if name == "" {
				name = "of a newer eventflow"
			}
			if !migration.AppliedAt.IsZero() {
				applied = tableTime(migration.AppliedAt)
			}
			fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", one.Name, migration.Version, name, applied)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	for _, one := range found {
		text, _ := standing(one.Status)
		fmt.Fprintf(out, "The tables of the %s in %s are %s.\n", one.Name, one.place(), text)
		if one.Holder != "" {
			fmt.Fprintf(out, "They are being migrated by %s.\n", one.Holder)
		}
	}
	return nil
}

// jsonStatus is the status for programs.
func jsonStatus(found []tablesStatus) any {
	type migration struct {
		Version   int64     `json:"version"`
		Name      string    `json:"name,omitempty"`
		AppliedAt time.Time `json:"applied_at,omitzero"`
	}
	type status struct {
		Tables     string      `json:"tables"`
		Place      string      `json:"place"`
		Version    int64       `json:"version"`
		Newest     int64       `json:"newest"`
		Pending    int         `json:"pending"`
		Holder     string      `json:"lock_held_by,omitempty"`
		Migrations []migration `json:"migrations"`
	}
	all := []status{}
	for _, one := range found {
		next := status{one.Name, one.place(), one.At, one.Known, len(one.Pending()), one.Holder, []migration{}}
		for _, m := range one.Migrations {
			next.Migrations = append(next.Migrations, migration(m))
		}
		all = append(all, next)
	}
	return all
}
