package catalog

import (
	"context"
	"errors"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
)

// trace tells a tracer of the statements of a catalog in SQLite. On PostgreSQL the
// connections do that.
func (c *Catalog) trace(tracer sqlitefile.Tracer) error {
	if tracer == nil {
		return nil
	}
	before := func(operation string) func(*gorm.DB) {
		return func(db *gorm.DB) {
			ctx, ended := tracer(db.Statement.Context, operation)
			if ended != nil {
				db.Statement.Context = context.WithValue(ctx, tracedKey{}, ended)
			}
		}
	}
	on := c.db.Callback()
	return errors.Join(
		on.Create().Before("*").Register(tracing, before("INSERT")), on.Create().After("*").Register(traced, ended),
		on.Query().Before("*").Register(tracing, before("SELECT")), on.Query().After("*").Register(traced, ended),
		on.Update().Before("*").Register(tracing, before("UPDATE")), on.Update().After("*").Register(traced, ended),
		on.Delete().Before("*").Register(tracing, before("DELETE")), on.Delete().After("*").Register(traced, ended),
		on.Row().Before("*").Register(tracing, before("SELECT")), on.Row().After("*").Register(traced, ended),
		on.Raw().Before("*").Register(tracing, before("EXECUTE")), on.Raw().After("*").Register(traced, ended),
	)
}

// The names of the callbacks before and after a statement.
const (
	tracing = "eventflow:tracing"
	traced  = "eventflow:traced"
)

type tracedKey struct{}

// ended tells the tracer of a statement how it went. The text has placeholders where
// values go.
func ended(db *gorm.DB) {
	tell, ok := db.Statement.Context.Value(tracedKey{}).(func(string, error))
	if !ok {
		return
	}
	err := db.Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		err = nil
	}
	tell(db.Statement.SQL.String(), err)
}
