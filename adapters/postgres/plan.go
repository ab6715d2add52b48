package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
)

// plan is one append: its batches by stream, and the statement and rows that
// it becomes.
type plan struct {
	at      time.Time
	day     int32
	batches []core.Batch
	// streams are the batches' streams in the one order in which all servers
	// lock them; heads are their counters.
	streams []core.ID
	heads   map[core.ID]*head
	// keyed are the entries that have an idempotency key.
	keyed []keyedEntry
	rows  int

	buffer *[]byte
}

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxKeptBuffer is the largest buffer that is kept for the next append.
const maxKeptBuffer = 8 << 20

func newPlan(at time.Time, batches []core.Batch) *plan {
	p := &plan{at: at, day: dayOf(at), batches: batches, heads: make(map[core.ID]*head, 1), buffer: buffers.Get().(*[]byte)}
	for i := range batches {
		stream := batches[i].Stream
		if p.heads[stream] == nil {
			p.heads[stream] = &head{org: batches[i].Org}
			p.streams = append(p.streams, stream)
		}
		for j := range batches[i].Entries {
			entry := &batches[i].Entries[j]
			entry.Outcome = core.Stored
			if entry.IdempotencyKey != "" {
				p.keyed = append(p.keyed, keyedEntry{
					entry: entry, id: entry.ID, stream: stream, hash: keyHash(entry.IdempotencyKey), since: batches[i].KeysSince,
				})
			}
		}
	}
	slices.SortFunc(p.streams, func(a, b core.ID) int { return bytes.Compare(a[:], b[:]) })
	return p
}

func (p *plan) release() {
	if cap(*p.buffer) <= maxKeptBuffer {
		buffers.Put(p.buffer)
	}
}

// dayOf is the number of t's UTC day, counted from 1970.
func dayOf(t time.Time) int32 {
	const day = 24 * 60 * 60
	seconds := t.Unix()
	if seconds < 0 {
		seconds -= day - 1
	}
	return int32(seconds / day)
}

// partition is the table of a day's events.
func partition(day int32) string {
	return "events_" + time.Unix(int64(day)*24*60*60, 0).UTC().Format("20060102")
}

// lock reads the counters under their locks.
func (p *plan) lock(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `select stream, next_offset, last_at from heads where stream = any($1) order by stream for update`, uuids(p.streams))
	if err != nil {
		return err
	}
	return p.readHeads(rows)
}

func (p *plan) readHeads(rows pgx.Rows) error {
	var stream [16]byte
	var next core.Offset
	var last *time.Time
	_, err := pgx.ForEachRow(rows, []any{&stream, &next, &last}, func() error {
		p.heads[stream].set(next, last)
		return nil
	})
	return err
}

func uuids(ids []core.ID) [][16]byte {
	out := make([][16]byte, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}

// checkClock refuses a time before that of an event already stored.
func (p *plan) checkClock() error {
	var last time.Time
	for _, h := range p.heads {
		if h.last.After(last) {
			last = h.last
		}
	}
	if p.at.Before(last) {
		return &core.ClockError{Last: last}
	}
	return nil
}

// place gives every entry that is to be stored its offset, and writes the rows.
func (p *plan) place() {
	p.rows = 0
	*p.buffer = appendCopyHeader((*p.buffer)[:0])
	for _, h := range p.heads {
		h.taken = 0
	}
	for i := range p.batches {
		h := p.heads[p.batches[i].Stream]
		for j := range p.batches[i].Entries {
			entry := &p.batches[i].Entries[j]
			if entry.Outcome != core.Stored {
				continue
			}
			entry.Offset, entry.ReceivedAt = h.next+core.Offset(h.taken), p.at
			h.taken++
			p.rows++
			*p.buffer = appendCopyRow(*p.buffer, &p.batches[i], p.day, entry)
		}
	}
	*p.buffer = binary.BigEndian.AppendUint16(*p.buffer, 0xffff)
}

func (p *plan) copyData() []byte { return *p.buffer }

// statement is what one round trip says before the rows: take the offsets,
// remember the keys, COPY. Several statements in one message are one
// transaction. Nothing in it is anybody's text: ids, numbers and hashes only.
func (p *plan) statement() string {
	var b bytes.Buffer
	for _, stream := range p.streams {
		h := p.heads[stream]
		if h.taken > 0 {
			fmt.Fprintf(&b, "select eventflow_advance('%s', %d, %d, '%s', %d);\n", stream, h.next, h.taken, sqlTime(p.at), p.day)
		}
	}
	p.writeKeys(&b)
	fmt.Fprintf(&b, `copy %s (stream, day, "offset", org, id, type, version, occurred_at, received_at,
		source, subject, api_key, idempotency_key, context, payload) from stdin binary`, partition(p.day))
	return b.String()
}

func sqlTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999Z07:00") }
