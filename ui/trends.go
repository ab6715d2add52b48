package ui

import (
	"github.com/eventflow-go/eventflow/core"
)

// trends are the lags of groups at the latest looks.
type trends struct{ of map[core.ID][]int64 }

// note takes down the lag of a group.
func (t *trends) note(group core.ID, lag int64) {
	if t.of == nil {
		t.of = map[core.ID][]int64{}
	}
	t.of[group] = append(t.of[group], lag)
	if all := t.of[group]; len(all) > keptReaches {
		t.of[group] = all[len(all)-keptReaches:]
	}
}
