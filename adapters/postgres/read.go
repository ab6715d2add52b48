package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/eventflow-go/eventflow/adapters/pgtenant"
	"github.com/eventflow-go/eventflow/core"
)

// dropsMet is how often a reader looks again because what it was about to look at was
// removed meanwhile. A trim of many days drops one after the other, and a reader may be
// just before each of them.
const dropsMet = 1000

// Read implements [core.Reader]. A partition that is gone was dropped by retention
// after the segments were read. What is left begins in a later one, so the read
// forgets the segments and looks again.
func (s *Storage) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	read := s.readForward
	if scan.Backward {
		read = s.readBackward
	}
	events, err := read(ctx, stream, scan)
	for met := 0; met < dropsMet && pgtenant.State(err) == stateUndefinedTable; met++ {
		s.segments.keep(stream, nil)
		events, err = read(ctx, stream, scan)
	}
	return events, storeError(err)
}

// readForward goes from segment to segment, oldest first. It leaves a segment for
// the next one only when it knew the segment's end before it read the segment.
// The newest one that it knows has no known end: events may have been added to it
// after the query, and a next segment begun. So there it loads the segments, and
// is done only if they are those whose newest one it has just read.
func (s *Storage) readForward(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	page := newPage(scan.Limit, scan.Bytes)
	all := s.segments.get(stream)
	for from := scan.From; ; {
		at := holding(all, from)
		if at < len(all) {
			part := scan
			part.From = from
			ended := at+1 < len(all)
			if ended {
				part.To = lower(scan.To, all[at+1].first)
			}
			if err := s.readSegment(ctx, page, stream, all[at].day, part); err != nil {
				return nil, err
			}
			if ended {
				from = all[at+1].first
			}
			if page.room() == 0 || scan.To > 0 && ended && from >= scan.To {
				return page.events, nil
			}
			if ended {
				continue
			}
			from = max(from, page.end()) // what was read of the newest segment is not read again
		}
		loaded, err := s.loadSegments(ctx, stream)
		if err != nil {
			return nil, err
		}
		if slices.Equal(loaded, all) {
			return page.events, nil
		}
		all = loaded
	}
}

