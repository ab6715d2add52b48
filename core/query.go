package core

import "time"

// PayloadMatch selects events whose payload holds, at Path, a scalar whose
// text is Value: the characters of a string, the literal of anything else. A number
// matches however it is written: 1, 1.0 and 1e0 are one. Path names object keys and
// array indexes, joined by dots. A key that has dots itself is written as a JSON
// string, as in `user."first.name"`.
type PayloadMatch struct{ Path, Value string }

// EventQuery says which events to answer with. Its zero value is the first
// page of all, oldest first.
type EventQuery struct {
	Filter  Filter
	Payload []PayloadMatch
	// From and To bound ReceivedAt: From is included, To is not. Zero is open.
	From, To time.Time
	// After leaves out this offset and all before it. A query over all streams cannot
	// have it.
	After      *Offset
	Descending bool
	// Cursor continues a page of the same query.
	Cursor string
	// Limit is the size of a page, [DefaultPageSize] when zero.
	Limit int
	// Partial asks a query over all streams for what there is while a shard is away. The
	// page says what is missing. Without it such a query is an error, because who goes on
	// behind a page would never see the rest.
	Partial bool
}

// EventPage is a part of a query's answer. A page may hold fewer events than asked
// for, or none, and still have more after it: each page looks at a bounded part of
// the log, in which a filter may match rarely.
type EventPage struct {
	Page[Event]
	// Names are the names of the events' streams, in a page of all streams.
	Names map[ID]string
	// Missing says what a page of a Partial query lacks; nil is nothing.
	Missing *Missing
}
