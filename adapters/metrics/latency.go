package metrics

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// IngestP99 is the time within which 99 of 100 requests to store events were
// answered, since the start and for all organizations together. It is 0 where
// there was no such request.
func (m *Metrics) IngestP99() time.Duration {
	families, err := m.timed.Gather()
	if err != nil {
		return 0
	}
	counts := map[float64]float64{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range series.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["method"] != "POST" || labels["status"] != "202" || !strings.Contains(labels["route"], "/events") {
				continue
			}
			for _, bucket := range series.GetHistogram().GetBucket() {
				counts[bucket.GetUpperBound()] += float64(bucket.GetCumulativeCount())
			}
			counts[math.Inf(1)] += float64(series.GetHistogram().GetSampleCount())
		}
	}
	return quantile(counts, 0.99)
}

// newTimed returns a registry of the requests alone. To gather the whole registry
// for their times would take a census of all groups each time.
func newTimed(requests prometheus.Collector) *prometheus.Registry {
	timed := prometheus.NewRegistry()
	timed.MustRegister(requests)
	return timed
}

// quantile is the time within which a part of the requests of a histogram was
// answered. counts has, for the upper bound of each bucket in seconds, how many
// requests took that long at most; the infinite bound has all of them. Within a
// bucket the requests are supposed to be spread evenly. A quantile beyond the last
// finite bound is given as that bound: the histogram knows no more.
func quantile(counts map[float64]float64, part float64) time.Duration {
	rank := part * counts[math.Inf(1)]
	if rank == 0 {
		return 0
	}
	bounds := make([]float64, 0, len(counts))
	for bound := range counts {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	lower, before := 0.0, 0.0
	for _, bound := range bounds {
		if counts[bound] < rank {
			lower, before = bound, counts[bound]
			continue
		}
		if !math.IsInf(bound, 1) {
			lower += (bound - lower) * (rank - before) / (counts[bound] - before)
		}
		break
	}
	return time.Duration(lower * float64(time.Second))
}
