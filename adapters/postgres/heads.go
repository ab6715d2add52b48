package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// head is what this process believes a stream's row in the table heads to hold.
type head struct {
	org core.ID
	// next is the offset of the next event. It comes from the row, or from an
	// append of this process that was committed, so it is never ahead of the row.
	// It falls behind when another server appends.
	next core.Offset
	// last is when the newest event was received; zero where there is none.
	last time.Time
	// taken is how many offsets, from next on, the append in progress takes. It
	// is part of a plan only: what is remembered between appends has none.
	taken int
}

func (h *head) set(next core.Offset, last *time.Time) {
	h.next, h.last = next, time.Time{}
	if last != nil {
		h.last = last.UTC()
	}
}

// heads remembers the counters between appends. What it says is a guess: an
// append uses it, the database checks it, and no reader is ever answered from it.
//
// Core gives all events of a stream to one committing goroutine, so two appends
// of this process never take offsets of one stream at the same time. If they
// did, the database would refuse one of them, and nothing would be lost but time.
type heads struct {
	// mu guards both maps. It is held while they are looked at or changed, and
	// never during a query: the streams of other commit lanes need it meanwhile.
	mu sync.Mutex
	// known has the counters as the newest finished append or look left them. A
	// stream whose last append failed is not in it, since the outcome of that
	// append may be unknown.
	known map[core.ID]head
	// patient has the streams that another server was seen to write, each with
	// how many of its next appends lock first. A stream leaves when the count is
	// used up, and is then appended to by a guess again.
	patient map[core.ID]int
}

const (
	// maxHeads bounds the memory. A stream that is forgotten costs its next append
	// a round trip.
	maxHeads = 100_000
	// patience is how many appends to a contended stream lock first. A guess that
	// is refused costs a whole append, so it is tried only once in so many; and
	// where the other server has stopped, appends are fast again after so many.
	patience = 64
)

func newHeads() *heads {
	return &heads{known: map[core.ID]head{}, patient: map[core.ID]int{}}
}

// contended reports whether an append to these streams should lock first. It
// counts the append for each stream that is contended.
func (h *heads) contended(streams []core.ID) (yes bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, stream := range streams {
		if left, ok := h.patient[stream]; ok {
			yes = true
			if left--; left == 0 {
				delete(h.patient, stream)
			} else {
				h.patient[stream] = left
			}
		}
	}
	return yes
}

// contend has the next appends to these streams lock first. Which of them made
// the append fail is not known, and does not matter: they are locked together.
func (h *heads) contend(streams []core.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, stream := range streams {
		h.patient[stream] = patience
	}
}

// forget has the next append ask the database where these streams are.
func (h *heads) forget(streams []core.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, stream := range streams {
		delete(h.known, stream)
	}
}

// advance remembers the counters that a finished append left.
func (h *heads) advance(p *plan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) > maxHeads {
		clear(h.known) // those in use are back after one append each
	}
	for stream, of := range p.heads {
		next := head{org: of.org, next: of.next + core.Offset(of.taken), last: of.last}
		if of.taken > 0 {
			next.last = p.at
		}
		h.known[stream] = next
	}
}

// fill gives the plan its streams' counters, from memory or, where it has none,
// from the database. There it makes the row of a new stream first, in a
// statement of its own: the append needs a row to guard or to lock.
func (h *heads) fill(ctx context.Context, conn *pgxpool.Conn, p *plan) error {
	var unknown []core.ID
	h.mu.Lock()
	for stream, of := range p.heads {
		if known, ok := h.known[stream]; ok {
			of.next, of.last = known.next, known.last
		} else {
			unknown = append(unknown, stream)
		}
	}
	h.mu.Unlock()
	if len(unknown) == 0 {
		return nil
	}
	// The rows are inserted in the order of their ids, in which appends lock them,
	// so that two servers that meet the same new streams wait for each other in
	// one direction only.
	orgs := make([]core.ID, len(unknown))
	for i, stream := range unknown {
		orgs[i] = p.heads[stream].org
	}
	var batch pgx.Batch
	batch.Queue(`insert into heads (stream, org) select * from unnest($1::uuid[], $2::uuid[]) order by 1 on conflict do nothing`, uuids(unknown), uuids(orgs))
	batch.Queue(`select stream, next_offset, last_at from heads where stream = any($1)`, uuids(unknown))
	results := conn.SendBatch(ctx, &batch)
	defer results.Close() //nolint:errcheck // the reads below say what went wrong
	if _, err := results.Exec(); err != nil {
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	if err := p.readHeads(rows); err != nil {
		return err
	}
	return results.Close()
}
