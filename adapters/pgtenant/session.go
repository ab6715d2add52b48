package pgtenant

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/eventflow-go/eventflow/migrations"
)

// settings are what every session of the log and the catalog has. A URL that sets
// one of them itself wins. PostgreSQL ends what a session holds by these
// time-outs, so it needs no word from a program that is paused, or cut off.
var settings = []struct{ name, value string }{
	// A transaction whose client says nothing more gives its locks up. No
	// transaction here waits for anything but the database between two statements.
	{"idle_in_transaction_session_timeout", heldIdle},
	// Who waits for a lock gives up a little later than who holds it must. A group
	// of appends that waits holds the locks of other streams meanwhile.
	{"lock_timeout", "4s"},
	// A machine that is gone, or a network that swallows packets, ends the session.
	{"tcp_keepalives_idle", "2"},
	{"tcp_keepalives_interval", "1"},
	{"tcp_keepalives_count", "2"},
	{"tcp_user_timeout", "4s"},
	// Every statement has one sensible plan, by an index and in its order. Without
	// these the planner finds it only once autovacuum has gathered statistics, which
	// a new day's partition does not have. A plan made while a table was empty is
	// kept, too. What has no index to go by is still planned: off means last.
	{"enable_bitmapscan", "off"},
	{"enable_seqscan", "off"},
	{"enable_sort", "off"},
	{"enable_hashjoin", "off"},
	{"enable_mergejoin", "off"},
	// The costs that stand for off would have every such plan compiled.
	{"jit", "off"},
}

// heldIdle is for how long a transaction may be silent between two statements. Of a
// node that is silent there may be two in a line: the second one gets its lock from
// another node when the first is ended. Both together are to take less than five
// seconds.
const heldIdle = "2s"

// How long this process waits for a server that may be gone.
const (
	connectTimeout = 5 * time.Second
	pingTimeout    = 2 * time.Second
	// silence is how long a connection may go without an answer from the network.
	silence = 4 * time.Second
)

// Configure reads a database's URL. Sessions of the pool get the settings above,
// and their connections are noticed when they die silently.
func Configure(ctx context.Context, u *url.URL) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, err
	}
	if config.ConnConfig.ConnectTimeout == 0 && !u.Query().Has("connect_timeout") {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	if config.PingTimeout == 0 {
		config.PingTimeout = pingTimeout
	}
	dialer := net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: silence / 2, Interval: silence / 4, Count: 2},
		Control:         endSilence,
	}
	config.ConnConfig.DialFunc = dialer.DialContext
	config.AfterConnect = settle
	config.ConnConfig.Tracer = tracerOf(ctx)
	config.ConnConfig.OnNotice = noteUnreplicated
	return config, nil
}

// settle implements [pgxpool.Config]'s AfterConnect. The settings are no part of
// the connection's first message, because poolers refuse those that they do not
// know. pg_settings says which of them the URL has set, also by its parameter
// `options`, and which ones this PostgreSQL does not have.
func settle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, settleStatement)
	if err != nil {
		return fmt.Errorf("setting the session's time-outs: %w", err)
	}
	return nil
}

var settleStatement = func() string {
	wanted := make([]string, len(settings))
	for i, s := range settings {
		wanted[i] = "('" + s.name + "', '" + s.value + "')"
	}
	return `select set_config(wanted.name, wanted.value, false) from (values ` + strings.Join(wanted, ", ") +
		`) as wanted (name, value) join pg_settings s on s.name = wanted.name where s.source <> 'client'`
}()

// Migrate brings the tables of a set up to date. It does so beside the pool. What
// a migration waits for may take long: another process's migration, or a lock of
// a table that is in use. So its sessions have none of the settings but the one
// that ends a transaction of a process that is paused.
func Migrate(ctx context.Context, config *pgxpool.Config, set migrations.Set) error {
	db := stdlib.OpenDB(*config.ConnConfig, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, `select set_config(name, '`+heldIdle+`', false) from pg_settings
			where name = 'idle_in_transaction_session_timeout' and source <> 'client'`)
		return err
	}))
	return errors.Join(migrations.Up(ctx, db, set), db.Close())
}

// Look opens a database to look at, and not to change. Its sessions are of no
// organization.
func Look(ctx context.Context, u *url.URL) (*sql.DB, error) {
	config, err := Configure(ctx, u)
	if err != nil {
		return nil, err
	}
	delete(config.ConnConfig.RuntimeParams, Parameter)
	config.ConnConfig.RuntimeParams["application_name"] = "eventflow look"
	config.ConnConfig.RuntimeParams["default_transaction_read_only"] = "on"
	return stdlib.OpenDB(*config.ConnConfig), nil
}
