package core

import "time"

// LetterState is where a dead letter is in its life.
type LetterState string

// The states of a dead letter. A letter that was discarded, or replayed with
// success, is gone.
const (
	// Parked letters wait for somebody to decide.
	Parked LetterState = "parked"
	// Replaying letters are being handed to their group again.
	Replaying LetterState = "replaying"
)

// DeadLetter is an event that a group could not process. It has a copy of the event,
// so it outlives the event's retention.
type DeadLetter struct {
	ID     ID `json:"id"`
	Org    ID `json:"-"`
	Stream ID `json:"stream_id"`
	Group  ID `json:"group_id"`
	// Event is the event; a replay may have given it another payload.
	Event Event       `json:"event"`
	State LetterState `json:"state"`
	// Reason is why the last attempt failed.
	Reason   string    `json:"reason"`
	Attempts []Attempt `json:"attempts"`
	ParkedAt time.Time `json:"parked_at"`
}

// LetterFilter selects dead letters by equality; an empty field matches all.
type LetterFilter struct {
	Stream ID          `json:"stream_id,omitzero"`
	Group  ID          `json:"group_id,omitzero"`
	Reason string      `json:"reason,omitempty"`
	Type   string      `json:"event_type,omitempty"`
	State  LetterState `json:"state,omitempty"`
	// Offset selects the letters of one event.
	Offset *Offset `json:"offset,omitempty"`
}

// LetterScan says which part of the dead letters to read.
type LetterScan struct {
	Filter LetterFilter
	// Streams narrows the scan to these streams; empty is all.
	Streams []ID
	// After and Before bound the ids, both exclusive; zero is open. Backward
	// turns the order of the answer, which is by id.
	After, Before ID
	Backward      bool
	Limit         int
}

// LetterCount is how many dead letters one group has for one reason.
type LetterCount struct {
	Stream ID     `json:"stream_id"`
	Group  ID     `json:"group_id"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
}

// LetterQuery selects dead letters. Stream and Group are ids or names; a Group
// needs its Stream.
type LetterQuery struct {
	Stream, Group string
	Reason, Type  string
	State         LetterState
	Cursor        string
	Limit         int
}
