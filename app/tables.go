package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"

	"github.com/eventflow-go/eventflow/adapters/catalog"
	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/migrations"
)

// tables are those of the events or of the catalog, in the database that the settings
// name.
type tables struct {
	Name string // events or catalog
	url  *url.URL
	set  migrations.Set
	file string // of SQLite, else empty
}

// tables returns the tables whose migrations this program has. A store of another
// scheme has its own, or none.
func (c Config) tables() (all []tables, err error) {
	events, err := storeURL(c.Store)
	if err != nil {
		return nil, wrong("store", err.Error())
	}
	shards, err := shardURLs(events)
	if err != nil {
		return nil, wrong("store", err.Error())
	}
	for i, one := range shards {
		name := "events"
		if i > 0 {
			name = fmt.Sprintf("events of shard %d", i)
		}
		switch one.Scheme {
		case "sqlite":
			file, _ := sqlite.Path(one) // storeURL has looked
			all = append(all, tables{name, one, migrations.EventsSQLite, file})
		case "postgres", "postgresql":
			all = append(all, tables{name, one, migrations.EventsPostgres, ""})
		}
	}
	people, err := c.catalogURL()
	if err != nil {
		return nil, wrong("catalog", err.Error())
	}
	if people.Scheme != "sqlite" {
		return append(all, tables{"catalog", people, migrations.CatalogPostgres, ""}), nil
	}
	file, err := catalog.Path(people)
	return append(all, tables{"catalog", people, migrations.CatalogSQLite, file}), err
}

// place is where the tables are, as everybody may see it.
func (t tables) place() string {
	if t.file != "" {
		return t.file
	}
	return shown("", t.url.String())
}

// look tells how far the tables are, and changes nothing. A SQLite file that is not
// there has none.
func (t tables) look(ctx context.Context) (status migrations.Status, err error) {
	db, err := t.open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return migrations.Nothing(t.set), nil
	}
	if err != nil {
		return status, err
	}
	status, err = migrations.Look(ctx, db, t.set)
	if t.file != "" {
		err = sqlitefile.Named(t.file, err)
	}
	return status, errors.Join(err, db.Close())
}

func (t tables) open(ctx context.Context) (*sql.DB, error) {
	if t.file != "" {
		return sqlitefile.Look(t.file)
	}
	return pgtenant.Look(ctx, t.url)
}

// standing says in words how far tables are. wrong is whether this program can do
// nothing with them as they are.
func standing(status migrations.Status) (text string, wrong bool) {
	switch pending := len(status.Pending()); {
	case status.At > status.Known:
		return fmt.Sprintf("at version %d, and this program knows only %d: run a newer eventflow", status.At, status.Known), true
	case status.At == 0:
		return "not there yet: the first start of the server makes them", true
	case pending > 0:
		return fmt.Sprintf("at version %d, %s pending: the next start of a server applies them", status.At, counted(int64(pending), "migration")), true
	}
	return fmt.Sprintf("at version %d, the newest", status.At), false
}
