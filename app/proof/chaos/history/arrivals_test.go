package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

// at is a time of a history, in milliseconds.
func at(ms int) time.Time {
	return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(ms) * time.Millisecond)
}

// arrivals are requests for offsets, each a hundred milliseconds after the one before it.
// A negative offset, less one, is refused.
func arrivals(offsets ...int64) (all []history.Arrival) {
	for i, offset := range offsets {
		a := history.Arrival{Processor: "mail", Offset: offset, From: at(100 * i), To: at(100*i + 10), OK: offset >= 0}
		if offset < 0 {
			a.Offset = -offset - 1
		}
		all = append(all, a)
	}
	return all
}

func TestArrivalsAreJudged(t *testing.T) {
	t.Parallel()
	stopAfterTwo := []history.Calm{{From: at(-1), Stop: at(150)}}
	overlap := arrivals(0, 1, 2)
	overlap[1].To = at(205)
	left := arrivals(-1, 0, 1, 2)
	left[0].To, left[0].Left = at(110), true
	late := arrivals(-1, 0, 1, 2)
	late[0].To, late[0].Left = at(900), true
	for name, c := range map[string]struct {
		all    []history.Arrival
		does   history.Processing
		broken []finding
	}{
		"all well":                         {arrivals(0, 1, 2), history.Processing{Ordered: true}, nil},
		"tried until it is taken":          {arrivals(0, -2, -2, 1, 2), history.Processing{Ordered: true}, nil},
		"repeated after a crash":           {arrivals(0, 1, 0, 1, 2), history.Processing{Ordered: true}, nil},
		"any order where none is asked":    {arrivals(2, 0, 1), history.Processing{}, nil},
		"a dead letter":                    {arrivals(0, -2, 2), history.Processing{Ordered: true, Letters: []int64{1}}, nil},
		"repeated after a calm without it": {arrivals(0, 1, 2, 2), history.Processing{Calms: stopAfterTwo}, nil},
		"left and noticed late":            {left, history.Processing{Ordered: true}, nil},

		"lost":                    {arrivals(0, 2), history.Processing{}, []finding{{history.RuleNotArrived, 1}}},
		"never taken":             {arrivals(0, 1, -3, -3), history.Processing{}, []finding{{history.RuleNotArrived, 2}}},
		"not to be sent":          {arrivals(0, 1, 2, 7), history.Processing{}, []finding{{history.RuleArrivedWrong, 7}}},
		"out of order":            {arrivals(0, 2, 1, 2), history.Processing{Ordered: true}, []finding{{history.RuleArrivedEarly, 2}}},
		"past a failed one":       {arrivals(0, -2, 2, 1), history.Processing{Ordered: true}, []finding{{history.RuleArrivedEarly, 2}}},
		"two runs at once":        {arrivals(0, 1, 0, 2, 1), history.Processing{Ordered: true}, []finding{{history.RuleArrivedEarly, 2}}},
		"two requests at once":    {overlap, history.Processing{Ordered: true}, []finding{{history.RuleTwoAtOnce, 2}}},
		"goes on beside a hang":   {late, history.Processing{Ordered: true}, []finding{{history.RuleTwoAtOnce, 0}, {history.RuleTwoAtOnce, 1}, {history.RuleTwoAtOnce, 2}}},
		"again after a clean end": {arrivals(0, 1, 2, 1), history.Processing{Calms: stopAfterTwo}, []finding{{history.RuleArrivedAgain, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.does.Processor, c.does.Wanted = "mail", []int64{0, 1, 2}
			require.Equal(t, c.broken, findings(history.CheckArrivals(c.all, c.does)))
		})
	}
}

func TestCopiesAreJudged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		copies  []int64
		ordered bool
		broken  []finding
	}{
		"all well":                      {[]int64{0, 1, 2}, true, nil},
		"any order where none is asked": {[]int64{2, 0, 1}, false, nil},
		"lost":                          {[]int64{0, 2}, true, []finding{{history.RuleNotArrived, 1}}},
		"doubled":                       {[]int64{0, 1, 1, 2}, false, []finding{{history.RuleCopiedTwice, 1}}},
		"out of order":                  {[]int64{0, 2, 1}, true, []finding{{history.RuleCopiedEarly, 1}}},
		"not to be copied":              {[]int64{0, 1, 2, 3}, true, []finding{{history.RuleArrivedWrong, 3}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			does := history.Processing{Processor: "mail", Ordered: c.ordered, Wanted: []int64{0, 1, 2}}
			require.Equal(t, c.broken, findings(history.CheckCopies(c.copies, does)))
		})
	}
}

func findings(violations []history.Violation) (found []finding) {
	for _, violation := range violations {
		found = append(found, finding{violation.Rule, violation.Offset})
	}
	return found
}
