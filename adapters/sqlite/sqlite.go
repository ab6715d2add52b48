// Package sqlite keeps the log in one SQLite file, by the pure Go engine: the
// store that needs no server. README.md follows an event through it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// FileName is the name of the log's file in the data folder.
const FileName = "events.db"

// Storage is the log in one file. It implements [core.Storage].
type Storage struct {
	// writer has one connection, which inserts has taken for good: all writing
	// of this process goes through it, so that appends never wait for each other
	// inside SQLite, where who waits asks again and again.
	writer *sql.DB
	// readers have connections that SQLite lets write nothing. They read what
	// was committed when their statement began, also while an append goes on.
	readers *sql.DB
	// begins is selectBegins, prepared on readers.
	begins *sql.Stmt

	// turn is taken for a whole transaction on the writing connection: between its
	// BEGIN and its COMMIT or ROLLBACK no other goroutine may use inserts.
	turn    sqlitefile.Turn
	inserts *inserter
	// trying is since when transactions have tried to begin, or wait for their disk, in
	// nanoseconds of Unix time: that of the oldest since one was last let be. It is 0 when
	// none tries. Who has the turn changes it.
	trying atomic.Int64

	// appends counts the appends that have begun. Trim gives way when there are any.
	appends atomic.Int64

	// tracer is told of the statements of appends. It may be nil.
	tracer sqlitefile.Tracer

	// path is that of the file.
	path string
	// full is set while the newest transaction was refused because the disk is
	// full.
	full atomic.Bool
}

// Open opens the log in the data folder that u names, as [sqlitefile.Folder]
// reads it, and makes both when they are not there.
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	folder, err := sqlitefile.Folder(u)
	if err != nil {
		return nil, fmt.Errorf("the store's URL %w", err)
	}
	path := filepath.Join(folder, FileName)
	var s *Storage
	err = sqlitefile.Begin(path, func() (err error) {
		s, err = openFile(ctx, path)
		return err
	})
	if err != nil {
		return nil, sqlitefile.Named(path, err)
	}
	return s, nil
}

func openFile(ctx context.Context, path string) (s *Storage, err error) {
	s = &Storage{path: path, turn: sqlitefile.NewTurn(), tracer: sqlitefile.TracerOf(ctx)}
	if s.writer, err = open(path, 1, "_txlock=immediate"); err != nil {
		return nil, err
	}
	if s.readers, err = open(path, max(4, runtime.NumCPU()), "_pragma=query_only(1)"); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// open prepares as many connections, each of which keeps 16 MiB of pages and
// sorts in memory.
func open(path string, connections int, option string) (*sql.DB, error) {
	db, err := sqlitefile.Open(path, "_pragma=cache_size(-16384)", "_pragma=temp_store(memory)", option)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// prepare brings the schema up to date, takes the writing connection and prepares
// the statements.
func (s *Storage) prepare(ctx context.Context) error {
	if err := migrations.Up(ctx, s.writer, migrations.EventsSQLite); err != nil {
		return err
	}
	inserts, err := newInserter(ctx, s.writer)
	s.inserts = inserts
	if err == nil {
		s.begins, err = s.readers.PrepareContext(ctx, selectBegins)
	}
	return err
}

// Pool implements [core.Pooled] with the connections that read. The one that writes is
// always taken.
func (s *Storage) Pool() core.PoolLoad { return sqlitefile.Pool(s.readers) }

// Disk implements [core.Housed].
func (s *Storage) Disk() (core.DiskLoad, error) { return sqlitefile.Disk(s.path) }

// Close implements [core.Storage].
func (s *Storage) Close() error {
	_ = s.turn.Take(context.Background()) // it has no end
	defer s.turn.Leave()
	var errs []error
	if s.inserts != nil {
		errs = append(errs, s.inserts.close())
	}
	if s.begins != nil {
		errs = append(errs, s.begins.Close())
	}
	err := errors.Join(append(errs, s.readers.Close(), s.writer.Close())...)
	if s.begins != nil { // it was open: what a start has taken from the reserve is free again
		sqlitefile.Reserve(s.path)
	}
	return err
}

// storeError turns SQLite's refusals into errors that clients may read.
func storeError(err error) error {
	switch {
	case sqlitefile.Full(err):
		return core.StorageFull(err, "the event store's disk is full; nothing was stored")
	case sqlitefile.Busy(err):
		return core.Unavailable(err, time.Second, "another process keeps the event store busy and nothing was stored; try again")
	}
	return err
}
