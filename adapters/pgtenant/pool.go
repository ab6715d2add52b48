package pgtenant

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// Pool says how much of a pool of connections is in use.
func Pool(pool *pgxpool.Pool) core.PoolLoad {
	stats := pool.Stat()
	return core.PoolLoad{
		Limit: int64(stats.MaxConns()), InUse: int64(stats.AcquiredConns()), Idle: int64(stats.IdleConns()),
		Waits: stats.EmptyAcquireCount(), Waited: stats.EmptyAcquireWaitTime(),
	}
}
