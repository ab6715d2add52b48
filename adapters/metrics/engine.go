package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Engine adds what a storage or a catalog tells of its connections and its disk, if it
// does. role is what the engine is to the server, "store" or "catalog", and labels its metrics.
func (m *Metrics) Engine(role string, engine any) {
	found := &engineLoad{role: role}
	found.pooled, _ = engine.(core.Pooled)
	found.housed, _ = engine.(core.Housed)
	m.registry.MustRegister(found)
}

// engineLoad reads the load of an engine when it is asked for.
type engineLoad struct {
	role   string
	pooled core.Pooled
	housed core.Housed
}

// engineDesc describes a metric that each engine has.
func engineDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"engine"}, nil)
}

var (
	poolLimit  = engineDesc("eventflow_pool_limit_connections", "Connections that a pool to a database may have; there is none where it may have any number.")
	poolInUse  = engineDesc("eventflow_pool_in_use_connections", "Connections of a pool that are in use.")
	poolIdle   = engineDesc("eventflow_pool_idle_connections", "Connections of a pool that are open and not in use.")
	poolWaits  = engineDesc("eventflow_pool_waits_total", "How often somebody had to wait for a connection of a pool.")
	poolWaited = engineDesc("eventflow_pool_wait_seconds_total", "How long they waited together.")
	diskSize   = engineDesc("eventflow_disk_size_bytes", "Size of the disk that a database's files are on, where it is one of this machine.")
	diskFree   = engineDesc("eventflow_disk_free_bytes", "Room on that disk that this process may take.")
)

// Describe implements prometheus.Collector. It describes nothing, so that two engines may
// be registered: their labels tell them apart.
func (e *engineLoad) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (e *engineLoad) Collect(out chan<- prometheus.Metric) {
	if e.pooled != nil {
		e.collectPool(out, e.pooled.Pool())
	}
	if e.housed == nil {
		return
	}
	if disk, err := e.housed.Disk(); err == nil && disk.Size > 0 {
		out <- prometheus.MustNewConstMetric(diskSize, prometheus.GaugeValue, float64(disk.Size), e.role)
		out <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, float64(disk.Free), e.role)
	}
}

func (e *engineLoad) collectPool(out chan<- prometheus.Metric, pool core.PoolLoad) {
	if pool.Limit > 0 {
		out <- prometheus.MustNewConstMetric(poolLimit, prometheus.GaugeValue, float64(pool.Limit), e.role)
	}
	out <- prometheus.MustNewConstMetric(poolInUse, prometheus.GaugeValue, float64(pool.InUse), e.role)
	out <- prometheus.MustNewConstMetric(poolIdle, prometheus.GaugeValue, float64(pool.Idle), e.role)
	out <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(pool.Waits), e.role)
	out <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, pool.Waited.Seconds(), e.role)
}
