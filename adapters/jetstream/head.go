package jetstream

import (
	"context"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// head is what this process believes to be the end of a stream.
type head struct {
	// seq is the sequence of the last block, 0 where there is none.
	seq  uint64
	org  core.ID
	next core.Offset
	// last is when the newest event was received; zero where there is none.
	last time.Time
}

// heads remembers the ends of streams between appends. What it says is a guess: an
// append uses it, and the leader refuses the append if it is wrong. No reader is ever
// answered from it.
type heads struct {
	// mu guards known. It is never held while anybody is asked.
	mu    sync.Mutex
	known map[core.ID]belief
}

// belief is a head that may be out of date. It is kept even then, because a stream whose
// end is before it has lost events.
type belief struct {
	head
	stale bool
}

// maxHeads bounds the memory. A stream that is forgotten costs its next append a
// question.
const maxHeads = 100_000

func newHeads() *heads { return &heads{known: map[core.ID]belief{}} }

func (h *heads) get(stream core.ID) (head, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one, ok := h.known[stream]
	return one.head, ok && !one.stale
}

// set remembers a head, unless the stream is known to be further.
func (h *heads) set(stream core.ID, now head) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if old, ok := h.known[stream]; ok && now.seq < old.seq {
		return
	}
	if len(h.known) >= maxHeads {
		for other := range h.known {
			delete(h.known, other)
			break
		}
	}
	h.known[stream] = belief{head: now}
}

// doubt has the next append to a stream ask for its end.
func (h *heads) doubt(streams ...core.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, stream := range streams {
		if one, ok := h.known[stream]; ok {
			one.stale = true
			h.known[stream] = one
		}
	}
}

// seen is the sequence of the last block of a stream that this process knows of. The log
// has it, whatever became of appends since.
func (h *heads) seen(stream core.ID) uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.known[stream].seq
}

// headOf returns the end of a stream as the leader has it.
func (s *Storage) headOf(ctx context.Context, p *partition, stream core.ID) (head, error) {
	last, err := s.lastOf(ctx, p, stream)
	if err != nil {
		return head{}, err
	}
	var now head
	if last != nil {
		now = head{last.seq, last.org, last.next(), last.last}
		p.saw(last.seq)
	}
	s.heads.set(stream, now)
	return now, nil
}

// lastOf asks the leader for the last block of a stream, without its events, or nil where
// there is none.
func (s *Storage) lastOf(ctx context.Context, p *partition, stream core.ID) (last *block, err error) {
	seen := s.heads.seen(stream) // before the question: an append may be faster than its answer
	err = p.fresh(ctx, func() (uint64, error) {
		m, err := p.find(ctx, get{LastFor: p.blocks(stream)})
		if err != nil || m == nil {
			last = nil
			return 0, err
		}
		last, err = decodeHead(m)
		return m.seq, err
	}, seen)
	return last, err
}

// fresh calls look until it returns a sequence that is no less than what this process has
// seen of a stream. Where that does not end, the log has lost something.
func (p *partition) fresh(ctx context.Context, look func() (uint64, error), seen uint64) error {
	for late := time.Now().Add(catchUp); ; {
		seq, err := look()
		if err != nil || seq >= seen {
			return err
		}
		if time.Now().After(late) {
			return p.wentBack(seq)
		}
		p.doubt()
		if err := pause(ctx, lookAgain); err != nil {
			return p.unavailable(err)
		}
	}
}
