package postgres

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// endSilent ends appends of other servers that hold the counters of streams and
// have said nothing for seconds, and reports whether there were any. PostgreSQL
// has a time-out for a transaction whose client is silent between two statements,
// and none for a COPY whose client is silent between two rows. What such an append
// has stored is rolled back, and its server finds that out when it goes on.
//
// Only who has waited for a lock in vain calls this. A COPY that is slow, and
// blocks nobody, takes the time that it needs.
func endSilent(ctx context.Context, conn *pgxpool.Conn) (ended bool, err error) {
	err = conn.QueryRow(ctx, `select coalesce(bool_or(pg_terminate_backend(a.pid)), false) from pg_stat_activity a
		where a.pid <> pg_backend_pid() and a.state = 'active' and a.wait_event = 'ClientRead'
			and a.query_start < clock_timestamp() - interval '3 seconds'
			and exists (select from pg_locks l where l.pid = a.pid and l.granted and l.mode = 'RowExclusiveLock'
				and l.locktype = 'relation' and l.relation = to_regclass('heads')
				and l.database = (select oid from pg_database where datname = current_database()))`).Scan(&ended)
	return ended, err
}
