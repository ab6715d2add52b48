package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"gorm.io/gorm"
)

// Table is a table of the catalog, as it is copied.
type Table struct {
	Name string
	// Order is what both engines list the rows by, alike. `bytes` stands for what each
	// calls the order of texts by their bytes.
	Order string
	// Passing says that the rows let somebody in for a time: they are no part of a
	// backup, which would let in again who was shut out since.
	Passing bool
	// Bound says that the rows are about objects that this installation alone keeps in an
	// archive. They are no part of a copy or a backup, which hold the events themselves.
	Bound bool
}

// Tables are all tables of the catalog. Each comes behind those that it refers to.
func Tables() []Table {
	return []Table{
		{Name: "organizations", Order: "id collate bytes"},
		{Name: "users", Order: "id collate bytes"},
		{Name: "sessions", Order: "id collate bytes", Passing: true},
		{Name: "tickets", Order: "id collate bytes", Passing: true},
		{Name: "streams", Order: "id collate bytes"},
		{Name: "api_keys", Order: "id collate bytes"},
		{Name: "consumer_groups", Order: "id collate bytes"},
		{Name: "group_progress", Order: "group_id collate bytes"},
		{Name: "delivery_attempts", Order: "group_id collate bytes, from_offset, to_offset, number, at, outcome collate bytes, reason collate bytes"},
		{Name: "processors", Order: "id collate bytes"},
		{Name: "deliveries", Order: "id collate bytes"},
		{Name: "delivery_counts", Order: "processor collate bytes, hour"},
		{Name: "dead_letters", Order: "id collate bytes"},
		{Name: "schema_versions", Order: "id collate bytes"},
		{Name: "quarantine", Order: "id collate bytes"},
		{Name: "replays", Order: "id collate bytes"},
		{Name: "sources", Order: "id collate bytes"},
		{Name: "source_refusals", Order: "id collate bytes"},
		{Name: "archive_segments", Order: "stream collate bytes, first_offset", Bound: true},
		{Name: "feed_notes", Order: "source collate bytes, node collate bytes"},
	}
}

// Row is a row of a table by its columns. Both engines keep texts, whole numbers,
// bytes and nothing: string, int64, []byte and nil.
type Row map[string]any

// blob is bytes in JSON, which has texts only, and only such as are valid.
type blob struct {
	Bytes []byte `json:"bytes,omitempty"`
	Text  []byte `json:"text,omitempty"`
}

// MarshalJSON writes the columns in the order of their names: equal rows are equal
// bytes.
func (r Row) MarshalJSON() ([]byte, error) {
	columns := make(map[string]any, len(r))
	for name, value := range r {
		switch raw := value.(type) {
		case []byte:
			value = blob{Bytes: raw}
		case string:
			if !utf8.ValidString(raw) {
				value = blob{Text: []byte(raw)}
			}
		}
		columns[name] = value
	}
	return json.Marshal(columns)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Row) UnmarshalJSON(text []byte) error {
	var columns map[string]json.RawMessage
	if err := json.Unmarshal(text, &columns); err != nil {
		return err
	}
	*r = make(Row, len(columns))
	for name, raw := range columns {
		value, err := valueOf(raw)
		if err != nil {
			return fmt.Errorf("the column %s: %w", name, err)
		}
		(*r)[name] = value
	}
	return nil
}

func valueOf(raw json.RawMessage) (any, error) {
	switch raw[0] {
	case 'n':
		return nil, nil //nolint:nilnil // it is SQL's null
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	case '{':
		var kept blob
		err := json.Unmarshal(raw, &kept)
		if kept.Text != nil {
			return string(kept.Text), err
		}
		return append([]byte{}, kept.Bytes...), err
	}
	var number int64
	err := json.Unmarshal(raw, &number)
	return number, err
}

// Snapshot shows the catalog as it was at one moment.
type Snapshot struct {
	conn *sql.Conn
	// bytes is the engine's name for the order of texts by their bytes.
	bytes string
}

