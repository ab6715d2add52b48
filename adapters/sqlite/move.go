package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/eventflow-go/eventflow/core"
)

var _ interface {
	core.Movable
	core.Labelled
} = (*Storage)(nil)

// change runs statements as one transaction, which no append is beside.
func (s *Storage) change(ctx context.Context, do func(ctx context.Context, conn *sql.Conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	return s.transact(ctx, func() error { return do(ctx, s.inserts.conn) })
}

// Fence implements [core.Movable]. An append reads the fence in its own transaction,
// and SQLite has one at a time.
func (s *Storage) Fence(ctx context.Context, org, stream core.ID, turn int64) error {
	return s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		done, err := conn.ExecContext(ctx, `insert into heads (stream, org, fenced, fence_turn) values (?, ?, 1, ?)
			on conflict (stream) do update set fenced = 1, fence_turn = excluded.fence_turn where fence_turn <= excluded.fence_turn`, stream[:], org[:], turn)
		if err != nil {
			return err
		}
		if n, err := done.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return core.Overtaken(stream)
	})
}

// Lift implements [core.Movable].
func (s *Storage) Lift(ctx context.Context, stream core.ID, turn int64) error {
	return s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `update heads set fenced = 0, fence_turn = ?2 where stream = ?1 and fence_turn <= ?2`, stream[:], turn)
		if err != nil {
			return err
		}
		var later bool
		err = conn.QueryRowContext(ctx, `select exists (select 1 from heads where stream = ? and fence_turn > ?)`, stream[:], turn).Scan(&later)
		if later {
			return core.Overtaken(stream)
		}
		return err
	})
}

// Fenced implements [core.Movable].
func (s *Storage) Fenced(ctx context.Context) (all []core.ID, err error) {
	rows, err := s.readers.QueryContext(ctx, `select stream from heads where fenced order by stream`)
	if err != nil {
		return nil, storeError(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var stream sql.RawBytes
		if err := rows.Scan(&stream); err != nil {
			return nil, storeError(err)
		}
		all = append(all, core.ID(stream))
	}
	return all, storeError(rows.Err())
}

// Discard implements [core.Movable], in steps, so that no append waits for long.
func (s *Storage) Discard(ctx context.Context, stream core.ID, turn int64) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		var done bool
		err := s.change(ctx, func(ctx context.Context, conn *sql.Conn) (err error) {
			var next core.Offset
			err = conn.QueryRowContext(ctx, `select next_offset from heads where stream = ? and fenced and fence_turn = ?`, stream[:], turn).Scan(&next)
			if errors.Is(err, sql.ErrNoRows) {
				return core.Overtaken(stream)
			}
			if err != nil {
				return err
			}
			if done, err = s.deleteSome(ctx, stream, next, trimMost); err != nil || !done {
				return err
			}
			return emptyHead(ctx, conn, stream)
		})
		if err != nil || done {
			return err
		}
	}
}

// emptyHead has a stream begin anew, once its events are gone.
func emptyHead(ctx context.Context, conn *sql.Conn, stream core.ID) error {
	var number int64
	if err := conn.QueryRowContext(ctx, `select number from heads where stream = ?`, stream[:]).Scan(&number); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, deleteKeys, number, int64(math.MaxInt64)); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, `update heads set first_offset = 0, next_offset = 0, last_at = 0 where number = ?`, number)
	return err
}

// Forget implements [core.Movable]. Nothing is remembered beside what is stored.
func (s *Storage) Forget(core.ID) {}

const selectLabel = `select installation, number, of from shard_label`

// Label implements [core.Labelled].
func (s *Storage) Label(ctx context.Context) (core.ShardLabel, error) {
	label, err := scanLabel(s.readers.QueryRowContext(ctx, selectLabel))
	return label, storeError(err)
}

func scanLabel(row *sql.Row) (label core.ShardLabel, err error) {
	var installation []byte
	err = row.Scan(&installation, &label.Number, &label.Of)
	if errors.Is(err, sql.ErrNoRows) {
		return core.ShardLabel{}, nil
	}
	copy(label.Installation[:], installation)
	return label, err
}

// SetLabel implements [core.Labelled].
func (s *Storage) SetLabel(ctx context.Context, label core.ShardLabel) (stored core.ShardLabel, err error) {
	err = s.change(ctx, func(ctx context.Context, conn *sql.Conn) error {
		_, err := conn.ExecContext(ctx, `insert into shard_label values (1, ?, ?, ?) on conflict do update set of = max(of, excluded.of)
			where installation = excluded.installation and number = excluded.number`, label.Installation[:], label.Number, label.Of)
		if err == nil {
			stored, err = scanLabel(conn.QueryRowContext(ctx, selectLabel))
		}
		return err
	})
	return stored, err
}