// lower is the smaller end of two, where zero is none.
func lower(a, b core.Offset) core.Offset {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// readBackward goes from segment to segment, newest first. It loads the segments
// in any case: only the database knows which one is the newest.
func (s *Storage) readBackward(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	all, err := s.loadSegments(ctx, stream)
	if err != nil {
		return nil, err
	}
	page := newPage(scan.Limit, scan.Bytes)
	for at := len(all) - 1; at >= 0 && page.room() > 0; at-- {
		if scan.To > 0 && all[at].first >= scan.To {
			continue
		}
		if err := s.readSegment(ctx, page, stream, all[at].day, scan); err != nil {
			return nil, err
		}
		if all[at].first <= scan.From {
			break
		}
	}
	return page.events, nil
}

const selectEvents = `select stream, "offset", id, type, version, occurred_at, received_at, source, subject, api_key, idempotency_key, context, payload from `

// readSegment adds a part of a stream in one partition to the page, as far as the
// page has room.
func (s *Storage) readSegment(ctx context.Context, page *page, stream core.ID, day int32, scan core.Scan) error {
	return s.collect(ctx, page, stream, func(last *core.Event) *query {
		from, to := scan.From, scan.To
		switch {
		case last == nil:
		case scan.Backward:
			to = last.Offset
		default:
			from = last.Offset + 1
		}
		q := &query{text: selectEvents + partition(day)}
		q.where(`stream = %s`, [16]byte(stream))
		q.where(`"offset" >= %s`, int64(from))
		if to > 0 || last != nil && scan.Backward {
			q.where(`"offset" < %s`, int64(to))
		}
		q.filter(scan.Filter)
		q.text += ` order by "offset"` + direction(scan.Backward)
		return q
	})
}

// collect adds what a query finds to the page. It asks for a portion after the
// other, because PostgreSQL sends all that it was asked for, and a page of few
// large events would have to read a thousand of them off the connection. after
// makes the query for what follows the last event of the portion before.
//
// source is whose events these are: they are taken to be as large as the last time.
func (s *Storage) collect(ctx context.Context, page *page, source core.ID, after func(last *core.Event) *query) error {
	var last *core.Event
	for page.room() > 0 {
		begun, size, limit := len(page.events), page.size, s.sizes.portion(source, page)
		q := after(last)
		q.add(" limit %s", limit)
		rows, err := s.pool.Query(ctx, q.text, q.args...)
		if err != nil {
			return err
		}
		if err := page.read(rows); err != nil {
			return err
		}
		found := len(page.events) - begun
		if found > 0 {
			s.sizes.keep(source, (page.size-size)/found)
		}
		if found < limit { // there is no more, or no more room
			return nil
		}
		last = &page.events[len(page.events)-1]
	}
	return nil
}

func direction(backward bool) string {
	if backward {
		return " desc"
	}
	return ""
}

// query is a statement in the making. Its values are always parameters: no text
// of a client becomes part of the statement. The names of partitions do, and they
// are made of numbers.
type query struct {
	text string
	args []any
}

// add appends a text in which each %s stands for the next value.
func (q *query) add(text string, values ...any) {
	places := make([]any, len(values))
	for i, value := range values {
		q.args = append(q.args, value)
		places[i] = fmt.Sprintf("$%d", len(q.args))
	}
	q.text += fmt.Sprintf(text, places...)
}

func (q *query) where(condition string, values ...any) {
	word := " and "
	if len(q.args) == 0 {
		word = " where "
	}
	q.add(word+condition, values...)
}

func (q *query) filter(f core.Filter) {
	if !f.ID.IsZero() {
		q.where(`id = %s`, [16]byte(f.ID))
	}
	if f.Type != "" {
		q.where(`type = %s`, f.Type)
	}
	if f.Source != "" {
		q.where(`source = %s`, f.Source)
	}
	if f.Subject != "" {
		q.where(`subject = %s`, f.Subject)
	}
}

// ReadAll implements [core.Reader]. A day's partition holds all that was received
// on that day and nothing else, so days are read one after the other, each by its
// index on organization and time. A day that retention drops meanwhile has
// nothing to show.
func (s *Storage) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	days, err := s.days(ctx, scan)
	if err != nil {
		return nil, storeError(err)
	}
	page := newPage(scan.Limit, scan.Bytes)
	for _, day := range days {
		if page.room() == 0 {
			break
		}
		err := s.readDay(ctx, page, org, day, scan)
		if err != nil && pgtenant.State(err) != stateUndefinedTable {
			return nil, storeError(err)
		}
	}
	return page.events, nil
}

// days lists the partitions that the scan may have to look at, in its order. It
// asks PostgreSQL's catalog and not the segments: those are a row for each stream
// and day, and here a day counts once.
func (s *Storage) days(ctx context.Context, scan core.AllScan) ([]int32, error) {
	first, last := int32(-1<<31), int32(1<<31-1)
	if !scan.After.IsZero() {
		first = dayOf(scan.After.ReceivedAt)
	}
	if !scan.Before.IsZero() {
		last = dayOf(scan.Before.ReceivedAt)
	}
	rows, err := s.pool.Query(ctx, `select day from (
			select to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') - '1970-01-01'::date as day
			from pg_inherits where inhparent = to_regclass('events')) partitions
		where day between $1 and $2 order by day`+direction(scan.Backward), first, last)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[int32])
}

