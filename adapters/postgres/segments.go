package postgres

import (
	"context"
	"sort"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
)

// segment says that a stream's offsets from first on, up to the next segment,
// are in the partition of a day. Once written it only ever disappears.
type segment struct {
	day   int32
	first core.Offset
}

// segments remembers the streams' segments, so that a page from a known offset
// goes straight to its partition.
type segments struct {
	mu    sync.Mutex
	known map[core.ID][]segment
}

// maxSegments bounds how many streams are remembered.
const maxSegments = 20_000

func newSegments() *segments { return &segments{known: map[core.ID][]segment{}} }

func (s *segments) get(stream core.ID) []segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[stream]
}

func (s *segments) keep(stream core.ID, all []segment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.known) > maxSegments {
		clear(s.known)
	}
	s.known[stream] = all
}

// loadSegments reads a stream's segments, oldest first.
func (s *Storage) loadSegments(ctx context.Context, stream core.ID) ([]segment, error) {
	rows, err := s.pool.Query(ctx, `select day, first_offset from segments where stream = $1 order by day`, [16]byte(stream))
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (one segment, err error) {
		return one, row.Scan(&one.day, &one.first)
	})
	if err == nil {
		s.segments.keep(stream, all)
	}
	return all, err
}

// holding is the index of the segment that holds an offset: the last one that
// begins at or before it, or the first one.
func holding(all []segment, offset core.Offset) int {
	return max(sort.Search(len(all), func(i int) bool { return all[i].first > offset })-1, 0)
}
