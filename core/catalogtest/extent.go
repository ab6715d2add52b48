package catalogtest

import (
	"context"
	"maps"
	"math"

	"github.com/eventflow-go/eventflow/core"
)

var extents = []guarantee{
	{"what a store has come to is kept, and never goes back", keptExtents},
	{"stores have extents of their own", extentsPerStore},
	{"extents are the installation's, whoever asks", extentsForAll},
}

// hasExtents compares what is kept of a store.
func (s *suite) hasExtents(ctx context.Context, store string, want map[int]uint64) {
	s.Helper()
	got, err := s.catalog.Extents(ctx, store)
	s.must(err, "Extents")
	s.check(maps.Equal(got, want), "Extents must be %v, got %v", want, got)
}

func keptExtents(s *suite) {
	ctx, store := context.Background(), newID(start).String()
	s.hasExtents(ctx, store, map[int]uint64{})
	for _, step := range []struct{ keep, want map[int]uint64 }{
		{map[int]uint64{0: 5, 3: 1}, map[int]uint64{0: 5, 3: 1}},
		{map[int]uint64{0: 4, 3: 2, 511: math.MaxInt64}, map[int]uint64{0: 5, 3: 2, 511: math.MaxInt64}},
		{map[int]uint64{}, map[int]uint64{0: 5, 3: 2, 511: math.MaxInt64}},
		{map[int]uint64{0: 5, 511: 1}, map[int]uint64{0: 5, 3: 2, 511: math.MaxInt64}},
	} {
		s.must(s.catalog.KeepExtents(ctx, store, step.keep), "KeepExtents")
		s.hasExtents(ctx, store, step.want)
	}
}

func extentsPerStore(s *suite) {
	ctx, one, other := context.Background(), newID(start).String(), newID(start).String()
	s.must(s.catalog.KeepExtents(ctx, one, map[int]uint64{0: 5}), "KeepExtents")
	s.must(s.catalog.KeepExtents(ctx, other, map[int]uint64{0: 3}), "KeepExtents")
	s.hasExtents(ctx, one, map[int]uint64{0: 5})
	s.hasExtents(ctx, other, map[int]uint64{0: 3})
}

func extentsForAll(s *suite) {
	store := newID(start).String()
	first, second := core.ContextWithOrganization(context.Background(), s.organization()), core.ContextWithOrganization(context.Background(), s.organization())
	s.must(s.catalog.KeepExtents(first, store, map[int]uint64{0: 5}), "KeepExtents")
	s.hasExtents(second, store, map[int]uint64{0: 5})
}
