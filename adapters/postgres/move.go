package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/eventflow-go/eventflow/core"
)

var _ interface {
	core.Movable
	core.Labelled
} = (*Storage)(nil)

// fenced turns the refusal of eventflow_advance into one that names the stream.
func fenced(err error) error {
	var refused *pgconn.PgError
	if !errors.As(err, &refused) {
		return err
	}
	stream, malformed := core.ParseID(refused.Detail)
	if malformed != nil {
		return err
	}
	return &core.FencedError{Stream: stream}
}

// Fence implements [core.Movable]. The update waits for appends that hold the stream's
// row, which then have committed. Appends that come to the row later find the fence.
func (s *Storage) Fence(ctx context.Context, org, stream core.ID) error {
	_, err := s.pool.Exec(ctx, `insert into heads (stream, org, fenced) values ($1, $2, true) on conflict (stream) do update set fenced = true`,
		[16]byte(stream), [16]byte(org))
	return storeError(err)
}

// Lift implements [core.Movable].
func (s *Storage) Lift(ctx context.Context, stream core.ID) error {
	s.Forget(stream)
	_, err := s.pool.Exec(ctx, `update heads set fenced = false where stream = $1`, [16]byte(stream))
	return storeError(err)
}

// Fenced implements [core.Movable].
func (s *Storage) Fenced(ctx context.Context) ([]core.ID, error) {
	rows, err := s.pool.Query(ctx, `select stream from heads where fenced order by stream`)
	if err != nil {
		return nil, storeError(err)
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (id core.ID, err error) {
		var stream [16]byte
		err = row.Scan(&stream)
		return stream, err
	})
	return all, storeError(err)
}

// Discard implements [core.Movable], as Trim removes, in transactions of their own. The
// counter goes last: until then the stream is an emptied one.
func (s *Storage) Discard(ctx context.Context, stream core.ID) error {
	defer s.Forget(stream)
	var fenced bool
	var next int64
	err := s.pool.QueryRow(ctx, `select fenced, next_offset from heads where stream = $1`, [16]byte(stream)).Scan(&fenced, &next)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && !fenced {
		return core.Errorf(core.CodeConflict, "the stream %s is not fenced: whoever appends to it would lose what is stored meanwhile", stream)
	}
	if err != nil {
		return storeError(err)
	}
	all, err := s.loadSegments(ctx, stream)
	if err != nil {
		return storeError(err)
	}
	for _, one := range all {
		if err := s.trimSegment(ctx, stream, one.day, core.Offset(next)); err != nil {
			return storeError(err)
		}
	}
	return storeError(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `delete from event_keys where stream = $1`, [16]byte(stream))
		if err == nil {
			_, err = tx.Exec(ctx, `update heads set first_offset = 0, next_offset = 0, last_at = null where stream = $1 and fenced`, [16]byte(stream))
		}
		return err
	}))
}

// Forget implements [core.Movable].
func (s *Storage) Forget(stream core.ID) {
	s.heads.forget([]core.ID{stream})
	s.segments.keep(stream, nil)
}

const selectLabel = `select installation, number, of from shard_label`

// Label implements [core.Labelled].
func (s *Storage) Label(ctx context.Context) (core.ShardLabel, error) {
	label, err := scanLabel(s.pool.QueryRow(ctx, selectLabel))
	return label, storeError(err)
}

func scanLabel(row pgx.Row) (label core.ShardLabel, err error) {
	var installation [16]byte
	err = row.Scan(&installation, &label.Number, &label.Of)
	if errors.Is(err, pgx.ErrNoRows) {
		return core.ShardLabel{}, nil
	}
	label.Installation = installation
	return label, err
}

// SetLabel implements [core.Labelled].
func (s *Storage) SetLabel(ctx context.Context, label core.ShardLabel) (stored core.ShardLabel, err error) {
	_, err = s.pool.Exec(ctx, `insert into shard_label values (1, $1, $2, $3) on conflict (one) do update
		set of = greatest(shard_label.of, excluded.of)
		where shard_label.installation = excluded.installation and shard_label.number = excluded.number`,
		[16]byte(label.Installation), label.Number, label.Of)
	if err != nil {
		return stored, storeError(err)
	}
	return s.Label(ctx)
}
