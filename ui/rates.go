package ui

import (
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// rates are how fast streams grow, from how far they reached when they were
// looked at.
type rates struct{ of map[core.ID][]reach }

type reach struct {
	at   time.Time
	next int64
}

// keptReaches bounds a line.
const keptReaches = 60

func (r *rates) note(stream core.ID, next int64, at time.Time) {
	if r.of == nil {
		r.of = map[core.ID][]reach{}
	}
	r.of[stream] = append(r.of[stream], reach{at, next})
	if all := r.of[stream]; len(all) > keptReaches {
		r.of[stream] = all[len(all)-keptReaches:]
	}
}

// perSecond is the rate over the latest half minute. It is not known before a
// stream was looked at twice.
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

// line is how much came between one look and the next.
func (r *rates) line(stream core.ID) []int64 {
	all := r.of[stream]
	line := make([]int64, 0, len(all))
	for i := 1; i < len(all); i++ {
		line = append(line, all[i].next-all[i-1].next)
	}
	return line
}
