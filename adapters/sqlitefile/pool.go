package sqlitefile

import (
	"database/sql"

	"github.com/eventflow-go/eventflow/core"
)

// Pool says how much of a pool of connections is in use.
func Pool(db *sql.DB) core.PoolLoad {
	stats := db.Stats()
	return core.PoolLoad{
		Limit: int64(stats.MaxOpenConnections), InUse: int64(stats.InUse), Idle: int64(stats.Idle),
		Waits: stats.WaitCount, Waited: stats.WaitDuration,
	}
}
