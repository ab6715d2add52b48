package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
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
func (s *Storage) Fence(ctx context.Context, org, stream core.ID, turn int64) error {
	done, err := s.pool.Exec(ctx, `insert into heads (stream, org, fenced, fence_turn) values ($1, $2, true, $3) on conflict (stream) do update
		set fenced = true, fence_turn = excluded.fence_turn where heads.fence_turn <= excluded.fence_turn`, [16]byte(stream), [16]byte(org), turn)
	if err == nil && done.RowsAffected() == 0 {
		return core.Overtaken(stream)
	}
	return storeError(err)
}

// Lift implements [core.Movable].
func (s *Storage) Lift(ctx context.Context, stream core.ID, turn int64) error {
	s.Forget(stream)
	done, err := s.pool.Exec(ctx, `update heads set fenced = false, fence_turn = $2 where stream = $1 and fence_turn <= $2`, [16]byte(stream), turn)
	if err != nil || done.RowsAffected() > 0 {
		return storeError(err)
	}
	var later bool
	err = s.pool.QueryRow(ctx, `select exists (select from heads where stream = $1 and fence_turn > $2)`, [16]byte(stream), turn).Scan(&later)
	if later {
		return core.Overtaken(stream)
	}
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

// Discard implements [core.Movable], in transactions of their own, each of which holds the
// fence: a later move waits for it, and the next one finds that move. The counter goes last;
// until then the stream is an emptied one, of which nobody takes a rest for the whole.
func (s *Storage) Discard(ctx context.Context, stream core.ID, turn int64) error {
	defer s.Forget(stream)
	d := &discard{s, [16]byte(stream), turn}
	if _, err := d.step(ctx, `update heads set first_offset = next_offset where stream = $1`); err != nil {
		return storeError(err)
	}
	all, err := s.loadSegments(ctx, stream)
	if err != nil {
		return storeError(err)
	}
	for _, one := range all {
		if err := d.day(ctx, one.day); err != nil {
			return storeError(err)
		}
	}
	if _, err := d.step(ctx, `delete from event_keys where stream = $1`); err != nil {
		return storeError(err)
	}
	_, err = d.step(ctx, `update heads set first_offset = 0, next_offset = 0, last_at = null where stream = $1`)
	return storeError(err)
}

// discard is the removal of what a stream has, by a turn.
type discard struct {
	*Storage

	stream [16]byte
	turn   int64
}

// step runs a statement about the stream, $1, if it is fenced by this turn.
func (d *discard) step(ctx context.Context, statement string) (rows int64, err error) {
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		var held bool
		err := tx.QueryRow(ctx, `select fenced and fence_turn = $2 from heads where stream = $1 for update`, d.stream, d.turn).Scan(&held)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && !held {
			return core.Overtaken(d.stream)
		}
		if err != nil {
			return err
		}
		done, err := tx.Exec(ctx, statement, d.stream)
		rows = done.RowsAffected()
		return err
	})
	return rows, err
}

// day removes what the stream has of a day. The partition may be gone.
func (d *discard) day(ctx context.Context, day int32) error {
	for {
		rows, err := d.step(ctx, fmt.Sprintf(
			`delete from %[1]s where ctid = any (array(select ctid from %[1]s where stream = $1 limit %[2]d))`, partition(day), trimChunk))
		if err != nil && pgtenant.State(err) != stateUndefinedTable {
			return err
		}
		if err != nil || rows < trimChunk {
			break
		}
	}
	_, err := d.step(ctx, fmt.Sprintf(`delete from segments where stream = $1 and day = %d`, day))
	return err
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
