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

// plan is one append: its batches, their streams, and the statement and rows that
// they become. Attempts share a plan, so each sets what the one before has left.
type plan struct {
	at      time.Time
	day     int32
	batches []core.Batch
	// streams are the batches' streams, each once, by id. All servers lock in this
	// order, so none of them waits for another in a circle.
	streams []core.ID
	// heads are the streams' counters. They are right once their rows are locked,
	// and a guess before.
	heads map[core.ID]*head
	// keyed are the entries that have an idempotency key.
	keyed []keyedEntry
	// rows is how many events place has put into the buffer.
	rows int

	// buffer holds the rows as COPY reads them. It is on loan from buffers.
	buffer *[]byte
}

// buffers are for the rows of appends to come: a group has up to 32 MiB, and
// groups follow each other many times a second.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxKeptBuffer is the largest buffer that is kept for the next append. The
// memory of a rare larger one is given back.
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

// release gives the buffer back. Nobody may read it any more.
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
		seconds -= day - 1 // a division rounds towards zero, and days round down
	}
	return int32(seconds / day)
}

// partition is the table of a day's events.
func partition(day int32) string {
	return "events_" + time.Unix(int64(day)*24*60*60, 0).UTC().Format("20060102")
}

// lock reads the counters under their locks, which the transaction holds until
// it ends. A row that another append holds is waited for, and then read as that
// append has left it.
func (p *plan) lock(ctx context.Context, tx pgx.Tx) error {
	rows, err := tx.Query(ctx, `select stream, next_offset, last_at from heads where stream = any($1) order by stream for update`, uuids(p.streams))
	if err != nil {
		return err
	}
	return p.readHeads(rows)
}

// readHeads takes the counters from rows of stream, next offset and last time.
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

// checkClock refuses a time before that of an event already stored, because
// received_at must never decrease with the offset: reading from a time is a
// binary search. What it looks at may be a guess; the guard in the database
// refuses what a guess lets through.
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
// Offsets follow the order of batches and entries, without a gap.
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
	*p.buffer = binary.BigEndian.AppendUint16(*p.buffer, 0xffff) // the end of the rows
}

func (p *plan) copyData() []byte { return *p.buffer }

// statement is the message that goes before the rows: it takes the offsets,
// remembers the keys and begins the COPY. PostgreSQL runs the statements of one
// message as one transaction, and commits when the COPY ends. The offsets come
// first, because that locks the streams' rows for all that follows.
//
// Such a message has no parameters. It holds ids, numbers, times and hashes, and
// no text of any client: payloads and types are in the rows.
func (p *plan) statement() string {
	var b bytes.Buffer
	for _, stream := range p.streams {
		h := p.heads[stream]
		if h.taken > 0 {
			fmt.Fprintf(&b, "select eventflow_advance('%s', %d, %d, '%s', %d);\n", stream, h.next, h.taken, sqlTime(p.at), p.day)
		}
	}
	p.writeKeys(&b)
	b.WriteString(copyStatement(p.day))
	return b.String()
}

// copyStatement begins the COPY of rows into a day's partition.
func copyStatement(day int32) string {
	return `copy ` + partition(day) + ` (stream, day, "offset", org, id, type, version, occurred_at, received_at,
		source, subject, api_key, idempotency_key, context, payload) from stdin binary`
}

func sqlTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.999999Z07:00") }
