// Package pgtenant holds what the log and the catalog have in common where both
// are kept in PostgreSQL. It makes row-level security a second wall between
// organizations: work on behalf of one ([core.ContextWithOrganization]) runs as
// a role that sees that organization's rows only. All other work runs as the
// tables' owner, whom the policies do not concern, because COPY, the fast way in,
// refuses tables under them.
package pgtenant

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// Parameter is the parameter of a database's URL that names the role. It is made
// when it is not there. [NoRole] does without the wall.
const (
	Parameter   = "tenant_role"
	DefaultRole = "eventflow_tenant"
	NoRole      = "none"
)

// Wall is the second wall of one database.
type Wall struct {
	role string
	// admit is the function that gives the role its rights to the tables.
	admit string
}

// Guard has the connections of a pool that is to be made serve the organization
// of the context that they are taken with. Prepare must be called, without an
// organization, before any is. admit names the function that gives a role its
// rights.
//
// A connection that serves another organization than the last time costs a round
// trip. What it serves is a setting of the session: a pooler between that gives
// one session's connection to another (PgBouncer's transaction mode) would break
// it, and needs [NoRole].
func Guard(config *pgxpool.Config, admit string) *Wall {
	parameters := config.ConnConfig.RuntimeParams
	w := &Wall{role: DefaultRole, admit: admit}
	if role, ok := parameters[Parameter]; ok {
		delete(parameters, Parameter)
		w.role = role
	}
	if w.role != NoRole {
		config.PrepareConn = w.serve
	}
	return w
}

// settingOrg is where a connection remembers whom it serves; the policies read
// the setting of the same name.
const settingOrg = "eventflow.org"

// serve implements [pgxpool.Config]'s PrepareConn.
func (w *Wall) serve(ctx context.Context, conn *pgx.Conn) (ok bool, err error) {
	org := core.OrganizationOf(ctx)
	notes := conn.PgConn().CustomData()
	if served, _ := notes[settingOrg].(core.ID); served == org {
		return true, nil
	}
	role, text := w.role, org.String()
	if org.IsZero() {
		role, text = NoRole, ""
	}
	if _, err := conn.Exec(ctx, `select set_config('role', $1, false), set_config('`+settingOrg+`', $2, false)`, role, text); err != nil {
		return false, err
	}
	notes[settingOrg] = org
	return true, nil
}

// Prepare makes the role where it is missing and gives it its rights.
func (w *Wall) Prepare(ctx context.Context, pool *pgxpool.Pool) error {
	if w.role == NoRole {
		return nil
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Roles and their members belong to the whole server, and rights that are
		// given twice at once are an error.
		if _, err := tx.Exec(ctx, `select pg_advisory_xact_lock(hashtextextended('eventflow tenant role', 0))`); err != nil {
			return err
		}
		if err := w.ensureRole(ctx, tx); err != nil {
			return fmt.Errorf("row-level security needs the role %[1]s, which this user may not create (%[2]w); "+
				"have a PostgreSQL administrator run: create role %[1]s; grant %[1]s to %[3]s; "+
				"or do without row-level security by adding %[4]s=%[5]s to the URL",
				pgx.Identifier{w.role}.Sanitize(), err, pgx.Identifier{pool.Config().ConnConfig.User}.Sanitize(), Parameter, NoRole)
		}
		_, err := tx.Exec(ctx, `select `+w.admit+`($1)`, w.role)
		return err
	})
}

// ensureRole returns when the user can act as the role.
func (w *Wall) ensureRole(ctx context.Context, tx pgx.Tx) error {
	role := pgx.Identifier{w.role}.Sanitize()
	err := try(ctx, tx, `set local role `+role)
	if state := State(err); state != stateNoSuchRole && state != stateForbidden {
		return err
	}
	if err := try(ctx, tx, `create role `+role); err != nil && State(err) != stateDuplicate {
		return err
	}
	if err := try(ctx, tx, `grant `+role+` to current_user`); err != nil {
		return err
	}
	return try(ctx, tx, `set local role `+role)
}

// try runs a statement whose failure leaves the transaction as it was. The role
// that it may have taken is given back.
func try(ctx context.Context, tx pgx.Tx, statement string) error {
	return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		if _, err := inner.Exec(ctx, statement); err != nil {
			return err
		}
		_, err := inner.Exec(ctx, `set local role none`)
		return err
	})
}
