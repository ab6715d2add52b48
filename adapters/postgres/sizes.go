package postgres

import (
	"sync"

	"github.com/eventflow-go/eventflow/core"
)

// sizes remembers how large the events of a stream, or of all streams of an
// organization, were in the last page. It only decides how many are asked for at
// once: where it is wrong a page takes a query more, or reads some for nothing.
type sizes struct {
	mu    sync.Mutex // held for a look or a change only
	known map[core.ID]int
}

const (
	// maxSizes bounds the memory.
	maxSizes = 20_000
	// firstPortion is how many events are asked for where nothing is known.
	firstPortion = 32
)

// portion is how many events to ask for, for a page that is bounded by bytes: twice
// as many as should have room, so that one query is usually enough.
func (s *sizes) portion(source core.ID, page *page) int {
	if page.bytes == 0 {
		return page.room()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	size, ok := s.known[source]
	if !ok {
		return min(firstPortion, page.room())
	}
	return min(2*(page.bytes-page.size)/max(size, 1)+1, page.room())
}

func (s *sizes) keep(source core.ID, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || len(s.known) > maxSizes {
		s.known = map[core.ID]int{}
	}
	s.known[source] = size
}
