package jetstream

import (
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// place is where a block was seen.
type place struct {
	seq          uint64
	offset, next core.Offset
	last         time.Time
}

func (b *block) place() place { return place{b.seq, b.offset, b.next(), b.last} }

// atlas remembers places of blocks, a few of each stream, so that an offset or a time is
// found in few questions. Blocks never change, so what is remembered is true for as
// long as the block is there. Retention may have removed it, which a reader sees.
type atlas struct {
	// mu guards of and the slices in it. It is never held while anybody is asked.
	mu sync.Mutex
	of map[core.ID][]place
}

const (
	// maxMapped bounds the streams that are remembered, and maxPlaces the places of each.
	maxMapped = 20_000
	maxPlaces = 256
)

func newAtlas() *atlas { return &atlas{of: map[core.ID][]place{}} }

// saw remembers a block. Of too many every other one is forgotten, the ends aside.
func (m *atlas) saw(b *block) {
	m.mu.Lock()
	defer m.mu.Unlock()
	places, known := m.of[b.stream]
	if !known && len(m.of) >= maxMapped {
		for other := range m.of {
			delete(m.of, other)
			break
		}
	}
	at, found := slices.BinarySearchFunc(places, b.seq, func(p place, seq uint64) int {
		switch {
		case p.seq < seq:
			return -1
		case p.seq > seq:
			return 1
		}
		return 0
	})
	if found {
		return
	}
	places = slices.Insert(places, at, b.place())
	if len(places) > maxPlaces {
		kept := places[:0]
		for i, one := range places {
			if i%2 == 0 || i == len(places)-1 {
				kept = append(kept, one)
			}
		}
		places = kept
	}
	m.of[b.stream] = places
}

// around returns the nearest known places before and at a goal, if there are any.
// reached says whether a place is at or behind the goal.
func (m *atlas) around(stream core.ID, reached func(place) bool) (before, at *place) {
	m.mu.Lock()
	defer m.mu.Unlock()
	places := m.of[stream]
	i, _ := slices.BinarySearchFunc(places, true, func(p place, _ bool) int {
		if reached(p) {
			return 1
		}
		return -1
	})
	if i > 0 {
		before = &place{}
		*before = places[i-1]
	}
	if i < len(places) {
		at = &place{}
		*at = places[i]
	}
	return before, at
}

// removed forgets places before a sequence.
func (m *atlas) removed(stream core.ID, before uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.of[stream] = slices.DeleteFunc(m.of[stream], func(p place) bool { return p.seq < before })
}
