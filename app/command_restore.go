package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/eventflow-go/eventflow/adapters/backupfile"
	"github.com/eventflow-go/eventflow/core"
)

// target is where an installation is to be, by flags.
type target struct {
	store, catalog string
	given          *pflag.FlagSet
}

func (t *target) flags(command *cobra.Command, name, what string) {
	t.given = command.Flags()
	t.given.StringVar(&t.store, name, "", "`URL` of the store "+what)
	t.given.StringVar(&t.catalog, name+"-catalog", "", "`URL` of the catalog "+what+"; by default together with the events")
}

// settings are cfg with the store and the catalog of the flags, if there are any.
func (t *target) settings(p *program, cfg Config, name string) (Config, error) {
	for flag, text := range map[string]string{name: t.store, name + "-catalog": t.catalog} {
		if text == "" && t.given.Changed(flag) {
			return cfg, usageError{fmt.Errorf("--%s is empty: give a URL, or leave it out", flag)}
		}
		if text == "" {
			continue
		}
		if holdsSecret("store", text) {
			return cfg, usageError{fmt.Errorf("--%s must not hold a password: the list of processes shows it to everybody on this machine. "+
				"PostgreSQL's ~/.pgpass (or PGPASSFILE, PGPASSWORD) can hold it", flag)}
		}
		u, err := storeURL(text)
		if err != nil {
			return cfg, usageError{fmt.Errorf("--%s %w", flag, err)}
		}
		if flag == name && p.storages[u.Scheme] == nil {
			return cfg, usageError{fmt.Errorf("--%s has the unknown scheme %q", flag, u.Scheme)}
		}
	}
	if t.store != "" {
		cfg.Store, cfg.Catalog = t.store, ""
	}
	if t.catalog != "" {
		cfg.Catalog = t.catalog
	}
	if name == "to" {
		cfg.Archive = "" // which is that of the source: what is restored or copied holds all that is there
	}
	return cfg, nil
}

func restoreCommand(p *program, s *settings) *cobra.Command {
	var to target
	var otherSecret bool
	var writeSecret string
	command := &cobra.Command{
		Use: "restore FILE", Args: cobra.ExactArgs(1),
		Short: "Put a backup into an empty store, and compare",
		Long: "Put a backup, or the standard input if FILE is -, into an empty store, which may be of another kind than the one it was made of, and read it again to compare. " +
			"What was interrupted is run again.\n\n" +
			"The keys and tokens in a backup are good with the server's secret that they were made with, so that must be EVENTFLOW_SECRET (and EVENTFLOW_SECRET_PREVIOUS, where there were two).",
		Example: "  eventflow restore monday.backup --to sqlite:/srv/eventflow\n  eventflow restore monday.backup --to postgres://eventflow@db/eventflow",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := s.load(os.Environ())
			if err != nil {
				return err
			}
			if cfg, err = to.settings(p, cfg, "to"); err != nil {
				return err
			}
			file, err := openFile(cmd, args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			from, err := openBackup(file)
			if err != nil {
				return err
			}
			defer from.file.Close()
			if !otherSecret {
				if err := checkSecret(cfg, from.head, writeSecret != ""); err != nil {
					return err
				}
			}
			err = p.withInstallation(cmd.Context(), cfg, func(into *installation) error { return restoreInto(cmd, from, into) })
			if err := resumable(cmd.Context(), spoiled(err, cfg), "run the same command again"); err != nil {
				return err
			}
			return keepSecret(writeSecret, from.head)
		},
	}
	to.flags(command, "to", "to restore into; by default that of the settings")
	command.Flags().BoolVar(&otherSecret, "other-secret", false, "restore although the secret is another one: people sign in, and keys and tokens have to be made anew")
	command.Flags().StringVar(&writeSecret, "write-secret", "", "write the secret that the backup holds into this `file`")
	return command
}

// spoiled tells of a place that got a part of a damaged backup, which is checked as it
// is read. It is no installation, and a backup that is whole does not go on from there.
func spoiled(err error, into Config) error {
	if errors.Is(err, backupfile.ErrDamaged) {
		return fmt.Errorf("%w; %s may hold a part of it, damage included: restore a whole one into another place, or empty this one before", err, shown("store", into.Store))
	}
	return err
}

// checkSecret refuses a restore after which the keys would be refused.
func checkSecret(cfg Config, head manifest, written bool) error {
	if written {
		if head.Secret == "" {
			return usageError{errors.New("--write-secret: the backup holds no secret; it was made without --with-secret")}
		}
		return nil
	}
	if cfg.Secret == "" {
		if kept, err := os.ReadFile(filepath.Join(devFolder(cfg), secretFile)); err == nil {
			cfg.Secret = strings.TrimSpace(string(kept))
		}
	}
	there := []string{}
	if cfg.Secret != "" {
		there = cfg.marks()
	}
	for i, mark := range head.Secrets {
		if slices.Contains(there, mark) {
			continue
		}
		name := []string{"EVENTFLOW_SECRET", "EVENTFLOW_SECRET_PREVIOUS"}[min(i, 1)]
		hint := ""
		if head.Secret != "" {
			hint = "; --write-secret FILE takes it out of the backup"
		}
		return core.Errorf(core.CodePreconditionFailed, "the keys in this backup were made with the secret with the mark %s: set it as %s%s. "+
			"If it is lost, --other-secret restores all the same, and keys and tokens have to be made anew", mark, name, hint)
	}
	return nil
}

func restoreInto(cmd *cobra.Command, from *backupReader, into *installation) error {
	ctx, talk := cmd.Context(), cmd.ErrOrStderr()
	r := &restore{from: from, to: into}
	if err := r.run(ctx, startProgress(talk, "restored", from.head.Events).add); err != nil {
		return err
	}
	if err := r.verify(ctx, startProgress(talk, "compared", from.head.Events).add); err != nil {
		return err
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "restored %s, into %s, as of %s, and compared them\n%s",
		from.head.size(), into.name, tableTime(from.head.CreatedAt), ending(r.streams, from.head))
	return err
}

// keepSecret writes the secret of a backup into a file of the owner's own.
func keepSecret(path string, head manifest) error {
	if path == "" {
		return nil
	}
	return newFile(path, func(file io.Writer) error {
		_, err := fmt.Fprintln(file, head.Secret)
		return err
	})
}
