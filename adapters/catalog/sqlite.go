package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"gorm.io/driver/sqlite"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/migrations"
)

// FileName is the name of the catalog's file in a SQLite data folder.
const FileName = "catalog.db"

func openSQLite(ctx context.Context, u *url.URL) (core.Catalog, error) {
	folder, err := sqlitefile.Folder(u)
	if err != nil {
		return nil, fmt.Errorf("the catalog's URL %w", err)
	}
	path := fileIn(folder, u)
	var c *Catalog
	err = sqlitefile.Begin(path, func() (err error) {
		c, err = openFile(ctx, path)
		return err
	})
	if err != nil {
		return nil, sqlitefile.Named(path, err)
	}
	return c, nil
}

// Path is the catalog's file in the data folder that u names.
func Path(u *url.URL) (string, error) {
	folder, err := sqlitefile.Folder(u)
	if err != nil {
		return "", err
	}
	return fileIn(folder, u), nil
}

func openFile(ctx context.Context, path string) (*Catalog, error) {
	// A transaction takes the write lock when it begins, and waits for it then:
	// one that has read before it writes would be refused at once.
	db, err := sqlitefile.Open(path, "_pragma=foreign_keys(1)", "_txlock=immediate")
	if err != nil {
		return nil, err
	}
	if err := migrations.Up(ctx, db, migrations.CatalogSQLite); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	c, err := open(sqlite.Dialector{Conn: db}, func() error {
		err := db.Close()
		sqlitefile.Reserve(path) // what a start has taken from it is free again
		return err
	})
	if err != nil {
		return nil, err
	}
	c.writing, c.tables = sqlitefile.NewTurn(), migrations.CatalogSQLite
	c.examine = func(ctx context.Context, tell func(core.Finding)) error {
		return sqlitefile.Examine(ctx, db, FileName, tell)
	}
	if err := c.trace(sqlitefile.TracerOf(ctx)); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.pool = func() core.PoolLoad { return sqlitefile.Pool(db) }
	c.disk = func() (core.DiskLoad, error) { return sqlitefile.Disk(path) }
	c.tryRoom = func(ctx context.Context) error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		return errors.Join(sqlitefile.TryRoom(ctx, conn), conn.Close())
	}
	return c, nil
}

// fileIn is the catalog's file in the folder that a URL names. Earlier versions
// decoded a URL with slashes twice: the catalog of sqlite:///srv/%2541, whose
// events are in /srv/%41, was in /srv/A. Where it is there alone it stays there.
func fileIn(folder string, u *url.URL) string {
	path := filepath.Join(folder, FileName)
	twice, err := url.PathUnescape(folder)
	if err != nil || twice == folder || u.Opaque != "" {
		return path
	}
	former := filepath.Join(twice, FileName)
	if _, err := os.Stat(former); err != nil {
		return path
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return former
	}
	return path
}
