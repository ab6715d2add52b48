package sqlite

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"math"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// selectEvents begins every statement that reads events. The name of an index and
// theirStreams follow. The index is named because SQLite does not know how many
// streams and events there are: left to itself, it would sort the whole log to
// find the newest eight events of all streams.
const selectEvents = `select h.stream, e."offset", e.id, e.type, e.version, e.occurred_at, e.received_at, e.source, e.subject,
	e.api_key, e.idempotency_key, e.context, e.payload from events e indexed by `

// theirStreams looks the stream up of each event that the index led to. SQLite
// keeps to the order of a cross join: it never begins with the streams.
const theirStreams = ` cross join heads h on h.number = e.stream where `

// Read implements [core.Reader].
func (s *Storage) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	return s.events(ctx, readQuery(core.OrganizationOf(ctx), stream, scan), scan.Limit, scan.Bytes)
}

// readQuery reads a stream, of one organization only unless org is zero.
func readQuery(org, stream core.ID, scan core.Scan) query {
	q := query{
		text: selectEvents + `events_offset` + theirStreams + `e.stream = (select number from heads where stream = ?) and e."offset" >= ?`,
		args: []any{stream[:], int64(scan.From)},
	}
	if !org.IsZero() {
		q.and(`h.org = ?`, org[:])
	}
	if scan.To > 0 {
		q.and(`e."offset" < ?`, int64(scan.To))
	}
	q.filter(scan.Filter)
	q.text += ` order by e."offset"` + direction(scan.Backward) + ` limit ?`
	q.args = append(q.args, scan.Limit)
	return q
}

// ReadAll implements [core.Reader].
func (s *Storage) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	if !core.SeesOrganization(ctx, org) {
		return nil, ctx.Err()
	}
	return s.events(ctx, readAllQuery(org, scan), scan.Limit, scan.Bytes)
}

func readAllQuery(org core.ID, scan core.AllScan) query {
	q := query{text: selectEvents + `events_received_at` + theirStreams + `h.org = ?`, args: []any{org[:]}}
	if !scan.After.IsZero() {
		at := scan.After.ReceivedAt.UnixMicro()
		q.and(`e.received_at >= ?`, at)
		q.and(`(e.received_at, h.stream, e."offset") > (?, ?, ?)`, at, scan.After.Stream[:], int64(scan.After.Offset))
	}
	if !scan.Before.IsZero() {
		at := scan.Before.ReceivedAt.UnixMicro()
		q.and(`e.received_at <= ?`, at)
		q.and(`(e.received_at, h.stream, e."offset") < (?, ?, ?)`, at, scan.Before.Stream[:], int64(scan.Before.Offset))
	}
	turn := direction(scan.Backward)
	q.text += ` order by e.received_at` + turn + `, h.stream` + turn + `, e."offset"` + turn + ` limit ?`
	q.args = append(q.args, scan.Limit)
	return q
}

func direction(backward bool) string {
	if backward {
		return " desc"
	}
	return ""
}

// query is a statement that is being put together, with its arguments.
type query struct {
	text string
	args []any
}

func (q *query) and(condition string, args ...any) {
	q.text += " and " + condition
	q.args = append(q.args, args...)
}

func (q *query) filter(f core.Filter) {
	if !f.ID.IsZero() {
		q.and(`e.id = ?`, f.ID[:])
	}
	for _, field := range []struct{ column, value string }{{"type", f.Type}, {"source", f.Source}, {"subject", f.Subject}} {
		if field.value != "" {
			q.and("e."+field.column+" = ?", field.value)
		}
	}
}

// events runs a query, and stops reading when the events hold the given bytes; 0
// is without end.
func (s *Storage) events(ctx context.Context, q query, limit, bytes int) ([]core.Event, error) {
	found, err := s.readers.QueryContext(ctx, q.text, q.args...)
	if err != nil {
		return nil, storeError(err)
	}
	defer found.Close() //nolint:errcheck // found.Err says what went wrong
	events := make([]core.Event, 0, min(limit, 1000))
	for size := 0; (bytes == 0 || size < bytes) && found.Next(); size += events[len(events)-1].Size() {
		event, err := scanEvent(found)
		if err != nil {
			return nil, err
		}
		events = append(events, event)
	}
	return events, storeError(found.Err())
}

