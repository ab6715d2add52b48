package ui

import (
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// rates are the rates at which streams grow. They are computed from the ends that the
// streams had at the latest looks.
type rates struct{ of map[core.ID][]reach }

// reach is the end that a stream had at a look.
type reach struct {
	at   time.Time
	next int64
}

// keptReaches is how many looks at a stream are kept.
const keptReaches = 60

// note takes down a look at a stream.
func (r *rates) note(stream core.ID, next int64, at time.Time) {
	if r.of == nil {
		r.of = map[core.ID][]reach{}
	}
	r.of[stream] = append(r.of[stream], reach{at, next})
	if all := r.of[stream]; len(all) > keptReaches {
		r.of[stream] = all[len(all)-keptReaches:]
	}
}

// perSecond is the rate over the latest half minute. It is not known before the second
// look at a stream.
func (r *rates) perSecond(stream core.ID) (rate float64, known bool) {
	all := r.of[stream]
	if len(all) < 2 {
		return 0, false
	}
	first, last := all[max(0, len(all)-6)], all[len(all)-1]
	return float64(last.next-first.next) / max(last.at.Sub(first.at).Seconds(), 1), true
}

// text writes the rate, or a dash while it is not known.
func (r *rates) text(stream core.ID) string {
	perSecond, known := r.perSecond(stream)
	if !known {
		return "–"
	}
	return rate(perSecond)
}

// line returns how many events came between one look and the next.
func (r *rates) line(stream core.ID) []int64 {
	all := r.of[stream]
	line := make([]int64, 0, len(all))
	for i := 1; i < len(all); i++ {
		line = append(line, all[i].next-all[i-1].next)
	}
	return line
}
