package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// The statements of an append, prepared once.
const (
	begin      = `begin immediate`
	commit     = `commit`
	selectHead = `select number, next_offset, last_at from heads where stream = ?`
	insertHead = `insert into heads (stream, org) values (?, ?) returning number`
	updateHead = `update heads set next_offset = ?, last_at = ? where number = ?`
	selectKey  = `select "offset", id, received_at, fingerprint from event_keys where stream = ? and key = ?`
	upsertKey  = `insert or replace into event_keys (stream, key, "offset", id, received_at, fingerprint) values (?, ?, ?, ?, ?, ?)`

	insertEvents = `insert into events (stream, "offset", id, type, version, occurred_at, received_at, source, subject,
		api_key, idempotency_key, context, payload) values `
	insertRow     = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertColumns = 13
)

// rowsPerInsert is how many events one statement inserts: each statement costs
// about as much as a row.
const rowsPerInsert = 32

// inserter holds the writing connection and its prepared statements.
type inserter struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	one, many  *sql.Stmt
	args       []any
}

func newInserter(ctx context.Context, db *sql.DB) (*inserter, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	in := &inserter{conn: conn, statements: map[string]*sql.Stmt{}}
	for _, text := range []string{begin, commit, selectHead, insertHead, updateHead, selectKey, upsertKey} {
		statement, err := conn.PrepareContext(ctx, text) //nolint:sqlclosecheck // closed by close
		if err != nil {
			return in, err
		}
		in.statements[text] = statement
	}
	if in.one, err = conn.PrepareContext(ctx, insertEvents+insertRow); err != nil {
		return in, err
	}
	in.many, err = conn.PrepareContext(ctx, insertEvents+insertRow+strings.Repeat(","+insertRow, rowsPerInsert-1))
	return in, err
}

func (in *inserter) exec(ctx context.Context, text string, args ...any) error {
	_, err := in.statements[text].ExecContext(ctx, args...)
	return err
}

func (in *inserter) queryRow(ctx context.Context, text string, args ...any) *sql.Row {
	return in.statements[text].QueryRowContext(ctx, args...)
}

// rollback ends the open transaction, if there still is one.
func (in *inserter) rollback(ctx context.Context) error {
	_, err := in.conn.ExecContext(ctx, `rollback`)
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

// close finalizes the statements too: an open one would keep the file, and its
// write-ahead log, from being closed.
func (in *inserter) close() error {
	var errs []error
	for _, statement := range in.statements {
		errs = append(errs, statement.Close())
	}
	if in.one != nil {
		errs = append(errs, in.one.Close())
	}
	if in.many != nil {
		errs = append(errs, in.many.Close())
	}
	return errors.Join(append(errs, in.conn.Close())...)
}

// rows gathers events into statements of many rows.
type rows struct {
	in *inserter
	at time.Time
}

func (in *inserter) rows(at time.Time) *rows {
	in.args = in.args[:0]
	return &rows{in: in, at: at}
}

func (r *rows) add(ctx context.Context, stream int64, entry *core.Entry) error {
	var apiKey any
	if !entry.APIKeyID.IsZero() {
		apiKey = entry.APIKeyID[:]
	}
	r.in.args = append(r.in.args, stream, int64(entry.Offset), entry.ID[:], entry.Type, int64(entry.Version),
		entry.OccurredAt.UnixMicro(), r.at.UnixMicro(), entry.Source, entry.Subject, apiKey, entry.IdempotencyKey,
		string(entry.Context), string(entry.Payload))
	if len(r.in.args) < rowsPerInsert*insertColumns {
		return nil
	}
	_, err := r.in.many.ExecContext(ctx, r.in.args...)
	clear(r.in.args)
	r.in.args = r.in.args[:0]
	return err
}

// flush inserts what is left.
func (r *rows) flush(ctx context.Context) error {
	var errs []error
	for args := r.in.args; len(args) > 0 && len(errs) == 0; args = args[insertColumns:] {
		if _, err := r.in.one.ExecContext(ctx, args[:insertColumns]...); err != nil {
			errs = append(errs, err)
		}
	}
	clear(r.in.args)
	r.in.args = r.in.args[:0]
	return errors.Join(errs...)
}
