// Package pgtenant holds what the log and the catalog have in common where both
// are kept in PostgreSQL. It gives their sessions time-outs and the planner's
// settings, looks at the server's durability and at the room on its disk, and has
// the tables migrated. And it makes row-level security a second wall between
// organizations, behind the queries, which name the organization themselves.
// Work on behalf of one organization ([core.ContextWithOrganization]) runs as a
// role that sees that organization's rows only. All other work runs as the
// tables' owner, whom the policies do not concern. Policies that did concern the
// owner would take COPY away, the fast way in: it refuses tables under policies.
package pgtenant

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// Parameter is the parameter of a database's URL that names the role, by default
// [DefaultRole]. [Wall.Prepare] makes a role that is not there. [NoRole] does
// without the wall.
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

// Guard changes the settings of a pool that is yet to be made. Each time when a
// connection is taken from that pool, it is made to serve the organization of the
// context that it is taken with. admit names the function in the database that
// gives a role its rights. Before a connection is taken for an organization,
// Prepare must have been called.
//
// A connection that serves another organization than the last time costs a round
// trip. The organization is a setting of the session. A pooler that shares a
// session among clients (PgBouncer's transaction mode) breaks that, and needs
// [NoRole].
func Guard(config *pgxpool.Config, admit string) *Wall {
	parameters := config.ConnConfig.RuntimeParams
	w := &Wall{role: DefaultRole, admit: admit}
	if role, ok := parameters[Parameter]; ok {
		delete(parameters, Parameter) // PostgreSQL has no such setting, and would refuse to connect
		w.role = role
	}
	if w.role != NoRole {
		config.PrepareConn = w.serve
	}
	return w
}

// settingOrg is the session's setting that the policies read. The connection
// keeps the organization under the same name, so as not to ask the session.
const settingOrg = "eventflow.org"

// serve implements [pgxpool.Config]'s PrepareConn. The connection is nobody
// else's while it runs.
//
// What the connection notes is what its session has: it is noted after the
// session has taken it, and a connection on which that fails is closed by the
// pool. Role and organization change in one statement, so there is no moment with
// the owner's role and an organization, or the other way around.
func (w *Wall) serve(ctx context.Context, conn *pgx.Conn) (ok bool, err error) {
	org := core.OrganizationOf(ctx)
	notes := conn.PgConn().CustomData()
	if served, _ := notes[settingOrg].(core.ID); served == org {
		return true, nil
	}
	role, text := w.role, org.String()
	if org.IsZero() {
		role, text = NoRole, "" // for PostgreSQL, too, none is the role that connected
	}
	if _, err := conn.Exec(ctx, `select set_config('role', $1, false), set_config('`+settingOrg+`', $2, false)`, role, text); err != nil {
		return false, err
	}
	notes[settingOrg] = org
	return true, nil
}

// Prepare makes the role where it is missing and gives it its rights. Any number
// of processes may do so at once. Its context must be for no organization: the
// role itself may not do this.
func (w *Wall) Prepare(ctx context.Context, pool *pgxpool.Pool) error {
	if w.role == NoRole {
		return nil
	}
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		// Every start does this again, so it is not worth the wait for a standby, which may
		// be away: a server is to start and tell of that.
		if _, err := tx.Exec(ctx, `set local synchronous_commit = local`); err != nil {
			return err
		}
		// To give the same right twice at once is an error of PostgreSQL ("tuple
		// concurrently updated"). The log and the catalog of several processes may
		// do so in one database, which is what the lock is for.
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

// ensureRole returns when the user can act as the role. It tries that before it
// makes anything, because whoever has an administrator make the role may lack the
// right to make one.
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

// try runs a statement in a savepoint: after an error PostgreSQL accepts nothing
// more in a transaction, and here an error is often an answer. A role that the
// statement has taken is given back, as the rest is the owner's work.
func try(ctx context.Context, tx pgx.Tx, statement string) error {
	return pgx.BeginFunc(ctx, tx, func(inner pgx.Tx) error {
		if _, err := inner.Exec(ctx, statement); err != nil {
			return err
		}
		_, err := inner.Exec(ctx, `set local role none`)
		return err
	})
}
