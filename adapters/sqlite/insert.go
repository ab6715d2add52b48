package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/eventflow-go/eventflow/core"
)

// The statements of an append, prepared once.
const (
	begin      = `begin immediate`
	commit     = `commit`
	selectHead = `select number, next_offset, last_at, fenced from heads where stream = ?`
	insertHead = `insert into heads (stream, org) values (?, ?) returning number`
	updateHead = `update heads set next_offset = ?, last_at = ? where number = ?`

	// After a failure the whole transaction is rolled back. So a statement need not be able
	// to undo itself, which SQLite would copy pages for.
	insertEvents = `insert or fail into events (stream, "offset", id, type, version, occurred_at, received_at, source, subject,
		api_key, idempotency_key, context, payload) values `
	insertRow     = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertColumns = 13
)

// rowsPerInsert is how many events the statement many inserts. An execution
// costs about as much as a row, however many it inserts.
const rowsPerInsert = 32

// inserter is the writing connection and what is prepared on it. Whoever uses it
// holds [Storage]'s mu, from the BEGIN of a transaction to its end.
type inserter struct {
	conn *sql.Conn
	// statements are found by their text, and never change after newInserter.
	statements map[string]*sql.Stmt
	// one and many insert one event, and rowsPerInsert.
	one, many *sql.Stmt
	// args are the columns of the events that wait for their statement. The
	// buffer is used again by every append, and is empty between two of them.
	args []any
}

func newInserter(ctx context.Context, db *sql.DB) (*inserter, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	in := &inserter{conn: conn, statements: map[string]*sql.Stmt{}}
	for _, text := range []string{begin, commit, selectHead, insertHead, updateHead, selectKey, selectManyKeys, deleteKey, insertKey, insertManyKeys} {
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

// rollback ends the transaction, if one is still open: some errors make SQLite
// roll back by itself.
func (in *inserter) rollback(ctx context.Context) error {
	_, err := in.conn.ExecContext(ctx, `rollback`)
	if err != nil && strings.Contains(err.Error(), "no transaction is active") {
		return nil
	}
	return err
}

// close closes the statements before their connection: SQLite keeps the file, and
// its write-ahead log, open for a statement that is not finalized.
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

// rows gathers the events of one append into statements of many rows.
type rows struct{ in *inserter }

func (in *inserter) rows() *rows {
	in.args = in.args[:0]
	return &rows{in: in}
}

// add takes an event, and inserts those that wait once there are enough.
func (r *rows) add(ctx context.Context, stream int64, entry *core.Entry) error {
	var apiKey any
	if !entry.APIKeyID.IsZero() {
		apiKey = entry.APIKeyID[:]
	}
	r.in.args = append(r.in.args, stream, int64(entry.Offset), entry.ID[:], entry.Type, int64(entry.Version),
		entry.OccurredAt.UnixMicro(), entry.ReceivedAt.UnixMicro(), entry.Source, entry.Subject, apiKey, entry.IdempotencyKey,
		string(entry.Context), string(entry.Payload))
	if len(r.in.args) < rowsPerInsert*insertColumns {
		return nil
	}
	_, err := r.in.many.ExecContext(ctx, r.in.args...)
	r.empty()
	return err
}

// empty lets go of the events too, which the buffer would keep in memory.
func (r *rows) empty() {
	clear(r.in.args)
	r.in.args = r.in.args[:0]
}

// flush inserts the events that still wait, one by one.
func (r *rows) flush(ctx context.Context) error {
	defer r.empty()
	for args := r.in.args; len(args) > 0; args = args[insertColumns:] {
		if _, err := r.in.one.ExecContext(ctx, args[:insertColumns]...); err != nil {
			return err
		}
	}
	return nil
}
