package pgtenant

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Time returns the time by PostgreSQL's clock.
func Time(ctx context.Context, pool *pgxpool.Pool) (now time.Time, err error) {
	err = pool.QueryRow(ctx, `select clock_timestamp()`).Scan(&now)
	return now, err
}
