package pgtenant

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// StateUnique is the SQLSTATE of a row whose unique value is taken.
const StateUnique = "23505"

// The SQLSTATEs of what may be missing to take a role.
const (
	stateNoSuchRole = "22023"
	stateForbidden  = "42501"
	stateDuplicate  = "42710"
)

// State is the SQLSTATE by which PostgreSQL refused, or "" for an error of
// another origin, such as a broken connection, and for none.
func State(err error) string {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code
	}
	return ""
}
