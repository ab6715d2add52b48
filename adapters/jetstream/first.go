package jetstream

import (
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// firsts remembers the first blocks of streams. Retention looks at every stream every
// hour; where the first block is to stay, as it is nearly always, nobody has to be asked.
// Blocks never change, and other nodes only remove some: so what is remembered may be gone,
// and what comes after it is no older.
type firsts struct {
	mu    sync.Mutex
	known map[core.ID]firstBlock
}

type firstBlock struct {
	seq  uint64
	last time.Time // when its newest event was received
	// clean: no key is left of an event before it.
	clean bool
}

func newFirsts() *firsts { return &firsts{known: map[core.ID]firstBlock{}} }

func (f *firsts) get(stream core.ID) (firstBlock, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one, ok := f.known[stream]
	return one, ok
}

// saw remembers a first block.
func (f *firsts) saw(b *block) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.known[b.stream].seq == b.seq {
		return
	}
	if len(f.known) >= maxHeads {
		for other := range f.known {
			delete(f.known, other)
			break
		}
	}
	f.known[b.stream] = firstBlock{seq: b.seq, last: b.last}
}

// cleaned notes that no key is left of an event before a first block.
func (f *firsts) cleaned(stream core.ID, seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if one := f.known[stream]; one.seq == seq {
		one.clean = true
		f.known[stream] = one
	}
}
