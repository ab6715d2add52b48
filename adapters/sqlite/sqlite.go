// Package sqlite keeps the log in one SQLite file, by the pure Go engine: the
// store that needs no server. The file is in WAL mode with synchronous=FULL,
// so that what Append acknowledged has been flushed to disk.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// FileName is the name of the log's file in the data folder.
const FileName = "events.db"

// busyTimeout is how long a call waits for another process that writes.
const busyTimeout = 10 * time.Second

// Storage is the log in one file. It implements [core.Storage].
type Storage struct {
	writer  *sql.DB // one connection
	readers *sql.DB
	begins  *sql.Stmt // of the readers

	mu      sync.Mutex // serializes appends of this process
	inserts *inserter
}

// Open opens the log in the data folder that u names, `sqlite:FOLDER` or
// `sqlite:///absolute/folder`, and makes both when they are not there.
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	folder, err := Folder(u)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, FileName)
	if err := checkSize(path); err != nil {
		return nil, err
	}
	s := &Storage{}
	if s.writer, err = open(path, "&_txlock=immediate", 1); err != nil {
		return nil, err
	}
	if s.readers, err = open(path, "&_pragma=query_only(1)", max(4, runtime.NumCPU())); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if err := s.prepare(ctx); err != nil {
		if failed, ok := errors.AsType[*driver.Error](err); ok && failed.Code() == lib.SQLITE_NOTADB {
			err = foreign(path)
		}
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Folder is the data folder that a URL names; it is made, for its owner only,
// when it is not there.
func Folder(u *url.URL) (string, error) {
	for name := range u.Query() {
		return "", fmt.Errorf("the URL of a SQLite store has no parameter %q", name)
	}
	if u.Fragment != "" {
		return "", fmt.Errorf("the URL of a SQLite store ends before %q: write # as %%23", "#"+u.Fragment)
	}
	folder, err := url.PathUnescape(u.Opaque)
	if err != nil {
		return "", fmt.Errorf("the folder in the URL: %w", err)
	}
	if folder == "" {
		folder = u.Host + u.Path // not escaped any more
	}
	if folder == "" {
		return "", errors.New("the URL of a SQLite store names a folder, like sqlite:./eventflow_data")
	}
	return folder, os.MkdirAll(folder, 0o700)
}

// checkSize refuses a file too short to be a database: SQLite takes it for an
// empty one and writes over it. It does not look inside: to close a file gives
// up the locks that the process has on it elsewhere.
func checkSize(path string) error {
	const smallest = 512 // a page
	if info, err := os.Stat(path); err == nil && info.Size() > 0 && info.Size() < smallest {
		return foreign(path)
	}
	return nil
}

func foreign(path string) error { return fmt.Errorf("%s is not a SQLite database", path) }

func open(path, options string, connections int) (*sql.DB, error) {
	pragmas := fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=journal_mode(wal)&_pragma=synchronous(full)"+
		"&_pragma=cache_size(-16384)&_pragma=temp_store(memory)", busyTimeout.Milliseconds())
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+pragmas+options)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

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

// Check implements [core.Storage].
func (s *Storage) Check(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var journal string
	var synchronous int
	if err := s.inserts.conn.QueryRowContext(ctx, `select * from pragma_journal_mode, pragma_synchronous`).Scan(&journal, &synchronous); err != nil {
		return storeError(err)
	}
	const full = 2
	if journal != "wal" || synchronous < full {
		return fmt.Errorf("journal_mode=%s, synchronous=%d: %w", journal, synchronous, core.ErrRelaxedDurability)
	}
	return nil
}

// Close implements [core.Storage].
func (s *Storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.inserts != nil {
		errs = append(errs, s.inserts.close())
	}
	if s.begins != nil {
		errs = append(errs, s.begins.Close())
	}
	return errors.Join(append(errs, s.readers.Close(), s.writer.Close())...)
}

// storeError turns SQLite's refusals into errors that clients may read.
func storeError(err error) error {
	var failed *driver.Error
	if !errors.As(err, &failed) {
		return err
	}
	switch code := failed.Code() & 0xff; code {
	case lib.SQLITE_FULL:
		return core.Errorf(core.CodeStorageFull, "the disk of the event store is full; nothing was stored")
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return core.Unavailable(err, time.Second, "the event store is busy with another process; nothing was stored, try again")
	case lib.SQLITE_IOERR:
		if full := failed.Code(); full == lib.SQLITE_IOERR_WRITE || full == lib.SQLITE_IOERR_SHMSIZE { // a quota, a limit
			return core.Errorf(core.CodeStorageFull, "the disk of the event store is full; nothing was stored")
		}
	}
	return err
}
