// Package postgres keeps the log in PostgreSQL. It is the store for production,
// and several servers may share it. An append is usually one round trip: one
// transaction that moves the streams' counters, if they are where this server
// believes them to be, and stores the events by a binary COPY. README.md tells
// the life of an event, the locks, and what each failure does.
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
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// Storage is the log in one schema of a database. It implements
// [core.Storage].
type Storage struct {
	pool *pgxpool.Pool
	wall *pgtenant.Wall
	// durability is what the database must promise.
	durability pgtenant.Durability
	// heads and segments are what this process remembers of the database. Both
	// may be out of date and forget at any time. No answer rests on them alone:
	// the database checks every append, and a read that gets to the end of what
	// is remembered asks the database how it goes on.
	heads    *heads
	segments *segments
	// sizes are of the events that were read last.
	sizes sizes
	// copying is told of COPYs, which go past pgx. It may be nil.
	copying pgx.CopyFromTracer
	// appends are those that are under way.
	appends appends
	// full is set while the newest append was refused because the disk is full.
	full atomic.Bool
}

// Open connects to the database that u names. The URL has the form of libpq, and
// may have the pool's settings as parameters (pool_max_conns and others). Open
// makes the tables in the first schema of search_path, which must exist. It
// refuses a read replica, which cannot store and may lag behind what was
// acknowledged. The parameter [pgtenant.Parameter] names the role that sees one
// organization only.
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	config, err := pgtenant.Configure(ctx, u)
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
	s := &Storage{pool: pool, wall: wall, durability: pgtenant.DurabilityOf(ctx), heads: newHeads(), segments: newSegments()}
	s.copying, _ = config.ConnConfig.Tracer.(pgx.CopyFromTracer)
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
	if err := pgtenant.Migrate(ctx, s.pool.Config(), migrations.EventsPostgres); err != nil {
		return err
	}
	return s.wall.Prepare(ctx, s.pool)
}

// Time implements [core.Timekeeper].
func (s *Storage) Time(ctx context.Context) (time.Time, error) { return pgtenant.Time(ctx, s.pool) }

// Pool implements [core.Pooled].
func (s *Storage) Pool() core.PoolLoad { return pgtenant.Pool(s.pool) }

// Close implements [core.Storage].
func (s *Storage) Close() error {
	s.pool.Close()
	return nil
}

// SQLSTATEs with a meaning here, beside those of [pgtenant].
const (
	stateGuard          = "EF001" // raised by eventflow_advance: the stream is not where the append believed
	stateFenced         = "EF002" // raised by eventflow_advance: the stream is fenced
	stateUndefinedTable = "42P01" // the day has no partition: not yet, or not any more
	stateDuplicateTable = "42P07" // another server has made the partition
	stateLockTimeout    = "55P03" // another session has held a lock for longer than lock_timeout
)

// storeError turns a failure after which nothing is stored into an error that
// clients may read. It leaves others as they are: a caller who gave up, an
// unknown outcome, and a mistake of this program, whose text stays inside.
func storeError(err error) error {
	var network net.Error
	var connecting *pgconn.ConnectError
	state := pgtenant.State(err)
	switch {
	case err == nil || errors.Is(err, context.Canceled):
		return err
	case state == stateFenced:
		return fenced(err)
	case errors.Is(err, pgtenant.ErrUnreplicated):
		return core.Unavailable(err, time.Second, "the event store's standby is away, and nothing is acknowledged without it; try again")
	case state == pgtenant.StateDiskFull:
		return core.StorageFull(err, "the event store's disk is full; nothing was stored")
	case errors.As(err, &connecting), errors.As(err, &network), errors.Is(err, context.DeadlineExceeded), broken(err), transient(state):
		return core.Unavailable(err, time.Second, "the event store cannot be reached and nothing was stored; try again")
	}
	return err
}

// broken reports whether the connection ended in the middle of an answer, for
// which pgx has no type of error.
func broken(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// transient reports whether a refusal is about the server's state and not about
// the statement, so that the same statement may succeed later. Such refusals are
// about connections (08), resources (53), locks (40, 55P03) or a shutdown (57P).
func transient(state string) bool {
	return state == stateLockTimeout || slices.ContainsFunc([]string{"08", "53", "40", "57P"}, func(class string) bool {
		return strings.HasPrefix(state, class)
	})
}
