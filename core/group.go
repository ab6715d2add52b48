package core

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"time"
)

// Mode says how a consumer group hands out its events.
type Mode string

// The modes of a group.
const (
	// Ordered groups have one run of events in flight at a time, in strict
	// order of offsets: a refused event is tried again before anything after it.
	Ordered Mode = "ordered"
	// Shared groups give their consumers disjoint runs: a refused event comes
	// again later and the others go on.
	Shared Mode = "shared"
)

// Group is a named reader of one stream: together, its consumers get each
// event at least once.
type Group struct {
	ID     ID `json:"id"`
	Org    ID `json:"-"`
	Stream ID `json:"stream_id"`
	// Name is unique in the stream, by the rules of a stream's name.
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
	// Visibility is how long a consumer has for what it was handed, until it is
	// handed out again: 1 second to 12 hours.
	Visibility Seconds `json:"visibility"`
	// MaxAttempts is how often an event is handed out before it becomes a dead
	// letter: 1 to 100.
	MaxAttempts int     `json:"max_attempts"`
	Backoff     Backoff `json:"backoff"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Backoff says how long an event waits before it is tried again: Initial after
// the first attempt, twice as long after each further one, at most Max, and of
// that a random part between a half and the whole.
type Backoff struct {
	Initial Seconds `json:"initial"`
	Max     Seconds `json:"max"`
}

// The defaults and limits of a group.
const (
	DefaultVisibility     = Seconds(30 * time.Second)
	MinVisibility         = Seconds(time.Second)
	MaxVisibility         = Seconds(12 * time.Hour)
	DefaultMaxAttempts    = 5
	MaxMaxAttempts        = 100
	DefaultBackoffInitial = Seconds(time.Second)
	DefaultBackoffMax     = Seconds(5 * time.Minute)
	MaxBackoff            = Seconds(24 * time.Hour)
	MaxGroupsPerStream    = 1000
)

// after is how long an event waits after its n-th attempt; random is in [0, 1).
func (b Backoff) after(n int, random float64) time.Duration {
	longest := float64(b.Initial) * math.Pow(2, float64(n-1))
	longest = min(longest, float64(b.Max))
	return time.Duration(longest * (1 + random) / 2)
}

// Seconds is a duration that JSON writes as a number of seconds, with up to
// six decimals.
type Seconds time.Duration

// Duration returns s as a [time.Duration].
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// MarshalJSON implements [json.Marshaler].
func (s Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', -1, 64), nil
}

// maxSeconds is the longest duration that is read: what is longer is a mistake
// everywhere.
const maxSeconds = 1e9

// UnmarshalJSON implements [json.Unmarshaler].
func (s *Seconds) UnmarshalJSON(text []byte) error {
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.Abs(seconds) > maxSeconds {
		return &json.UnmarshalTypeError{Value: jsonKind(text), Type: reflect.TypeFor[float64]()}
	}
	*s = Seconds(math.Round(seconds*1e6)) * Seconds(time.Microsecond)
	return nil
}

// jsonKind names a JSON value as encoding/json does.
func jsonKind(text []byte) string {
	switch text[0] {
	case '"':
		return "string"
	case '{':
		return "object"
	case '[':
		return "array"
	case 't', 'f':
		return "bool"
	}
	return "number " + string(text)
}

// Progress is how far a group got, as a store keeps it.
type Progress struct {
	// Revision counts the changes, from 1.
	Revision int64
	// State is a JSON document that only core reads.
	State []byte
}

// GroupRecord is all that a store holds of a group, dead letters as their
// number.
type GroupRecord struct {
	Group       Group
	Progress    Progress
	DeadLetters int64
}

// Step is one change of a group's progress, with what belongs to it. A store
// makes all of it or nothing.
type Step struct {
	// Progress replaces the stored one, whose Revision is one less.
	Progress
	// Attempts are failed attempts to be remembered.
	Attempts []Attempt
	// Letters are dead letters to be stored; one whose ID is stored already is
	// replaced.
	Letters []DeadLetter
	// Remove are the ids of dead letters to be removed; unknown ones do not
	// matter.
	Remove []ID
}

// AttemptOutcome is how an attempt to have events processed ended.
type AttemptOutcome string

// The outcomes of attempts that are remembered.
const (
	// Nacked: the consumer refused the event.
	Nacked AttemptOutcome = "nacked"
	// Expired: the consumer said nothing in time.
	Expired AttemptOutcome = "expired"
	// Skipped: the consumer gave the event up for good.
	Skipped AttemptOutcome = "skipped"
)

// Attempt is a failed attempt to have events processed: all of those at From
// up to, not including, To.
type Attempt struct {
	From    Offset         `json:"-"`
	To      Offset         `json:"-"`
	Number  int            `json:"attempt"`
	At      time.Time      `json:"at"`
	Outcome AttemptOutcome `json:"outcome"`
	// Reason is the consumer's word, or "".
	Reason string `json:"reason,omitempty"`
}

// MaxReasonLength bounds a reason, in characters.
const MaxReasonLength = 1000
