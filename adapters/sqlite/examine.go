package sqlite

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// Path is the log's file in the data folder that u names.
func Path(u *url.URL) (string, error) {
	folder, err := sqlitefile.Folder(u)
	return filepath.Join(folder, FileName), err
}

// Schema implements [core.Migrated].
func (s *Storage) Schema(ctx context.Context) (at, known int64, err error) {
	err = s.readers.QueryRowContext(ctx, migrations.EventsSQLite.VersionQuery()).Scan(&at)
	return at, migrations.EventsSQLite.Known(), storeError(err)
}

// selectBeyond finds events that no stream's counter knows of.
const selectBeyond = `select h.stream, e."offset", h.next_offset from heads h cross join events e indexed by events_offset
	on e.stream = h.number and e."offset" >= h.next_offset limit 20`

// Examine implements [core.Examiner].
func (s *Storage) Examine(ctx context.Context, tell func(core.Finding)) error {
	if err := sqlitefile.Examine(ctx, s.readers, FileName, tell); err != nil {
		return err
	}
	rows, err := s.readers.QueryContext(ctx, selectBeyond)
	if err != nil {
		return storeError(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var stream []byte
		var offset, next core.Offset
		if err := rows.Scan(&stream, &offset, &next); err != nil {
			return err
		}
		var id core.ID
		copy(id[:], stream)
		tell(core.Finding{
			About: "events", State: core.FindingProblem, Stream: id.String(), Offset: &offset,
			Text: fmt.Sprintf("is stored, and the stream's counter says that the next event gets offset %d", next),
		})
	}
	return storeError(rows.Err())
}

const selectRemembered = `select k."offset", k.id, k.fingerprint from event_keys k
	where k.stream = (select number from heads where stream = ?) and k."offset" >= ? and k."offset" < ? order by k."offset"`

// Remembered implements [core.Rememberer].
func (s *Storage) Remembered(ctx context.Context, stream core.ID, from, to core.Offset) (all []core.Remembered, err error) {
	rows, err := s.readers.QueryContext(ctx, selectRemembered, stream[:], int64(from), int64(to))
	if err != nil {
		return nil, storeError(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var one core.Remembered
		var id, fingerprint []byte
		if err := rows.Scan(&one.Offset, &id, &fingerprint); err != nil {
			return nil, err
		}
		copy(one.ID[:], id)
		copy(one.Fingerprint[:], fingerprint)
		all = append(all, one)
	}
	return all, storeError(rows.Err())
}
