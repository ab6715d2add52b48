// Package catalog keeps what people configure, and what changes with it, by GORM
// in SQLite or PostgreSQL: organizations, streams, credentials, people and their
// sessions, consumer groups and their progress, processors, dead letters and replays.
package catalog

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
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
	writing sqlitefile.Turn
	// durable checks the settings that could lose what was acknowledged. It is nil
	// on SQLite, where every connection sets them itself.
	durable func(context.Context) error
	// clock tells the engine's time. It is nil on SQLite, whose users are all on this
	// machine.
	clock func(context.Context) (time.Time, error)
	// pool says how much of the pool of connections is in use.
	pool func() core.PoolLoad
	// disk says how full the disk is that the catalog is on. It is nil on PostgreSQL,
	// whose disk is another machine's.
	disk func() (core.DiskLoad, error)
	// tryRoom fails where the disk has no room for a write.
	tryRoom func(context.Context) error
	// tables are the migrations that this catalog's tables are made by, and examine is
	// the engine's part of Examine.
	tables  migrations.Set
	examine func(context.Context, func(core.Finding)) error
	// full is set when a write was refused because the disk is full, until Check
	// finds room again.
	full atomic.Bool
}

// serialize waits for its turn to write, and returns what ends the turn. Where ctx ends first
// there is no turn, and none is needed: database/sql refuses every statement of an ended
// context. It must not be called within a turn, nor within write, which is one.
func (c *Catalog) serialize(ctx context.Context) (done func()) {
	if c.writing == nil || c.writing.Take(ctx) != nil {
		return func() {}
	}
	return c.writing.Leave
}

// write runs a transaction, in a turn of its own.
func (c *Catalog) write(ctx context.Context, do func(*gorm.DB) error) error {
	defer c.serialize(ctx)()
	return c.note(c.db.WithContext(ctx).Transaction(do)) // of a COMMIT no callback hears
}

// note keeps for Check that a write was refused because the disk is full, and says
// so in words for clients.
func (c *Catalog) note(err error) error {
	if err == nil || !full(err) {
		return err
	}
	c.full.Store(true)
	return core.Unavailable(err, 30*time.Second, "the catalog's disk is full; nothing was changed")
}

// full reports whether the disk had no room for a statement.
func full(err error) bool {
	return pgtenant.State(err) == pgtenant.StateDiskFull || sqlitefile.Full(err)
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
	c := &Catalog{db: opened, close: closeAll}
	if err := c.watch(); err != nil {
		return nil, errors.Join(err, closeAll())
	}
	return c, nil
}

// watch has note hear of every statement that writes.
func (c *Catalog) watch() error {
	noted := func(db *gorm.DB) { db.Error = c.note(db.Error) }
	on := c.db.Callback()
	return errors.Join(
		on.Create().After("*").Register("eventflow:note", noted), on.Update().After("*").Register("eventflow:note", noted),
		on.Delete().After("*").Register("eventflow:note", noted), on.Raw().After("*").Register("eventflow:note", noted),
	)
}

// Check implements [core.Catalog].
func (c *Catalog) Check(ctx context.Context) error {
	if err := c.db.WithContext(ctx).Exec(`select 1`).Error; err != nil {
		return err
	}
	if c.durable != nil {
		if err := c.durable(ctx); err != nil {
			return err
		}
	}
	return c.checkRoom(ctx)
}

// checkRoom tries whether there is room again, if there was none for a write.
func (c *Catalog) checkRoom(ctx context.Context) error {
	if !c.full.Load() {
		return nil
	}
	defer c.serialize(ctx)()
	switch err := c.tryRoom(ctx); {
	case err == nil:
		c.full.Store(false)
		return nil
	case full(err):
		return fmt.Errorf("the disk is full and nothing is changed until there is room; %w", core.ErrDegraded)
	default:
		return err
	}
}

// Time implements [core.Timekeeper].
func (c *Catalog) Time(ctx context.Context) (time.Time, error) {
	if c.clock == nil {
		return time.Time{}, nil
	}
	return c.clock(ctx)
}

// Schema implements [core.Migrated].
func (c *Catalog) Schema(ctx context.Context) (at, known int64, err error) {
	err = c.db.WithContext(ctx).Raw(c.tables.VersionQuery()).Scan(&at).Error
	return at, c.tables.Known(), err
}

// Examine implements [core.Examiner].
func (c *Catalog) Examine(ctx context.Context, tell func(core.Finding)) error {
	return c.examine(ctx, tell)
}

// Pool implements [core.Pooled].
func (c *Catalog) Pool() core.PoolLoad { return c.pool() }

// Disk implements [core.Housed]. Without a disk of this machine the load is zero.
func (c *Catalog) Disk() (core.DiskLoad, error) {
	if c.disk == nil {
		return core.DiskLoad{}, nil
	}
	return c.disk()
}

// Close implements [core.Catalog].
func (c *Catalog) Close() error { return c.close() }
