package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3/database"
)

// Migration is one file of a set.
type Migration struct {
	Version int64
	// Name is what the file is called behind its number. A migration of a newer
	// program has none that this one knows.
	Name string
	// AppliedAt is zero for a migration that is still to be applied.
	AppliedAt time.Time
}

// Status is how far the tables of a set are in one database.
type Status struct {
	// At is the version of the tables, 0 where there are none. Known is the newest
	// version of this program.
	At, Known int64
	// Migrations are all of this program, and those of newer ones that were applied, by
	// version.
	Migrations []Migration
	// Holder says who holds the migration lock, as far as the database tells. It is
	// empty when nobody does.
	Holder string
}

// Pending returns the migrations that are still to be applied.
func (s Status) Pending() (all []Migration) {
	for _, one := range s.Migrations {
		if one.AppliedAt.IsZero() {
			all = append(all, one)
		}
	}
	return all
}

// Known returns the newest version of the set.
func (set Set) Known() int64 {
	all := set.all()
	return all[len(all)-1].Version
}

// VersionQuery returns a query for the version of the set's tables. The tables must
// be there.
func (set Set) VersionQuery() string {
	return `select coalesce(max(version_id), 0) from ` + set.table + ` where is_applied`
}

// all lists the files of a set, which are part of the program.
func (set Set) all() (all []Migration) {
	entries, err := fs.ReadDir(files, set.folder)
	if err != nil {
		panic(err) // a set without a folder
	}
	for _, entry := range entries {
		number, name, _ := strings.Cut(strings.TrimSuffix(entry.Name(), path.Ext(entry.Name())), "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			panic(err) // a file without a number
		}
		all = append(all, Migration{Version: version, Name: name})
	}
	return all
}

// Look tells how far the tables of a set are. It changes nothing, and takes no lock
// for longer than it takes to see whether somebody else has it.
func Look(ctx context.Context, db *sql.DB, set Set) (status Status, err error) {
	applied, err := set.applied(ctx, db)
	if err != nil {
		return status, fmt.Errorf("reading the schema's version: %w", err)
	}
	status.Migrations = set.all()
	status.Known = set.Known()
	for i := range status.Migrations {
		one := &status.Migrations[i]
		one.AppliedAt = applied[one.Version]
		delete(applied, one.Version)
		if !one.AppliedAt.IsZero() {
			status.At = one.Version
		}
	}
	for _, version := range slices.Sorted(maps.Keys(applied)) { // what is left is a newer program's
		status.Migrations = append(status.Migrations, Migration{Version: version, AppliedAt: applied[version]})
		status.At = max(status.At, version)
	}
	status.Holder, err = set.holder(ctx, db)
	return status, err
}

// applied returns when each version was applied. Version 0 is goose's own.
func (set Set) applied(ctx context.Context, db *sql.DB) (map[int64]time.Time, error) {
	there, at := `select count(*) from sqlite_master where name = '`+set.table+`'`, `cast(strftime('%s', tstamp) as integer)`
	if set.dialect == database.DialectPostgres {
		there, at = `select count(to_regclass('`+set.table+`'))`, `extract(epoch from tstamp at time zone current_setting('TimeZone'))::bigint`
	}
	applied := map[int64]time.Time{}
	var tables int
	if err := db.QueryRowContext(ctx, there).Scan(&tables); err != nil || tables == 0 {
		return applied, err
	}
	query := `select version_id, ` + at + ` from ` + set.table + ` where is_applied and version_id > 0` //nolint:gosec // all parts are constants
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says what went wrong
	for rows.Next() {
		var version, seconds int64
		if err := rows.Scan(&version, &seconds); err != nil {
			return nil, err
		}
		applied[version] = time.Unix(seconds, 0).UTC()
	}
	return applied, rows.Err()
}

// holder says who migrates at the moment.
func (set Set) holder(ctx context.Context, db *sql.DB) (string, error) {
	if set.dialect == database.DialectPostgres {
		return holderPostgres(ctx, db, set)
	}
	return holderSQLite(ctx, db)
}

// holderPostgres finds the session that has the advisory lock.
func holderPostgres(ctx context.Context, db *sql.DB, set Set) (string, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return "", err
	}
	key, err := lockKey(ctx, conn, set)
	if err != nil {
		return "", closing(conn, err)
	}
	var pid int64
	var name, address string
	var seconds float64
	err = conn.QueryRowContext(ctx, `select a.pid, a.application_name, coalesce(host(a.client_addr), 'this machine'),
			coalesce(extract(epoch from now() - a.xact_start), 0)::float8
		from pg_locks l join pg_stat_activity a on a.pid = l.pid
		where l.locktype = 'advisory' and l.objsubid = 1 and l.granted and (l.classid::bigint << 32) | l.objid::bigint = $1
			and l.database = (select oid from pg_database where datname = current_database())`, key).Scan(&pid, &name, &address, &seconds)
	if err = closing(conn, err); errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	held := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	return fmt.Sprintf("the session %d of PostgreSQL (%q, from %s), for %s", pid, name, address, held), nil
}

// holderSQLite tries the lock, because SQLite does not tell who has it.
func holderSQLite(ctx context.Context, db *sql.DB) (string, error) {
	var file string
	if err := db.QueryRowContext(ctx, `select file from pragma_database_list where name = 'main'`).Scan(&file); err != nil {
		return "", err
	}
	if _, err := os.Stat(file + ".migrating"); file == "" || err != nil {
		return "", nil //nolint:nilerr // nobody has migrated yet
	}
	beside := url.URL{Path: file + ".migrating"}
	locks, err := sql.Open("sqlite", "file:"+beside.EscapedPath()+"?mode=rw&_pragma=busy_timeout(0)")
	if err != nil {
		return "", err
	}
	locks.SetMaxOpenConns(1)
	_, err = locks.ExecContext(ctx, `begin exclusive`)
	_ = locks.Close() // and with it the lock
	if lockedOut(err) {
		return "another process (SQLite does not tell which)", nil
	}
	return "", nil // or it cannot be told: on a full disk there are no locks
}

// lockedOut reports whether an error of SQLite says that somebody else has the lock.
func lockedOut(err error) bool {
	const busy, locked = 5, 6 // SQLITE_BUSY and SQLITE_LOCKED, in the lowest byte of a code
	coded, ok := errors.AsType[interface {
		error
		Code() int
	}](err)
	return ok && (coded.Code()&0xff == busy || coded.Code()&0xff == locked)
}

// Nothing is the status where there is no database yet.
func Nothing(set Set) Status { return Status{Known: set.Known(), Migrations: set.all()} }
