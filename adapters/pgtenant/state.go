package pgtenant

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// StateUnique is the SQLSTATE of a row whose unique value is taken.
const StateUnique = "23505"

// StateDiskFull is the SQLSTATE of a statement that the disk had no room for.
const StateDiskFull = "53100"

// The SQLSTATEs that tell [Wall.Prepare] what is missing to take a role.
const (
	stateNoSuchRole = "22023" // invalid_parameter_value: so SET ROLE calls a role that is not there
	stateForbidden  = "42501" // the role is there, and the user is no member of it
	stateDuplicate  = "42710" // the role is there, though the user may not take it yet
)

// State is the SQLSTATE by which PostgreSQL refused, or "" for an error of
// another origin, such as a broken connection, and for none.
func State(err error) string {
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		return refused.Code
	}
	return ""
}