// Snapshot runs do with the catalog as it is now, whatever is changed meanwhile.
func (c *Catalog) Snapshot(ctx context.Context, do func(*Snapshot) error) (err error) {
	db, err := c.db.DB()
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	s := &Snapshot{conn: conn, bytes: `binary`}
	// Both begin with the first look. A SQLite transaction of the driver would take the
	// writer's lock.
	statements := []string{`begin`}
	if c.writing == nil {
		s.bytes = `"C"`
		statements = []string{`begin read only isolation level repeatable read`, `set local idle_in_transaction_session_timeout = 0`}
	}
	for _, statement := range append(statements, `select 1 from organizations limit 1`) {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	defer func() {
		_, ended := conn.ExecContext(context.WithoutCancel(ctx), `rollback`)
		err = errors.Join(err, ended)
	}()
	return do(s)
}

// Rows calls each for every row of a table, in its order. It keeps one at a time.
func (s *Snapshot) Rows(ctx context.Context, table Table, each func(Row) error) error {
	order := strings.ReplaceAll(table.Order, "bytes", s.bytes)
	rows, err := s.conn.QueryContext(ctx, `select * from `+table.Name+` order by `+order) //nolint:gosec // constants of Tables
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		row := make(Row, len(columns))
		for i, column := range columns {
			row[column] = values[i]
		}
		if err := each(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Replacement is all that a catalog is to hold.
type Replacement struct {
	tx *gorm.DB
	// columns are those that the tables have.
	columns map[string][]string
}

// Replace empties the catalog, and has do fill it again, in one transaction: nobody
// sees any of it before all of it is there. Nobody may use the catalog meanwhile.
func (c *Catalog) Replace(ctx context.Context, do func(*Replacement) error) error {
	return c.write(ctx, func(tx *gorm.DB) error {
		if err := c.empty(tx); err != nil {
			return err
		}
		r := &Replacement{tx: tx, columns: map[string][]string{}}
		for _, table := range Tables() {
			var err error
			if r.columns[table.Name], err = columnsOf(tx, table.Name); err != nil {
				return err
			}
		}
		return do(r)
	})
}

// empty removes all rows, and lets the transaction wait for more than it usually may.
func (c *Catalog) empty(tx *gorm.DB) error {
	var statements, names, held []string
	for _, table := range slices.Backward(Tables()) {
		statements, names = append(statements, `delete from `+table.Name), append(names, table.Name)
		held = append(held, `exists (select 1 from `+table.Name+`)`)
	}
	if c.writing == nil {
		if err := tx.Exec(`set local idle_in_transaction_session_timeout = 0`).Error; err != nil {
			return err
		}
		// To delete a row is to look for references to it, among those that were just
		// deleted, too.
		statements = []string{`truncate ` + strings.Join(names, ", ")}
	}
	var filled bool
	if err := tx.Raw(`select ` + strings.Join(held, ` or `)).Scan(&filled).Error; err != nil || !filled {
		return err // new files, which a truncate makes, take long to flush
	}
	for _, statement := range statements {
		if err := tx.Exec(statement).Error; err != nil {
			return err
		}
	}
	return nil
}

// columnsOf names the columns of a table.
func columnsOf(tx *gorm.DB, table string) (columns []string, err error) {
	rows, err := tx.Table(table).Limit(0).Rows()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Err(), rows.Close()) }()
	return rows.Columns()
}

// Add adds rows to a table, all of which have the same columns. A column of the table
// that they lack gets its default: they are of an earlier version. One that they have and
// the table lacks is an error.
func (r *Replacement) Add(table string, rows ...Row) error {
	if len(rows) == 0 {
		return nil
	}
	columns, known := r.columns[table]
	if !known {
		return fmt.Errorf("this version has no table %s: run a newer eventflow", table)
	}
	for column := range rows[0] {
		if !slices.Contains(columns, column) {
			return fmt.Errorf("this version's table %s has no column %s: run a newer eventflow", table, column)
		}
	}
	// A statement has at most so many parameters on either engine.
	const parameters = 30_000
	for part := range slices.Chunk(rows, max(1, min(rowsPerStatement, parameters/len(rows[0])))) {
		values := make([]map[string]any, len(part))
		for i, row := range part {
			values[i] = row
		}
		if err := r.tx.Table(table).Create(values).Error; err != nil {
			return fmt.Errorf("adding to the table %s: %w", table, err)
		}
	}
	return nil
}
