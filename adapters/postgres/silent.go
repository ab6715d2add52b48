package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// heldUp is for how long an append waits before it looks for silent ones, and looked
// is how often it looks again.
const (
	heldUp = 2 * time.Second
	looked = heldUp / 4
)

// endSilent ends appends of other servers that hold the counters of streams and
// have said nothing for seconds, and reports whether there were any. PostgreSQL
// has a time-out for a transaction whose client is silent between two statements,
// and none for a COPY whose client is silent between two rows. What such an append
// has stored is rolled back, and its server finds that out when it goes on.
//
// Only those are ended that somebody waits for, or all that hold a counter if the
// caller has waited for a lock in vain. A COPY that is slow, and blocks nobody, takes
// the time that it needs.
func endSilent(ctx context.Context, conn *pgxpool.Conn, inVain bool) (ended bool, err error) {
	err = conn.QueryRow(ctx, `select coalesce(bool_or(pg_terminate_backend(a.pid)), false) from pg_stat_activity a
		where a.pid <> pg_backend_pid() and a.state = 'active' and a.wait_event = 'ClientRead'
			and a.query_start < clock_timestamp() - interval '2 seconds'
			and ($1 or exists (select from pg_locks w where not w.granted and a.pid = any (pg_blocking_pids(w.pid))))
			and exists (select from pg_locks l where l.pid = a.pid and l.granted and l.mode = 'RowExclusiveLock'
				and l.locktype = 'relation' and l.relation = to_regclass('heads')
				and l.database = (select oid from pg_database where datname = current_database()))`, inVain).Scan(&ended)
	return ended, err
}

// relieve looks for silent appends beside an append that takes too long, until stop.
// The append itself cannot: it may wait for one lock after the other, and each of them
// has a time-out of its own.
func (s *Storage) relieve(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	timer := time.AfterFunc(heldUp, func() {
		defer close(ended)
		for ctx.Err() == nil {
			if conn, err := s.pool.Acquire(ctx); err == nil {
				_, _ = endSilent(ctx, conn, false) // the append tells what is wrong with the database
				conn.Release()
			}
			select {
			case <-ctx.Done():
			case <-time.After(looked):
			}
		}
	})
	return func() {
		cancel()
		if !timer.Stop() {
			<-ended
		}
	}
}
