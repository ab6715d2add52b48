package jetstream

import (
	"context"
	"maps"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

var _ core.Guarded = (*Storage)(nil)

// guard keeps how far the partitions have come.
type guard struct {
	extents core.Extents
	store   string
	// stop ends run, which closes ended.
	stop, ended chan struct{}
	// kept is what was kept last. Only run uses it, and close after run has ended.
	kept map[int]uint64
}

// keepEvery is how far the extents may be behind. What was stored since is guarded by
// what the running processes remember.
const keepEvery = time.Second

// Guard implements [core.Guarded].
func (s *Storage) Guard(ctx context.Context, extents core.Extents) error {
	known, err := extents.Extents(ctx, s.settings.name)
	if err != nil {
		return err
	}
	for _, p := range s.partitions {
		p.saw(known[p.number])
		p.doubt()
	}
	g := &guard{extents: extents, store: s.settings.name, stop: make(chan struct{}), ended: make(chan struct{}), kept: known}
	s.guarded.Do(func() {
		s.guard = g
		go g.run(s.partitions)
	})
	return nil
}

// Lost implements [core.Guarded].
func (s *Storage) Lost() (lost int) {
	for _, p := range s.partitions {
		if p.late() {
			lost++
		}
	}
	return lost
}

func (g *guard) run(partitions []*partition) {
	defer close(g.ended)
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-g.stop:
			return
		case <-tick.C:
			g.keep(partitions)
			g.watch(partitions)
		}
	}
}

// watch looks again at leaders that were behind, so that Lost forgets them in time.
func (g *guard) watch(partitions []*partition) {
	ctx, cancel := context.WithTimeout(context.Background(), keepEvery)
	defer cancel()
	_ = each(partitions, func(p *partition) error {
		if p.isBehind() {
			return p.look(ctx)
		}
		return nil
	})
}

// keep tries once. What fails is tried with the next tick.
func (g *guard) keep(partitions []*partition) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	now := map[int]uint64{}
	for _, p := range partitions {
		if high := p.known(); high > g.kept[p.number] {
			now[p.number] = high
		}
	}
	if len(now) > 0 && g.extents.KeepExtents(ctx, g.store, now) == nil {
		maps.Copy(g.kept, now)
	}
}

// close keeps the extents a last time.
func (s *Storage) closeGuard() {
	s.guarded.Do(func() {}) // none from now on
	if s.guard != nil {
		close(s.guard.stop)
		<-s.guard.ended
		s.guard.keep(s.partitions)
	}
}
