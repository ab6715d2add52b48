package postgres

import (
	"context"
	"sort"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
)

// segment says that a stream's offsets from first on, up to the first one of the
// next segment, are in the partition of a day. A segment never changes: it is
// written by the first append of the day, and removed by retention.
type segment struct {
	day   int32
	first core.Offset
}

// segments remembers the streams' segments, so that a page from a known offset
// goes straight to its partition.
//
// What it remembers may be too short, because a new day has begun since, and may
// have segments that retention has removed. A reader notices both: the end of the
// known ones is where it asks the database, and a partition that is gone is an
// error that makes it forget.
type segments struct {
	// mu guards the map, and is held for a look at it only. A list in it is
	// replaced as a whole and never changed, so readers use it without the lock.
	mu    sync.Mutex
	known map[core.ID][]segment
}

// maxSegments bounds how many streams are remembered. A stream that is forgotten
// costs its next reader a round trip.
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

// loadSegments reads a stream's segments, oldest first, and remembers them. In the
// name of an organization that does not own the stream it finds none, and that is
// remembered, too: the owner's next read gets to the end at once, and asks again.
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
// begins at or before it. An offset before all of them was removed, and what is
// left begins in the first one.
func holding(all []segment, offset core.Offset) int {
	return max(sort.Search(len(all), func(i int) bool { return all[i].first > offset })-1, 0)
}
