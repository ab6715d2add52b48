package pgtenant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// Durability is what a database must promise of what it acknowledges.
type Durability struct {
	// Standby says that everything must be on two machines: the primary and one that
	// takes its place.
	Standby bool
}

type standbyKey struct{}

// RequireStandby marks a context that databases are opened with: they are to have a
// synchronous standby, as [DurabilityOf] finds out.
func RequireStandby(ctx context.Context) context.Context {
	return context.WithValue(ctx, standbyKey{}, true)
}

// DurabilityOf returns what a context asks of the databases that are opened with it.
func DurabilityOf(ctx context.Context) Durability {
	required, _ := ctx.Value(standbyKey{}).(bool)
	return Durability{Standby: required}
}

// Check returns an error that wraps [core.ErrRelaxedDurability] where a setting would let
// a commit be lost in a crash. It asks in a session of the pool, so it sees the settings as
// a write has them, whether the server, the database, the role or the URL has set them.
// With fsync or synchronous_commit off, a commit is answered before it is on disk. With
// full_page_writes off, a page that is half written when the machine stops cannot be
// repaired.
//
// Where a standby is required, the same is wrong with settings by which PostgreSQL does not
// wait for one. If it does, and none is there, the error wraps [core.ErrAlone].
func (d Durability) Check(ctx context.Context, pool *pgxpool.Pool) error {
	settings, err := pool.Query(ctx, `select name, setting from pg_settings
		where name in ('fsync', 'synchronous_commit', 'full_page_writes') and setting = 'off' order by name`)
	if err != nil {
		return err
	}
	relaxed, err := pgx.CollectRows(settings, pgx.RowToStructByPos[struct{ Name, Setting string }])
	if err != nil {
		return err
	}
	for _, setting := range relaxed {
		return fmt.Errorf("%s=%s: %w", setting.Name, setting.Setting, core.ErrRelaxedDurability)
	}
	if !d.Standby {
		return nil
	}
	return checkStandby(ctx, pool)
}

// replication is what a session sees of the standbys.
type replication struct {
	Commit, Names, User string
	// Standbys are connected. Of those that are Seen the session may know what they are,
	// and Waited are the ones that commits may wait for.
	Standbys, Seen, Waited int
}

func checkStandby(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, `select current_setting('synchronous_commit'), current_setting('synchronous_standby_names'), current_user,
		count(pid), count(sync_state), count(*) filter (where sync_state in ('sync', 'quorum')) from pg_stat_replication`)
	if err != nil {
		return err
	}
	now, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[replication])
	if err != nil {
		return err
	}
	return now.judge()
}

func (r replication) judge() error {
	switch {
	case strings.TrimSpace(r.Names) == "":
		return fmt.Errorf("no standby is waited for: synchronous_standby_names is empty; set it, as to 'ANY 1 (*)': %w", core.ErrRelaxedDurability)
	case r.Commit != "on" && r.Commit != "remote_apply":
		return fmt.Errorf("synchronous_commit=%s waits for no standby's disk; set it to on: %w", r.Commit, core.ErrRelaxedDurability)
	case r.Waited > 0:
		return nil
	case r.Standbys > r.Seen:
		return fmt.Errorf("whether there is a synchronous standby is hidden from the user %[1]s; have an administrator run: grant pg_monitor to %[2]s: %[3]w",
			r.User, pgx.Identifier{r.User}.Sanitize(), core.ErrRelaxedDurability)
	}
	return fmt.Errorf("no synchronous standby is connected; %w", core.ErrAlone)
}

// Confirm returns nil once all that can be read now is as safe as what a commit
// acknowledges. After a crash, or when a session that waited for a standby was ended,
// PostgreSQL shows what is on the primary alone. The log is in one order, so a commit that a
// standby has answered proves that it has all before it, too.
func Confirm(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `select pg_logical_emit_message(true, 'eventflow', '')`)
	if err == nil && Unreplicated(conn) {
		err = ErrUnreplicated
	}
	return err
}

// ErrUnreplicated says that PostgreSQL has answered a commit without the standby that it
// was to wait for.
var ErrUnreplicated = errors.New("PostgreSQL gave up waiting for its standby: what was committed is on the primary alone")

// noteUnreplicated implements [pgconn.Config]'s OnNotice. When somebody cancels a commit
// that waits for a standby, PostgreSQL says that it has succeeded, and a warning goes
// before that. The place in PostgreSQL's source that the warning comes from is its only
// part that is not translated.
func noteUnreplicated(conn *pgconn.PgConn, notice *pgconn.Notice) {
	if notice.Routine == "SyncRepWaitForLSN" {
		conn.CustomData()[unreplicated] = true
	}
}

const unreplicated = "eventflow.unreplicated"

// Unreplicated reports whether a commit was answered without a standby since it was asked
// the last time.
func Unreplicated(conn *pgx.Conn) bool {
	notes := conn.PgConn().CustomData()
	was, _ := notes[unreplicated].(bool)
	delete(notes, unreplicated)
	return was
}
