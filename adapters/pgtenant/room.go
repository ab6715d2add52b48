package pgtenant

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"
)

// TryRoom stores two megabytes and takes them back, which fails where the disk has
// no room. PostgreSQL does not say otherwise whether there is room again, and
// while writing is refused there may be nobody who tries.
func TryRoom(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `do $$ declare name text := 'eventflow_room_' || pg_backend_pid(); begin
		execute format('create table %I as select generate_series(1, 50000)', name);
		execute format('drop table %I', name);
	end $$`)
	return err
}
