package postgres

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
)

// Check implements [core.Storage].
func (s *Storage) Check(ctx context.Context) error {
	if err := s.durability.Check(ctx, s.pool); err != nil {
		return storeError(err)
	}
	if err := s.checkRoom(ctx); err != nil {
		return err
	}
	if waits := s.appends.longest(time.Now()); waits > patient {
		return fmt.Errorf("an append has waited for PostgreSQL for %s; %w", waits.Round(time.Second), core.ErrDegraded)
	}
	return nil
}

// checkRoom tries whether there is room again, if there was none for the newest
// append.
func (s *Storage) checkRoom(ctx context.Context) error {
	if !s.full.Load() {
		return nil
	}
	switch err := pgtenant.TryRoom(ctx, s.pool); {
	case pgtenant.State(err) == pgtenant.StateDiskFull:
		return fmt.Errorf("the disk is full and nothing is stored until there is room; %w", core.ErrDegraded)
	case err != nil:
		return storeError(err)
	}
	s.full.Store(false)
	return nil
}

// patient is how long an append may take before Check tells of it. What holds an
// append up for longer than a lock may be held is a database that is too slow, or
// a lock that no time-out ends.
const patient = 5 * time.Second

// appends are the appends that are under way, each with when it began.
type appends struct {
	mu    sync.Mutex // held for a look or a change only
	began map[*plan]time.Time
}

func (a *appends) begin(p *plan) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began == nil {
		a.began = map[*plan]time.Time{}
	}
	a.began[p] = time.Now()
}

func (a *appends) end(p *plan) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.began, p)
}

// longest is how long the oldest of them has taken.
func (a *appends) longest(now time.Time) (longest time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, began := range a.began {
		longest = max(longest, now.Sub(began))
	}
	return longest
}
