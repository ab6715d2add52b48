package catalog

import (
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/adapters/sqlitefile"
	"github.com/eventflow-go/eventflow/core"
)

// rowsPerStatement bounds the parameters of one statement.
const rowsPerStatement = 500

// take returns the one thing that a query finds.
func take[R, T any](query *gorm.DB, what string, thing func(R) (T, error)) (T, error) {
	var row R
	if err := query.Take(&row).Error; err != nil {
		var none T
		return none, found(err, what)
	}
	return thing(row)
}

// there returns an error unless a query finds something.
func there[R any](query *gorm.DB, what string) error {
	return found(query.Take(new(R)).Error, what)
}

// found turns GORM's answer to a missing row into the contract's.
func found(err error, what string) error {
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return core.Errorf(core.CodeNotFound, "there is no such %s", what)
	}
	return err
}

// list returns all that a query finds, in its order.
func list[R, T any](query *gorm.DB, thing func(R) (T, error)) ([]T, error) {
	var rows []R
	if err := query.Find(&rows).Error; err != nil {
		return nil, err
	}
	return each(rows, thing)
}

func each[R, T any](rows []R, thing func(R) (T, error)) ([]T, error) {
	things := make([]T, len(rows))
	for i, row := range rows {
		var err error
		if things[i], err = thing(row); err != nil {
			return nil, err
		}
	}
	return things, nil
}

// changed is the outcome of a statement that is to change a row. If it found
// none to change the outcome is otherwise.
func changed(done *gorm.DB, otherwise error) error {
	if done.Error == nil && done.RowsAffected == 0 {
		return otherwise
	}
	return done.Error
}

// errMoved answers an update that names an older revision than the stored one.
var errMoved = core.Errorf(core.CodePreconditionFailed, "it has changed since it was read; read it again")

// taken reports whether err is a violated unique index. GORM's own translation
// knows neither of the drivers.
func taken(err error) bool {
	return pgtenant.State(err) == pgtenant.StateUnique || sqlitefile.Taken(err)
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

// optionalID writes an id, or "" for the one that names nothing.
func optionalID(id core.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}

// into is an id as this package wrote it, and where it belongs.
type into struct {
	text string
	id   *core.ID
}

func parseIDs(all ...into) error {
	for _, one := range all {
		id, err := core.ParseID(one.text)
		if err != nil {
			return fmt.Errorf("the catalog holds a damaged id %q: %w", one.text, err)
		}
		*one.id = id
	}
	return nil
}