func (s *Storage) readDay(ctx context.Context, page *page, org core.ID, day int32, scan core.AllScan) error {
	return s.collect(ctx, page, org, func(last *core.Event) *query {
		after, before := scan.After, scan.Before
		switch {
		case last == nil:
		case scan.Backward:
			before = core.Position{ReceivedAt: last.ReceivedAt, Stream: last.Stream, Offset: last.Offset}
		default:
			after = core.Position{ReceivedAt: last.ReceivedAt, Stream: last.Stream, Offset: last.Offset}
		}
		q := &query{text: selectEvents + partition(day)}
		q.where(`org = %s`, [16]byte(org))
		// The index ends with received_at. Of the two conditions the first bounds how
		// much of it is read, and the second finds the place among equal times.
		if !after.IsZero() {
			q.where(`received_at >= %s`, after.ReceivedAt)
			q.where(`(received_at, stream, "offset") > (%s, %s, %s)`, after.ReceivedAt, [16]byte(after.Stream), int64(after.Offset))
		}
		if !before.IsZero() {
			q.where(`received_at <= %s`, before.ReceivedAt)
			q.where(`(received_at, stream, "offset") < (%s, %s, %s)`, before.ReceivedAt, [16]byte(before.Stream), int64(before.Offset))
		}
		turn := direction(scan.Backward)
		q.text += ` order by received_at` + turn + `, stream` + turn + `, "offset"` + turn
		return q
	})
}

// Bounds implements [core.Reader].
func (s *Storage) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	rows, err := s.pool.Query(ctx, `select stream, first_offset, next_offset, last_at from heads where stream = any($1)`, uuids(streams))
	if err != nil {
		return nil, storeError(err)
	}
	found := make(map[core.ID]core.Bounds, len(streams))
	var stream [16]byte
	var bounds core.Bounds
	var last *time.Time
	_, err = pgx.ForEachRow(rows, []any{&stream, &bounds.First, &bounds.Next, &last}, func() error {
		bounds.Last = time.Time{}
		if last != nil {
			bounds.Last = last.UTC()
		}
		found[stream] = bounds
		return nil
	})
	if err != nil {
		return nil, storeError(err)
	}
	all := make([]core.Bounds, len(streams))
	for i, stream := range streams {
		all[i] = found[stream]
	}
	return all, nil
}

// OffsetAt implements [core.Reader]. The time's day leads to the segment, and a
// binary search in the database to the event within it. That works because
// received_at never decreases with the offset, and offsets have no gap.
//
// Retention may remove a partition, or the event that the search looks at, while
// this goes on. It moves the bounds first, so a second try begins behind it.
func (s *Storage) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	offset, err := s.offsetAt(ctx, stream, at)
	if errors.Is(err, pgx.ErrNoRows) || pgtenant.State(err) == stateUndefinedTable {
		offset, err = s.offsetAt(ctx, stream, at)
	}
	return offset, storeError(err)
}

func (s *Storage) offsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	bounds, err := s.Bounds(ctx, []core.ID{stream})
	if err != nil {
		return 0, err
	}
	all, err := s.loadSegments(ctx, stream)
	if err != nil {
		return 0, err
	}
	day := dayOf(at)
	for i, one := range all {
		if one.day < day {
			continue
		}
		low, high := max(one.first, bounds[0].First), bounds[0].Next
		if i+1 < len(all) {
			high = all[i+1].first
		}
		if one.day > day || high <= low {
			return low, nil
		}
		return s.search(ctx, stream, day, low, high, at)
	}
	return bounds[0].Next, nil
}

// search finds the first offset in [low, high) received at or after a time, or
// high where there is none. PostgreSQL does all steps of the search in one query,
// each by one look into the index on stream and offset.
func (s *Storage) search(ctx context.Context, stream core.ID, day int32, low, high core.Offset, at time.Time) (core.Offset, error) {
	// Stored times have microseconds, and what is finer is lost on the way there.
	// The first event at or after such a time is at or after the next microsecond.
	rounded := at.Truncate(time.Microsecond)
	if rounded.Before(at) {
		rounded = rounded.Add(time.Microsecond)
	}
	var found core.Offset
	err := s.pool.QueryRow(ctx, `with recursive search (low, high) as (
			select $2::bigint, $3::bigint
			union all
			select case when e.received_at < $4 then (low + high) / 2 + 1 else low end,
				case when e.received_at < $4 then high else (low + high) / 2 end
			from search join lateral (
				select received_at from `+partition(day)+` where stream = $1 and "offset" = (low + high) / 2
			) e on true
			where low < high)
		select low from search where low >= high`,
		[16]byte(stream), int64(low), int64(high), rounded).Scan(&found)
	return found, err
}
