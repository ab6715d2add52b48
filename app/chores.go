package app

import (
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/rest"
)

// chores remember how the work went that the server does by itself.
type chores struct {
	now func() time.Time

	// mu guards done. It is held for a look or a note only, because work that goes on
	// every second must not wait for whoever asks about it.
	mu   sync.Mutex
	done map[string]chore
}

// chore is the last turn of one kind of work, and since when it fails.
type chore struct {
	last    time.Time
	failing time.Time // zero if the last turn succeeded
}

func newChores(now func() time.Time) *chores { return &chores{now: now, done: map[string]chore{}} }

// ran implements [core.Ran].
func (c *chores) ran(work string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := chore{last: c.now().UTC()}
	if err != nil {
		if now.failing = c.done[work].failing; now.failing.IsZero() {
			now.failing = now.last
		}
	}
	c.done[work] = now
}

// checks says how each kind of work went. One that fails makes nobody wait, so the
// server stays ready. The reason is in the log and not here, where anybody may read.
func (c *chores) checks() map[string]rest.Check {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]rest.Check, len(c.done))
	for work, chore := range c.done {
		check := rest.Check{Status: rest.StatusOK, LastRun: chore.last}
		if !chore.failing.IsZero() {
			check.Status, check.Message = rest.StatusDegraded, "has failed since "+tableTime(chore.failing)+"; it is tried again, and the log says why"
		}
		all[work] = check
	}
	return all
}
