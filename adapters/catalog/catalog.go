// Package catalog keeps what people configure, and what changes with it, by GORM
// in SQLite or PostgreSQL: organizations, streams, credentials, people and their
// sessions, consumer groups and their progress, dead letters and replays.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/eventflow-go/eventflow/core"
)

// Catalog implements [core.Catalog].
type Catalog struct {
	db    *gorm.DB
	close func() error
	// writing is held by the one goroutine of this process that writes to
	// SQLite, from before its statement or transaction begins until it has ended.
	// SQLite lets one write at a time anyway, but makes the others wait by asking
	// again and again, in no order. It is nil on PostgreSQL, whose writers wait
	// for each other's rows only.
	writing *sync.Mutex
}

// serialize waits for its turn to write, and returns what ends the turn. It must
// not be called within a turn, nor within write, which is one.
func (c *Catalog) serialize() (done func()) {
	if c.writing == nil {
		return func() {}
	}
	c.writing.Lock()
	return c.writing.Unlock
}

// write runs a transaction, in a turn of its own.
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

// open hands a database, whose tables are up to date, to GORM. If it fails it
// closes everything.
func open(dialector gorm.Dialector, closeAll func() error) (*Catalog, error) {
	opened, err := gorm.Open(dialector, &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
	})
	if err != nil {
		return nil, errors.Join(err, closeAll())
	}
	return &Catalog{db: opened, close: closeAll}, nil
}

// Check implements [core.Catalog].
func (c *Catalog) Check(ctx context.Context) error {
	return c.db.WithContext(ctx).Exec(`select 1`).Error
}

// Close implements [core.Catalog].
func (c *Catalog) Close() error { return c.close() }
