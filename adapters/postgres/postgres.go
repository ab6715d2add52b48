// Package postgres keeps the log in PostgreSQL: the store for production, and
// the one that several servers share. An append is one round trip: a guarded
// update of the streams' counters and a binary COPY, in one transaction.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// Storage is the log in one schema of a database. It implements
// [core.Storage].
type Storage struct {
	pool     *pgxpool.Pool
	wall     *pgtenant.Wall
	heads    *heads
	segments *segments
}

// Open connects to the database that u names, in the form of libpq, with the
// pool's settings (pool_max_conns and others) as parameters. The tables are
// made in the first schema of search_path, which must exist. A read replica is
// refused: it cannot store, and it may lag behind what was acknowledged. The
// role behind the second wall between organizations is named by
// [pgtenant.Parameter].
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("the store's URL: %w", err)
	}
	config.ConnConfig.RuntimeParams["timezone"] = "UTC"
	if config.ConnConfig.RuntimeParams["application_name"] == "" {
		config.ConnConfig.RuntimeParams["application_name"] = "eventflow"
	}
	wall := pgtenant.Guard(config, "eventflow_admit_to_events")
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &Storage{pool: pool, wall: wall, heads: newHeads(), segments: newSegments()}
	if err := s.prepare(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return s, nil
}

func (s *Storage) prepare(ctx context.Context) error {
	var replica bool
	if err := s.pool.QueryRow(ctx, `select pg_is_in_recovery()`).Scan(&replica); err != nil {
		return fmt.Errorf("reaching PostgreSQL: %w", err)
	}
	if replica {
		return errors.New("the store's URL names a read replica; name the primary")
	}
	db := stdlib.OpenDBFromPool(s.pool)
	if err := errors.Join(migrations.Up(ctx, db, migrations.EventsPostgres), db.Close()); err != nil {
		return err
	}
	return s.wall.Prepare(ctx, s.pool)
}

// Check implements [core.Storage].
func (s *Storage) Check(ctx context.Context) error {
	settings, err := s.pool.Query(ctx, `select name, setting from pg_settings
		where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off' order by name`)
	if err != nil {
		return storeError(err)
	}
	relaxed, err := pgx.CollectRows(settings, pgx.RowToStructByPos[struct{ Name, Setting string }])
	if err != nil {
		return storeError(err)
	}
	for _, setting := range relaxed {
		return fmt.Errorf("%s=%s: %w", setting.Name, setting.Setting, core.ErrRelaxedDurability)
	}
	return nil
}

// Close implements [core.Storage].
func (s *Storage) Close() error {
	s.pool.Close()
	return nil
}

// SQLSTATEs with a meaning here, beside [pgtenant.StateUnique].
const (
	stateGuard          = "EF001" // a stream is not where this process believes it to be
	stateUndefinedTable = "42P01"
	stateDuplicateTable = "42P07"
	stateDiskFull       = "53100"
)

// storeError turns PostgreSQL's refusals into errors that clients may read.
func storeError(err error) error {
	var network net.Error
	var connecting *pgconn.ConnectError
	state := pgtenant.State(err)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case state == stateDiskFull:
		return core.Errorf(core.CodeStorageFull, "the disk of the event store is full; nothing was stored")
	case errors.As(err, &connecting), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), broken(err), transient(state):
		return core.Unavailable(err, time.Second, "the event store cannot be reached and nothing was stored; try again")
	}
	return err
}

// broken reports whether the connection ended in the middle.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// transient reports whether a refusal is about the server's state, not the
// statement: connections (08), resources (53), locks (40, 55P03), shutdown (57P).
func transient(state string) bool {
	return state == "55P03" || slices.ContainsFunc([]string{"08", "53", "40", "57P"}, func(class string) bool {
		return strings.HasPrefix(state, class)
	})
}
