package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/eventflow-go/eventflow/adapters/backupfile"
	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// partHead says what a part of a backup holds: one of these.
type partHead struct {
	// Backup is the first part, which has no lines.
	Backup *manifest `json:"backup,omitempty"`
	// Streams has a line for every stream in the log.
	Streams bool `json:"streams,omitempty"`
	// Table has the rows of a table of the catalog.
	Table string `json:"table,omitempty"`
	// Events has those of a stream.
	Events core.ID `json:"events,omitzero"`
}

// manifest says what a backup is of.
type manifest struct {
	Version   string    `json:"version"`
	CreatedAt time.Time `json:"created_at"`
	// Organization is the first one, by which an installation is known.
	Organization string `json:"organization"`
	// Shards is how many the store had; 0 in the backups of earlier versions.
	Shards  int   `json:"shards,omitempty"`
	Streams int64 `json:"streams"`
	Events  int64 `json:"events"`
	// Secrets tell which secrets its keys were made with. They are no secrets.
	Secrets []string `json:"secrets"`
	// Secret is the server's own, and Previous the one before, where they were asked for.
	Secret   string `json:"secret,omitempty"`
	Previous string `json:"secret_previous,omitempty"`
}

// streamLine is a stream in the part Streams.
type streamLine struct {
	Stream core.ID     `json:"stream"`
	Org    core.ID     `json:"org"`
	First  core.Offset `json:"first"`
	Next   core.Offset `json:"next"`
	Last   time.Time   `json:"last"`
}

func (l streamLine) log() core.StreamLog {
	return core.StreamLog{Org: l.Org, Stream: l.Stream, Bounds: core.Bounds{First: l.First, Next: l.Next, Last: l.Last.UTC()}}
}

// secretMark tells two secrets apart and nothing else about them.
func secretMark(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("eventflow backup"))
	return hex.EncodeToString(mac.Sum(nil)[:6])
}

// marks are those of the settings' secrets.
func (c Config) marks() (all []string) {
	for _, secret := range c.secrets() {
		all = append(all, secretMark(string(secret)))
	}
	return all
}

// backup writes an installation into a backup.
type backup struct {
	from *installation
	to   *backupfile.Writer
	head manifest
	// logs are the streams as they end in the backup, and streams what was written.
	logs    []core.StreamLog
	streams []streamSum
}

// write writes all of it. The catalog is of one moment. The log is of a moment right
// after it, so that no group is beyond the end of its stream. It needs no snapshot:
// until the ends that were read then, it never changes.
func (b *backup) write(ctx context.Context, tell func(total int64) func(events int)) error {
	err := b.from.catalog.Snapshot(ctx, func(s *catalog.Snapshot) (err error) {
		if b.logs, err = b.from.log.Logs(ctx); err != nil {
			return err
		}
		b.head.Streams, b.head.Events, b.head.Shards = int64(len(b.logs)), eventsOf(b.logs), core.ShardsOf(b.from.storage)
		if err := b.begin(); err != nil {
			return err
		}
		return b.tables(ctx, s)
	})
	if err != nil {
		return err
	}
	told := tell(b.head.Events)
	for _, of := range b.logs {
		if err := b.events(ctx, of, told); err != nil {
			return err
		}
	}
	return b.to.Close()
}

// begin writes what a backup begins with.
func (b *backup) begin() error {
	if err := b.to.Part(partHead{Backup: &b.head}); err != nil {
		return err
	}
	if err := b.to.Part(partHead{Streams: true}); err != nil {
		return err
	}
	for _, of := range b.logs {
		line, err := json.Marshal(streamLine{of.Stream, of.Org, of.First, of.Next, of.Last})
		if err != nil {
			return err
		}
		if err := b.to.Line(line); err != nil {
			return err
		}
	}
	return nil
}

func (b *backup) tables(ctx context.Context, s *catalog.Snapshot) error {
	for _, table := range keptTables() {
		if err := b.to.Part(partHead{Table: table.Name}); err != nil {
			return err
		}
		err := s.Rows(ctx, table, func(row catalog.Row) error {
			if err := copiedRow(table.Name, row, b.head.CreatedAt); err != nil {
				return err
			}
			line, err := json.Marshal(row)
			if err != nil {
				return err
			}
			return b.to.Line(line)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// keptTables are the tables that a backup has.
func keptTables() []catalog.Table {
	return slices.DeleteFunc(catalog.Tables(), func(t catalog.Table) bool { return t.Passing || t.Bound })
}

func (b *backup) events(ctx context.Context, of core.StreamLog, told func(events int)) error {
	if err := b.to.Part(partHead{Events: of.Stream}); err != nil {
		return err
	}
	var sum streamSum
	for entry, err := range summing(of, eventlog.Entries(ctx, b.from.log, of, of.First), &sum) {
		if err != nil {
			return err
		}
		line, err := eventlog.EncodeEntry(&entry)
		if err != nil {
			return err
		}
		if err := b.to.Line(line); err != nil {
			return err
		}
		told(1)
	}
	b.streams = append(b.streams, sum)
	return nil
}