func scanEvent(found *sql.Rows) (core.Event, error) {
	var e core.Event
	var stream, id, apiKey sql.RawBytes
	var occurredAt, receivedAt int64
	var context, payload []byte
	err := found.Scan(&stream, &e.Offset, &id, &e.Type, &e.Version, &occurredAt, &receivedAt, &e.Source, &e.Subject,
		&apiKey, &e.IdempotencyKey, &context, &payload)
	if err != nil {
		return e, err
	}
	copy(e.Stream[:], stream)
	copy(e.ID[:], id)
	copy(e.APIKeyID[:], apiKey)
	e.OccurredAt, e.ReceivedAt = fromMicros(occurredAt), fromMicros(receivedAt)
	e.Payload = payload
	if len(context) > 0 {
		e.Context = context
	}
	return e, nil
}

const selectBounds = `select wanted.key, first_offset, next_offset, last_at, org
	from json_each(?) wanted cross join heads on heads.stream = unhex(wanted.value)`

// Bounds implements [core.Reader].
func (s *Storage) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	bounds := make([]core.Bounds, len(streams))
	rows, err := s.readers.QueryContext(ctx, selectBounds, hexArray(streams))
	if err != nil {
		return nil, storeError(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err tells
	for rows.Next() {
		var i int
		var last int64
		var found core.Bounds
		var org sql.RawBytes
		if err := rows.Scan(&i, &found.First, &found.Next, &last, &org); err != nil {
			return nil, storeError(err)
		}
		if !core.SeesOrganization(ctx, core.ID(org)) {
			continue
		}
		if found.Next > 0 { // a fence makes a row of what was never written to
			found.Last = fromMicros(last)
		}
		bounds[i] = found
	}
	return bounds, storeError(rows.Err())
}

// hexArray writes ids as one argument, of which SQLite's json_each and unhex make
// rows again: one statement looks up any number of streams.
func hexArray(ids []core.ID) string {
	text := make([]byte, 0, len(ids)*(2*len(core.ID{})+3)+2)
	text = append(text, '[')
	for i, id := range ids {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, '"')
		text = hex.AppendEncode(text, id[:])
		text = append(text, '"')
	}
	return string(append(text, ']'))
}

// OffsetAt implements [core.Reader], by binary search: received_at never
// decreases with the offset. The search is one transaction, which sees one state
// of the log: no event that it looks for is trimmed meanwhile.
func (s *Storage) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	snapshot, err := s.readers.BeginTx(ctx, nil)
	if err != nil {
		return 0, storeError(err)
	}
	defer snapshot.Rollback() //nolint:errcheck // it has only read
	offset, err := search(ctx, snapshot, stream, at)
	return offset, storeError(err)
}

const selectTime = `select received_at from events where stream = ? and "offset" = ?`

func search(ctx context.Context, snapshot *sql.Tx, stream core.ID, at time.Time) (core.Offset, error) {
	var number int64
	var low, high core.Offset
	var org []byte
	err := snapshot.QueryRowContext(ctx, `select number, first_offset, next_offset, org from heads where stream = ?`, stream[:]).
		Scan(&number, &low, &high, &org)
	if errors.Is(err, sql.ErrNoRows) || err == nil && !core.SeesOrganization(ctx, core.ID(org)) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	probe, err := snapshot.PrepareContext(ctx, selectTime)
	if err != nil {
		return 0, err
	}
	defer probe.Close() //nolint:errcheck // nothing depends on it
	wanted := microseconds(at)
	for low < high {
		middle := low + (high-low)/2
		var received int64
		if err := probe.QueryRowContext(ctx, number, int64(middle)).Scan(&received); err != nil {
			return 0, err
		}
		if received < wanted {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low, nil
}

// Times are kept as microseconds since 1970.

func fromMicros(t int64) time.Time { return time.UnixMicro(t).UTC() }

// microseconds is the first time that can be stored and is not before t: a time
// between two microseconds is rounded up.
func microseconds(t time.Time) int64 {
	micros := t.UnixMicro()
	if t.After(time.UnixMicro(micros)) && micros < math.MaxInt64 {
		micros++
	}
	return micros
}
