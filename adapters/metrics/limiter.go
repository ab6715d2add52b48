package metrics

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/eventflow-go/eventflow/core"
)

// Limiter returns limiter with its refusals counted, and with what the busiest of each
// kind asks for. Whoever comes near to a limit is named in the log: a label for each key
// would be too many.
func (m *Metrics) Limiter(limiter core.RateLimiter, logger *slog.Logger) core.RateLimiter {
	measured := &measuredLimiter{RateLimiter: limiter, others: newDemand(kindOther, logger), kinds: map[string]*demand{}}
	for _, kind := range []string{"key", "user", "addr"} {
		measured.kinds[kind] = newDemand(kind, logger)
	}
	m.registry.MustRegister(measured)
	return measured
}

// kindOther is what is limited beside requests: attempts to sign in, and to use links.
const kindOther = "attempt"

// measuredLimiter measures a limiter, and is the collector of that.
type measuredLimiter struct {
	core.RateLimiter
	// kinds are the demands by the first word of their keys, a small fixed set.
	kinds  map[string]*demand
	others *demand
}

var (
	refusedDesc = prometheus.NewDesc("eventflow_rate_limit_refused_total", "Requests that a rate limit refused, by what was limited.", []string{"kind"}, nil)
	demandDesc  = prometheus.NewDesc("eventflow_rate_limit_demand_ratio",
		"What the busiest of a kind asked this node for in the last whole minute, as a part of its limit.", []string{"kind"}, nil)
)

// Take implements core.RateLimiter.
func (l *measuredLimiter) Take(ctx context.Context, key string, limit core.Limit, n int, now time.Time) (core.LimitState, error) {
	state, err := l.RateLimiter.Take(ctx, key, limit, n, now)
	if err == nil && n > 0 {
		l.demand(key).note(key, limit.PerMinute, n, state.Allowed)
	}
	return state, err
}

func (l *measuredLimiter) demand(key string) *demand {
	kind, _, _ := strings.Cut(key, ":")
	if found := l.kinds[kind]; found != nil {
		return found
	}
	return l.others
}

// Describe implements prometheus.Collector.
func (l *measuredLimiter) Describe(descs chan<- *prometheus.Desc) {
	descs <- refusedDesc
	descs <- demandDesc
}

// Collect implements prometheus.Collector.
func (l *measuredLimiter) Collect(out chan<- prometheus.Metric) {
	for _, kind := range l.kinds {
		kind.collect(out)
	}
	l.others.collect(out)
}

const (
	// maxDemands bounds the keys of a kind that are watched within a minute.
	maxDemands = 10_000
	// nearLimit is the part of a limit from which on its holder is named in the log.
	nearLimit = 0.8
	// maxNamed bounds the lines about it in a minute, for each kind.
	maxNamed = 5
)

// demand is what the holders of one kind of limit ask for, minute by minute.
type demand struct {
	kind   string
	logger *slog.Logger

	// mu guards what is below. It is held for some 100 ns of a request, and once a
	// minute while the minute is closed.
	mu      sync.Mutex
	refused int64
	// minute is the one that asked counts: minutes since 1970.
	minute int64
	asked  map[string]asked
	// busiest is what the busiest asked for in the minute before, as a part of its
	// limit.
	busiest float64
}

// asked is how often somebody asked within a minute, and how often they may.
type asked struct{ times, limit int }

func (a asked) part() float64 { return float64(a.times) / float64(a.limit) }

func newDemand(kind string, logger *slog.Logger) *demand {
	return &demand{kind: kind, logger: logger, asked: map[string]asked{}}
}

// note counts a request.
func (d *demand) note(key string, limit, n int, allowed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn()
	if !allowed {
		d.refused++
	}
	known, watched := d.asked[key]
	if !watched && len(d.asked) >= maxDemands {
		return
	}
	d.asked[key] = asked{known.times + n, limit}
}

// turn closes the minute that was counted, if it is over. mu is held.
func (d *demand) turn() {
	minute := time.Now().Unix() / 60
	if minute == d.minute {
		return
	}
	d.busiest = 0
	if minute == d.minute+1 { // otherwise nobody asked in the minute before
		d.close()
	}
	d.minute = minute
	clear(d.asked)
}

// close finds the busiest of a minute, and names those who were near to their limits. mu
// is held.
func (d *demand) close() {
	named := 0
	for key, asked := range d.asked {
		d.busiest = max(d.busiest, asked.part())
		if asked.part() >= nearLimit && named < maxNamed && d.kind != kindOther { // those have people's addresses in their keys
			named++
			d.logger.Warn("a rate limit is nearly used up", "kind", d.kind, "key", key, "asked", asked.times, "per_minute", asked.limit)
		}
	}
}

func (d *demand) collect(out chan<- prometheus.Metric) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn()
	out <- prometheus.MustNewConstMetric(refusedDesc, prometheus.CounterValue, float64(d.refused), d.kind)
	out <- prometheus.MustNewConstMetric(demandDesc, prometheus.GaugeValue, d.busiest, d.kind)
}
