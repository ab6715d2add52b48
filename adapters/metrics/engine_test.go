package metrics_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/metrics"
	"github.com/eventflow-go/eventflow/core"
)

// engine is a store with a pool and a disk.
type engine struct {
	pool core.PoolLoad
	disk core.DiskLoad
	err  error
}

func (e engine) Pool() core.PoolLoad          { return e.pool }
func (e engine) Disk() (core.DiskLoad, error) { return e.disk, e.err }

// Engines tell of their connections and disks what they know, each under its role.
func TestEnginesTellOfPoolsAndDisks(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	m.Engine("store", engine{
		core.PoolLoad{Limit: 4, InUse: 3, Idle: 1, Waits: 5, Waited: 1500 * time.Millisecond}, core.DiskLoad{Size: 100, Free: 40}, nil,
	})
	m.Engine("catalog", engine{core.PoolLoad{InUse: 1}, core.DiskLoad{}, nil})
	m.Engine("lost", engine{err: errors.New("no such folder")})
	m.Engine("memory", struct{}{})
	require.Equal(t, map[string]float64{`eventflow_pool_limit_connections{engine="store"}`: 4}, series(t, m, "eventflow_pool_limit"))
	require.Equal(t, map[string]float64{
		`eventflow_pool_in_use_connections{engine="store"}`: 3, `eventflow_pool_in_use_connections{engine="catalog"}`: 1,
		`eventflow_pool_in_use_connections{engine="lost"}`: 0,
	}, series(t, m, "eventflow_pool_in_use"))
	require.InDelta(t, 1.5, series(t, m, "eventflow_pool_wait_seconds_total")[`eventflow_pool_wait_seconds_total{engine="store"}`], 0)
	require.Equal(t, map[string]float64{
		`eventflow_disk_size_bytes{engine="store"}`: 100, `eventflow_disk_free_bytes{engine="store"}`: 40,
	}, series(t, m, "eventflow_disk_"))
}
