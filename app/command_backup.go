package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/eventflow-go/eventflow/adapters/backupfile"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
)

func backupCommand(p *program, s *settings) *cobra.Command {
	var withSecret bool
	command := &cobra.Command{
		Use: "backup FILE", Args: cobra.ExactArgs(1),
		Short: "Write the whole installation into one file, while servers run",
		Long: "Write everything that the settings' store and catalog hold into FILE, or to the standard output if FILE is -: events with offsets, ids, times and " +
			"idempotency keys, organizations, streams, people, keys, groups with their positions, dead letters and the audit trail. Servers go on meanwhile. " +
			"'eventflow restore' puts it into an empty store of any kind.\n\n" +
			"Nobody is signed in after a restore, and links to set a password are void. The server's secret is not in it unless --with-secret says so: keep both, apart.",
		Example: "  eventflow backup /backup/monday.backup\n  eventflow backup - | ssh elsewhere 'cat > monday.backup'\n  eventflow backup verify /backup/monday.backup",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := operatorSettings(s)
			if err != nil {
				return err
			}
			if err := mustBeThere(cfg); err != nil {
				return err
			}
			return p.withInstallation(cmd.Context(), cfg, func(from *installation) error {
				b := &backup{from: from, head: manifest{Version: Version, CreatedAt: core.Stamp(time.Now()), Secrets: cfg.marks()}}
				if withSecret {
					b.head.Secret, b.head.Previous = cfg.Secret, cfg.SecretPrevious
				}
				err := b.make(cmd, args[0], func(org core.Organization) {
					record := operatorOf(org).Did(core.AuditBackedUp, "organization", org.ID)
					record.Details = map[string]string{"file": args[0], "with_secret": strconv.FormatBool(withSecret)}
					(&trail{program: p, cfg: cfg, catalog: from.catalog, org: org, talk: cmd.ErrOrStderr()}).record(cmd.Context(), record)
				})
				return resumable(cmd.Context(), err, "begin again")
			})
		},
	}
	command.Flags().BoolVar(&withSecret, "with-secret", false, "put the server's secret into it, too: whoever has the file can then sign in as anybody")
	command.AddCommand(backupVerifyCommand())
	return command
}

// resumable is the error of work that was interrupted, which says how to go on.
func resumable(ctx context.Context, err error, next string) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("stopped before the end; %s", next)
	}
	return err
}

// make writes the backup where the command says. It is recorded in the trail of the
// first organization before, so the record is in it.
func (b *backup) make(cmd *cobra.Command, path string, record func(core.Organization)) error {
	first, err := b.from.first(cmd.Context())
	if err != nil {
		return err
	}
	if first.ID.IsZero() {
		return core.Errorf(core.CodeNotFound, "the store %s holds no installation: there is nothing to back up", b.from.name)
	}
	b.head.Organization = first.Name
	if path != "-" {
		if err := mustBeNew(path); err != nil {
			return err
		}
	}
	record(first)
	if path == "-" {
		err := b.into(cmd, cmd.OutOrStdout())
		return cmp.Or(err, b.say(cmd.ErrOrStderr(), "the standard output"))
	}
	if err := newFile(path, func(file io.Writer) error { return b.into(cmd, file) }); err != nil {
		return err
	}
	return b.say(cmd.OutOrStdout(), path)
}

func (b *backup) into(cmd *cobra.Command, out io.Writer) (err error) {
	buffered := bufio.NewWriterSize(out, 1<<20)
	if b.to, err = backupfile.NewWriter(buffered); err != nil {
		return err
	}
	err = b.write(cmd.Context(), func(total int64) func(events int) { return startProgress(cmd.ErrOrStderr(), "backed up", total).add })
	if err != nil {
		b.to.Abandon()
		return err
	}
	return buffered.Flush()
}

func (b *backup) say(out io.Writer, path string) error {
	_, err := fmt.Fprintf(out, "backed up %s, into %s\n%s", b.head.size(), path, ending(b.streams, b.head))
	return err
}

func (m manifest) size() string {
	return counted(m.Events, "event") + " in " + counted(m.Streams, "stream") + ", audit trails among them"
}

// ending is what every command about a backup says at its end.
func ending(streams []streamSum, head manifest) string {
	text := "the one with the mark " + head.Secrets[0]
	if len(head.Secrets) > 1 {
		text += ", and the previous one with the mark " + head.Secrets[1]
	}
	if head.Secret != "" {
		text += "; it is in the backup"
	}
	return fmt.Sprintf("sha256 of the log  %s\nsecret needed      %s\n", logSum(streams), text)
}

// newFile has write fill a file that only its owner may read. The file has its name when
// it is complete and on disk, and one that is there stays.
func newFile(path string, write func(io.Writer) error) (err error) {
	if err := mustBeNew(path); err != nil {
		return err
	}
	partial := path + ".partial"
	file, err := os.OpenFile(partial, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = cmp.Or(file.Chmod(0o600), write(file), file.Sync())
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	if err := os.Rename(partial, path); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func mustBeNew(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return cmp.Or(err, error(core.Errorf(core.CodeConflict, "%s is already there; name another file", path)))
	}
	return nil
}

func backupVerifyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "verify FILE", Args: cobra.ExactArgs(1),
		Short: "Check that a backup is whole, and say what is in it",
		Long:  "Read a backup, or the standard input if FILE is -, to its end, and compare every part with its hash. It needs neither store nor secret.",
		RunE: func(cmd *cobra.Command, args []string) error {
			from, err := openFile(cmd, args[0])
			if err != nil {
				return err
			}
			defer from.Close()
			return verifyBackup(cmd, from)
		},
	}
}

// openFile opens a file for reading, and the standard input for -.
func openFile(cmd *cobra.Command, path string) (io.ReadCloser, error) {
	if path == "-" {
		return io.NopCloser(cmd.InOrStdin()), nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.Errorf(core.CodeNotFound, "there is no file %s", path)
	}
	return file, err
}

func verifyBackup(cmd *cobra.Command, from io.Reader) error {
	b, err := openBackup(from)
	if err != nil {
		return err
	}
	defer b.file.Close()
	told := startProgress(cmd.ErrOrStderr(), "checked", b.head.Events).add
	if err := b.rows(func(string, catalog.Row) error { return nil }); err != nil {
		return err
	}
	var streams []streamSum
	err = b.streams(func(of core.StreamLog, entries iter.Seq2[core.Entry, error]) error {
		var sum streamSum
		for _, err := range summing(of, entries, &sum) {
			if err != nil {
				return err
			}
			told(1)
		}
		streams = append(streams, sum)
		return nil
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "the backup is whole\nmade               %s by version %s\norganization       %s\nholds              %s\n%s",
		tableTime(b.head.CreatedAt), b.head.Version, b.head.Organization, b.head.size(), ending(streams, b.head))
	return err
}
