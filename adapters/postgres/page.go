package postgres

import (
	"encoding/binary"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/core"
)

// page gathers events. It decodes rows from the wire's binary form by hand, and
// copies their bytes into chunks: a page of a thousand events costs a handful of
// allocations.
type page struct {
	limit  int
	bytes  int // 0 is no bound
	size   int // the sum of the events' sizes
	events []core.Event
	// chunk is where the next row's bytes go. The events before point into it, so
	// what has been written is never written again.
	chunk []byte
	// lastType and lastSource are those of the row before. Most rows repeat them,
	// and share the string.
	lastType, lastSource string
}

func newPage(limit, bytes int) *page {
	return &page{limit: limit, bytes: bytes, events: make([]core.Event, 0, min(limit, 1000))}
}

// room is how many more events the page takes.
func (p *page) room() int {
	if p.bytes > 0 && p.size >= p.bytes {
		return 0
	}
	return p.limit - len(p.events)
}

// end is the offset after the last event, zero when there is none.
func (p *page) end() core.Offset {
	if len(p.events) == 0 {
		return 0
	}
	return p.events[len(p.events)-1].Offset + 1
}

// read adds rows until there is no more room. Rows that the query has found beyond
// that are read off the connection by Close, and thrown away. A portion has few.
func (p *page) read(rows pgx.Rows) error {
	defer rows.Close()
	for p.room() > 0 && rows.Next() {
		p.events = append(p.events, core.Event{})
		event := &p.events[len(p.events)-1]
		p.decode(event, rows.RawValues())
		p.size += event.Size()
	}
	rows.Close()
	return rows.Err()
}

// decode reads a row of selectEvents. The row is in the connection's buffer, which
// the next row overwrites: nothing of it may be kept without a copy.
func (p *page) decode(e *core.Event, row [][]byte) {
	copy(e.Stream[:], row[0])
	e.Offset = core.Offset(binary.BigEndian.Uint64(row[1]))
	copy(e.ID[:], row[2])
	e.Type = repeated(&p.lastType, row[3])
	e.Version = int32(binary.BigEndian.Uint32(row[4]))
	e.OccurredAt, e.ReceivedAt = decodeTime(row[5]), decodeTime(row[6])
	e.Source = repeated(&p.lastSource, row[7])
	e.Subject = string(row[8])
	copy(e.APIKeyID[:], row[9])
	e.IdempotencyKey = string(row[10])
	if len(row[11]) > 0 { // a context that is null has no bytes
		e.Context = p.keep(row[11])
	}
	e.Payload = p.keep(row[12])
}

func decodeTime(raw []byte) time.Time {
	return fromPostgresMicros(int64(binary.BigEndian.Uint64(raw)))
}

// repeated returns a text, as the string before where that says the same. The
// comparison allocates nothing.
func repeated(last *string, text []byte) string {
	if *last != string(text) {
		*last = string(text)
	}
	return *last
}

// chunkSize is how much is allocated at once for the rows' bytes.
const chunkSize = 64 << 10

// keep copies bytes that the connection's buffer will overwrite. Its result has no
// spare capacity: whoever appends to it does not write into the next event.
func (p *page) keep(raw []byte) []byte {
	if len(raw) > cap(p.chunk)-len(p.chunk) {
		p.chunk = make([]byte, 0, max(chunkSize, len(raw)))
	}
	start := len(p.chunk)
	p.chunk = append(p.chunk, raw...)
	return p.chunk[start:len(p.chunk):len(p.chunk)]
}
