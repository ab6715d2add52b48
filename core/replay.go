package core

import "time"

// ReplayState is where a replay is in its life.
type ReplayState string

// The states of a replay.
const (
	ReplayRunning ReplayState = "running"
	ReplayDone    ReplayState = "done"
	// ReplayFailed met an obstacle that will not go away by itself; Error names it.
	ReplayFailed ReplayState = "failed"
	// ReplayStopped was ended before its end, by somebody or because whoever had started
	// it may not do so any more; Error says that.
	ReplayStopped ReplayState = "stopped"
)

// The bounds of a replay's rate, in letters a second. A lower rate would make a replay
// that never ends, and a higher one means the same as none.
const (
	MinReplayRate = 0.01
	MaxReplayRate = 1e6
)

// MaxGroupReplays is how many replays of one group may run at once. A replay of many
// groups counts with the others that name the same stream, or none.
const MaxGroupReplays = 5

// Replay is the work of giving all dead letters that match a filter back to
// their groups. It survives restarts, and any node goes on with it.
type Replay struct {
	ID     ID           `json:"id"`
	Org    ID           `json:"-"`
	Filter LetterFilter `json:"filter"`
	// Streams narrows the replay as its creator was; empty is all.
	Streams []ID `json:"-"`
	// Rate is how many letters a second are given back at most; 0 is unbounded.
	Rate  float64     `json:"rate,omitempty"`
	State ReplayState `json:"state"`
	Error string      `json:"error,omitempty"`
	// Total is how many letters matched at the start. Done is how many were given
	// back, and Gone how many were no longer there or on their way already.
	Total int64 `json:"total"`
	Done  int64 `json:"done"`
	Gone  int64 `json:"gone"`
	// Cursor is the last letter that was looked at. Until is the last one that belongs
	// to the replay.
	Cursor ID `json:"-"`
	Until  ID `json:"-"`
	// CreatedBy is the user or the key that started the replay, which goes on for as
	// long as they may start one. Zero stands for whoever operates the server, or for
	// an earlier version, which did not note it: then nobody is looked for.
	CreatedBy ID `json:"created_by,omitzero"`
	// HeldUntil is until when nobody else works on the replay: one node has it, or its
	// rate has nothing for it to do before.
	HeldUntil time.Time `json:"-"`
	Revision  int64     `json:"-"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// ReplayScan says which replays of an organization to read. Zero fields select all.
type ReplayScan struct {
	State ReplayState
	// Before leaves out this id and all after it.
	Before ID
	// Limit bounds the replays returned; it is at least 1.
	Limit int
}

// ReplayQuery asks for a page of an organization's replays.
type ReplayQuery struct {
	State  ReplayState
	Cursor string
	Limit  int
}

// ReplaySpec says which dead letters to give back, and how fast.
type ReplaySpec struct {
	Query LetterQuery
	// Since leaves out the letters that were parked before; zero leaves out none. A
	// letter that was replayed and parked again counts by the first time.
	Since time.Time
	// Rate is how many letters a second are given back at most; 0 is unbounded.
	Rate float64
}
