package core

import "time"

// Mode says how a consumer group hands out its events.
type Mode string

// The modes of a group.
const (
	// Ordered groups have one run of events in flight at a time, in strict order of
	// offsets. A refused event is tried again before anything after it.
	Ordered Mode = "ordered"
	// Shared groups give their consumers disjoint runs. A refused event comes again
	// later, and the others go on.
	Shared Mode = "shared"
)

// OrderingSubject is the ordering key that means the subject of an event. Any other is
// a path into the payload, as in `payload.customer.id`.
const OrderingSubject = "subject"

// Group is a named reader of one stream: together, its consumers get each
// event at least once.
type Group struct {
	ID     ID `json:"id"`
	Org    ID `json:"-"`
	Stream ID `json:"stream_id"`
	// Name is unique in the stream, by the rules of a stream's name.
	Name string `json:"name"`
	Mode Mode   `json:"mode"`
	// OrderingKey says what of an event is its key, in a shared group: "subject", or
	// "payload." and a path. Events of one key are handed out in order and one at a
	// time, whatever becomes of other keys. Events without the key have no order, and
	// neither has a group where it is "".
	OrderingKey string `json:"ordering_key,omitempty"`
	// Visibility is how long a consumer has for what it was handed, until it is
	// handed out again: 1 second to 12 hours.
	Visibility Seconds `json:"visibility"`
	// MaxAttempts is how often an event is handed out before it becomes a dead
	// letter: 1 to 100.
	MaxAttempts int     `json:"max_attempts"`
	Backoff     Backoff `json:"backoff"`
	// Processor says that the group is a [Processor]'s. The server itself reads it then,
	// and nobody else.
	Processor bool `json:"processor,omitempty"`
	// Revision counts the changes, from 1; it is the resource's ETag.
	Revision  int64     `json:"revision"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
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
	// MaxOrderingKeyLength is in characters.
	MaxOrderingKeyLength = 255
)

// GroupSpec describes a group to be created.
type GroupSpec struct {
	Name        string       `json:"name"`
	Mode        Mode         `json:"mode"`
	OrderingKey string       `json:"ordering_key"`
	Start       Start        `json:"start"`
	Visibility  *Seconds     `json:"visibility"`
	MaxAttempts *int         `json:"max_attempts"`
	Backoff     *BackoffSpec `json:"backoff"`
}

// GroupChange describes changes to a group; a nil field changes nothing. A
// group's mode, ordering key and start do not change: make another group, or reset this
// one.
type GroupChange struct {
	Name        *string      `json:"name,omitempty"`
	Visibility  *Seconds     `json:"visibility,omitempty"`
	MaxAttempts *int         `json:"max_attempts,omitempty"`
	Backoff     *BackoffSpec `json:"backoff,omitempty"`
}

// GroupStatus says how far a group got.
type GroupStatus struct {
	// CommittedOffset is the last offset up to which everything is settled. It is
	// -1 when nothing is.
	CommittedOffset Offset `json:"committed_offset"`
	// CommittedAt is when something was last settled, nil when nothing was.
	CommittedAt *time.Time `json:"committed_at"`
	// NextOffset is the first offset that was never handed out nor passed over for its
	// ordering key, EndOffset the next one of the stream.
	NextOffset Offset `json:"next_offset"`
	EndOffset  Offset `json:"end_offset"`
	// Lag is how many events are not settled: those never handed out, Leased
	// that consumers hold, and Waiting that are to be tried again or wait behind another
	// event of their ordering key.
	Lag     int64 `json:"lag"`
	Leased  int64 `json:"leased"`
	Waiting int64 `json:"waiting"`
	// LagSeconds is the age of the oldest event that is not settled. Where that is in the
	// archive it is an estimate, within a day.
	LagSeconds float64 `json:"lag_seconds"`
	// Missed is how many events retention removed before they were settled.
	Missed      int64 `json:"missed"`
	DeadLetters int64 `json:"dead_letters"`
}

// Apply makes a change and checks the result. On an error part of it may have been
// made.
func (g *Group) Apply(change GroupChange) error {
	if change.Name != nil {
		if err := CheckSeen("name", *change.Name); err != nil {
			return err
		}
	}
	set(&g.Name, change.Name)
	set(&g.Visibility, change.Visibility)
	set(&g.MaxAttempts, change.MaxAttempts)
	if change.Backoff != nil {
		set(&g.Backoff.Initial, change.Backoff.Initial)
		set(&g.Backoff.Max, change.Backoff.Max)
		if change.Backoff.Max == nil {
			g.Backoff.Max = max(g.Backoff.Max, g.Backoff.Initial)
		}
	}
	if err := CheckName(g.Name); err != nil {
		return err
	}
	switch {
	case g.Visibility < MinVisibility || g.Visibility > MaxVisibility:
		return Invalid("visibility", "must be %v to %v seconds", MinVisibility.Duration().Seconds(), MaxVisibility.Duration().Seconds())
	case g.MaxAttempts < 1 || g.MaxAttempts > MaxMaxAttempts:
		return Invalid("max_attempts", "must be 1 to %d", MaxMaxAttempts)
	case g.Backoff.Initial < 0 || g.Backoff.Initial > MaxBackoff:
		return Invalid("backoff.initial", "must be 0 to %v seconds", MaxBackoff.Duration().Seconds())
	case g.Backoff.Max < g.Backoff.Initial || g.Backoff.Max > MaxBackoff:
		return Invalid("backoff.max", "must be at least backoff.initial and at most %v seconds", MaxBackoff.Duration().Seconds())
	}
	return nil
}

// set replaces a field when there is a value for it.
func set[T any](field, value *T) {
	if value != nil {
		*field = *value
	}
}

// GroupOverview is a group with its stream's name and how far it got.
type GroupOverview struct {
	Group
	StreamName string `json:"stream_name"`
	// Unavailable says that the stream's shard is away. Of the status only the dead
	// letters are known then.
	Unavailable bool        `json:"unavailable,omitempty"`
	Status      GroupStatus `json:"status"`
}
