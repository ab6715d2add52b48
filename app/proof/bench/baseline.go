package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "modernc.org/sqlite" // the engine that prepared inserts are measured on
)

// The baselines are what a careful program without EventFlow would do: the
// same rows, by the databases' own fastest ways, into tables with the same
// indexes.

// makeSchema gives a server a schema of its own, dropping an earlier run's.
func makeSchema(ctx context.Context, store string) error {
	u, err := url.Parse(store)
	if err != nil {
		return err
	}
	schema := u.Query().Get("search_path")
	conn, err := pgx.Connect(ctx, store)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's result counts
	name := pgx.Identifier{schema}.Sanitize()
	_, err = conn.Exec(ctx, "drop schema if exists "+name+" cascade; create schema "+name)
	return err
}

// dropSchema removes it again.
func dropSchema(ctx context.Context, store string) error {
	u, err := url.Parse(store)
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, store)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the statement's result counts
	_, err = conn.Exec(ctx, "drop schema if exists "+pgx.Identifier{u.Query().Get("search_path")}.Sanitize()+" cascade")
	return err
}

// copier COPYs batches of rows by pgx.
type copier struct {
	conn *pgx.Conn
	next int64
}

const copyTable = `create table plain (like events including defaults);
	create unique index on plain (stream, "offset");
	create index on plain (org, received_at)`

func newCopier(ctx context.Context, store string) (*copier, error) {
	conn, err := pgx.Connect(ctx, store)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, copyTable)
	return &copier{conn: conn}, err
}

func (c *copier) close() { _ = c.conn.Close(context.Background()) } // the rows are counted already

var copyColumns = []string{
	"stream", "day", "offset", "org", "id", "type", "version", "occurred_at", "received_at",
	"source", "subject", "api_key", "idempotency_key", "context", "payload",
}

func (c *copier) copy(ctx context.Context) error {
	now := time.Now()
	rows := pgx.CopyFromSlice(batchEvents, func(int) ([]any, error) {
		c.next++
		id := [16]byte{1, 2, 3, 4, byte(c.next >> 24), byte(c.next >> 16), byte(c.next >> 8), byte(c.next)}
		return []any{
			[16]byte{1},
			int32(1), c.next,
			[16]byte{2},
			id, "order.paid", int32(1), now, now,
			"bench", "cus_45c48cce2e2d7fbd",
			[16]byte{3},
			"", nil, payload,
		}, nil
	})
	_, err := c.conn.CopyFrom(ctx, pgx.Identifier{"plain"}, copyColumns, rows)
	return err
}

// inserter inserts batches of rows by a prepared statement into SQLite.
type inserter struct {
	db        *sql.DB
	statement *sql.Stmt
	next      int64
}

const insertTable = `create table plain (seq integer primary key, stream integer not null, "offset" integer not null, id blob not null,
		type text not null, version integer not null, occurred_at integer not null, received_at integer not null, source text not null,
		subject text not null, api_key blob, idempotency_key text not null, context text not null, payload text not null) strict;
	create unique index plain_offset on plain (stream, "offset");
	create index plain_received_at on plain (received_at)`

func newInserter(ctx context.Context, folder string) (*inserter, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "plain.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, insertTable); err != nil {
		return nil, err
	}
	statement, err := db.PrepareContext(ctx, `insert into plain (stream, "offset", id, type, version, occurred_at, received_at, source,
		subject, api_key, idempotency_key, context, payload) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	return &inserter{db: db, statement: statement}, err
}

func (in *inserter) close() { _ = in.db.Close() } // the rows are counted already

func (in *inserter) insert(ctx context.Context) error {
	tx, err := in.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after Commit there is nothing to roll back
	statement := tx.StmtContext(ctx, in.statement)
	now := time.Now().UnixMicro()
	for range batchEvents {
		in.next++
		id := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, byte(in.next >> 24), byte(in.next >> 16), byte(in.next >> 8), byte(in.next)}
		if _, err := statement.ExecContext(ctx, 1, in.next, id, "order.paid", 1, now, now, "bench", "cus_45c48cce2e2d7fbd", id, "", "", payload); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// selecter SELECTs the page that the HTTP load asks for, with its columns.
type selecter struct {
	pool   *pgxpool.Pool
	from   int64
	stream [16]byte
	table  string
}

func newSelecter(ctx context.Context, store string, from int64) (*selecter, error) {
	pool, err := pgxpool.New(ctx, store)
	if err != nil {
		return nil, err
	}
	s := &selecter{pool: pool, from: from}
	err = pool.QueryRow(ctx, `select tableoid::regclass::text, stream from events where type = 'order.paid' limit 1`).Scan(&s.table, &s.stream)
	return s, err
}

func (s *selecter) close() { s.pool.Close() }

// rate selects the page again and again on as many connections as the HTTP
// load uses.
func (s *selecter) rate(ctx context.Context, slice time.Duration, connections int) (float64, error) {
	started := time.Now()
	counts, failures := make([]int, connections), make([]error, connections)
	done := make(chan struct{})
	for i := range connections {
		go func() {
			defer func() { done <- struct{}{} }()
			for time.Since(started) < slice && failures[i] == nil {
				var n int
				n, failures[i] = s.page(ctx)
				counts[i] += n
			}
		}()
	}
	total := 0
	for range connections {
		<-done
	}
	for _, n := range counts {
		total += n
	}
	rate := float64(total) / time.Since(started).Seconds()
	note("%-28s %9.0f/s", "plain SELECT", rate)
	return rate, errors.Join(failures...)
}

// row is a row as a program would want it.
type row struct {
	offset                int64
	id                    [16]byte
	eventType             string
	version               int32
	occurredAt            time.Time
	receivedAt            time.Time
	source, subject       string
	apiKey                *[16]byte
	idempotencyKey        string
	context, payloadBytes []byte
}

func (s *selecter) page(ctx context.Context) (int, error) {
	rows, err := s.pool.Query(ctx, `select "offset", id, type, version, occurred_at, received_at, source, subject, api_key, idempotency_key, context, payload
		from `+s.table+` where stream = $1 and "offset" >= $2 order by "offset" limit $3`, s.stream, s.from, batchEvents)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	page := make([]row, 0, batchEvents)
	for rows.Next() {
		var r row
		err := rows.Scan(&r.offset, &r.id, &r.eventType, &r.version, &r.occurredAt, &r.receivedAt, &r.source, &r.subject,
			&r.apiKey, &r.idempotencyKey, &r.context, &r.payloadBytes)
		if err != nil {
			return 0, err
		}
		page = append(page, r)
	}
	if len(page) != batchEvents && rows.Err() == nil {
		return 0, fmt.Errorf("a page of %d rows", len(page))
	}
	return len(page), rows.Err()
}
