package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// Schema implements [core.Migrated].
func (s *Storage) Schema(ctx context.Context) (at, known int64, err error) {
	err = s.pool.QueryRow(ctx, migrations.EventsPostgres.VersionQuery()).Scan(&at)
	return at, migrations.EventsPostgres.Known(), storeError(err)
}

// Examine implements [core.Examiner].
func (s *Storage) Examine(ctx context.Context, tell func(core.Finding)) error {
	return storeError(s.durability.Examine(ctx, s.pool, "events", tell))
}

// Remembered implements [core.Rememberer].
func (s *Storage) Remembered(ctx context.Context, stream core.ID, from, to core.Offset) ([]core.Remembered, error) {
	rows, err := s.pool.Query(ctx, `select "offset", id, fingerprint from event_keys
		where stream = $1 and "offset" >= $2 and "offset" < $3 order by "offset"`, [16]byte(stream), int64(from), int64(to))
	if err != nil {
		return nil, storeError(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (one core.Remembered, err error) {
		var id, fingerprint [16]byte
		err = row.Scan(&one.Offset, &id, &fingerprint)
		one.ID, one.Fingerprint = id, fingerprint
		return one, err
	})
	return all, storeError(err)
}
