// Package catalog keeps what people configure — organizations, streams,
// credentials — by GORM, in SQLite or PostgreSQL.
package catalog

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// FileName is the name of the catalog's file in a SQLite data folder.
const FileName = "catalog.db"

// Catalog implements [core.Catalog].
type Catalog struct {
	db    *gorm.DB
	close func() error
	// writing is held by whoever writes to SQLite, which would otherwise make
	// writers wait by asking again and again. It is nil on PostgreSQL.
	writing *sync.Mutex
}

// serialize waits for the writers before, and returns what lets the next one go.
func (c *Catalog) serialize() (done func()) {
	if c.writing == nil {
		return func() {}
	}
	c.writing.Lock()
	return c.writing.Unlock
}

// write runs a transaction.
func (c *Catalog) write(ctx context.Context, do func(*gorm.DB) error) error {
	defer c.serialize()()
	return c.db.WithContext(ctx).Transaction(do)
}

// Open opens the catalog that u names and brings its tables up to date:
// `sqlite:FOLDER`, or a PostgreSQL URL whose search_path names a schema that
// exists.
func Open(ctx context.Context, u *url.URL) (core.Catalog, error) {
	switch u.Scheme {
	case "sqlite":
		return openSQLite(ctx, u)
	case "postgres", "postgresql":
		return openPostgres(ctx, u)
	}
	return nil, fmt.Errorf("a catalog can be kept in sqlite or postgres, not in %q", u.Scheme)
}

func openSQLite(ctx context.Context, u *url.URL) (core.Catalog, error) {
	folder := u.Opaque
	if folder == "" {
		folder = u.Host + u.Path
	}
	folder, err := url.PathUnescape(folder)
	if err != nil || folder == "" {
		return nil, errors.New("the URL of a SQLite catalog names a folder, like sqlite:./eventflow_data")
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	path := (&url.URL{Path: filepath.Join(folder, FileName)}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return nil, err
	}
	return open(ctx, db, migrations.CatalogSQLite, sqlite.Dialector{Conn: db}, db.Close)
}

func openPostgres(ctx context.Context, u *url.URL) (core.Catalog, error) {
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, fmt.Errorf("the catalog's URL: %w", err)
	}
	config.ConnConfig.RuntimeParams["application_name"] = "eventflow catalog"
	wall := pgtenant.Guard(config, "eventflow_admit_to_catalog")
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	db := stdlib.OpenDBFromPool(pool)
	c, err := open(ctx, db, migrations.CatalogPostgres, postgres.New(postgres.Config{Conn: db}), func() error {
		err := db.Close()
		pool.Close()
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := wall.Prepare(ctx, pool); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func open(ctx context.Context, db *sql.DB, set migrations.Set, dialector gorm.Dialector, closeAll func() error) (core.Catalog, error) {
	if err := migrations.Up(ctx, db, set); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	opened, err := gorm.Open(dialector, &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
	})
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	c := &Catalog{db: opened, close: closeAll}
	if set == migrations.CatalogSQLite {
		c.writing = &sync.Mutex{}
	}
	return c, nil
}

// Check implements [core.Catalog].
func (c *Catalog) Check(ctx context.Context) error {
	return c.db.WithContext(ctx).Exec(`select 1`).Error
}

// Close implements [core.Catalog].
func (c *Catalog) Close() error { return c.close() }

// taken reports whether err is a violated unique index. GORM's translation
// knows neither of the drivers.
func taken(err error) bool {
	var pg *pgconn.PgError
	var lite *driver.Error
	switch {
	case errors.As(err, &pg):
		return pg.Code == "23505"
	case errors.As(err, &lite):
		return lite.Code() == lib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == lib.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// found turns GORM's answer to a missing row into the contract's.
func found(err error, what string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return core.Errorf(core.CodeNotFound, "there is no such %s", what)
	}
	return err
}

// Times are kept as microseconds since 1970, alike in both databases.

func micros(t time.Time) int64 { return t.UnixMicro() }

func fromMicros(t int64) time.Time { return time.UnixMicro(t).UTC() }

func optionalMicros(t *time.Time) *int64 {
	if t == nil {
		return nil
	}
	at := micros(*t)
	return &at
}

func fromOptionalMicros(t *int64) *time.Time {
	if t == nil {
		return nil
	}
	at := fromMicros(*t)
	return &at
}

// texts are ids as they are kept.
func texts(ids []core.ID) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = id.String()
	}
	return all
}

// parseID reads an id that this package wrote.
func parseID(text string) (core.ID, error) {
	id, err := core.ParseID(text)
	if err != nil {
		return id, fmt.Errorf("the catalog holds a damaged id %q: %w", text, err)
	}
	return id, nil
}
