package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/eventflow-go/eventflow/core"
)

// head is what this process believes of a stream's counter.
type head struct {
	org  core.ID
	next core.Offset
	last time.Time // zero when the stream is empty
	// taken is how many offsets the current append takes.
	taken int
}

func (h *head) set(next core.Offset, last *time.Time) {
	h.next, h.last = next, time.Time{}
	if last != nil {
		h.last = last.UTC()
	}
}

// heads remembers the counters between appends. It is a guess that the
// database checks: never the ground for an answer.
type heads struct {
	mu    sync.Mutex
	known map[core.ID]head
	// patient counts down, for streams that another server writes too, the
	// appends that take the lock first.
	patient map[core.ID]int
}

const (
	// maxHeads bounds the memory; what is forgotten costs a round trip.
	maxHeads = 100_000
	// patience is how many appends to a contended stream take the lock first.
	patience = 64
)

func newHeads() *heads {
	return &heads{known: map[core.ID]head{}, patient: map[core.ID]int{}}
}

// contended reports whether the append should lock first.
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

func (h *heads) contend(streams []core.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, stream := range streams {
		h.patient[stream] = patience
	}
}

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
		clear(h.known)
	}
	for stream, of := range p.heads {
		next := head{org: of.org, next: of.next + core.Offset(of.taken), last: of.last}
		if of.taken > 0 {
			next.last = p.at
		}
		h.known[stream] = next
	}
}

// fill gives the plan its streams' counters, from memory or, for those not in
// it, from the database, where they are made when the stream is new.
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
