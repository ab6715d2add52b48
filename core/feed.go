package core

import (
	"context"
	"encoding/json"
	"time"
)

// FeedConnector knows one kind of system that events are fetched from, as Kafka. Its
// methods may be called at once.
type FeedConnector interface {
	// Check reads what somebody says about such a system and returns what is stored of it,
	// by the rules of [Connector].
	Check(given json.RawMessage, former Destination) (Destination, error)
	// Open returns the feed of a source, whose secrets in from are open. It opens no
	// connection yet, or goes on trying: a system that is away is an error of Next.
	Open(from Destination, source ID) (Feed, error)
}

// Feed fetches the messages of a source. Each node has one of the same source: the system
// gives each message to one of them, and to another one when that one ends without Done.
// One goroutine uses it, but for Close and Load, which any may call.
type Feed interface {
	// Next says that the messages before may be forgotten or come again, as Done has been
	// called or not, and waits for others. It returns at most [MaxFeedMessages], those of
	// one part of the system in their order, and none where there is nothing new for a
	// while. The error says, in words for people, why nothing comes, or nothing of some
	// part.
	Next(ctx context.Context) ([]FeedMessage, error)
	// Done says that what Next has returned is durable here and need not come again. Where
	// it fails, or is not called, the messages come again.
	Done(ctx context.Context) error
	// Load says how much there is to fetch.
	Load() FeedLoad
	// Close lets go of everything, within seconds.
	Close()
}

// MaxFeedMessages is how many messages of a feed are taken in at once.
const MaxFeedMessages = 500

// MaxFeeds is how many sources of an organization may fetch: each of them has connections
// and buffers on each node.
const MaxFeeds = 50

// FeedMessage is a message of a feed.
type FeedMessage struct {
	// Place names the message among all of the system, for ever.
	Place string
	// Headers are what the system itself says of the message, and behind that the headers
	// of who sent it. Of a name that comes twice, in any case, the first counts.
	Headers []FeedHeader
	// Value becomes the payload. It is refused where it is no JSON.
	Value []byte
}

// FeedHeader is a header of a message.
type FeedHeader struct{ Name, Value string }

// FeedLoad is what a node knows about what there is to fetch.
type FeedLoad struct {
	// Parts is how many parts of the system this node fetches.
	Parts int `json:"parts"`
	// Lag is how many messages of them are not taken in, as of the last that were fetched.
	Lag int64 `json:"lag"`
}

// FeedNote is how one node gets on with a feed.
type FeedNote struct {
	Source ID        `json:"-"`
	Node   ID        `json:"-"`
	At     time.Time `json:"at"`
	FeedLoad
	FeedNews
}

// FeedNews is what happened last at a feed.
type FeedNews struct {
	// LastAt is when messages were taken in last.
	LastAt *time.Time `json:"last_taken_at,omitempty"`
	// Error is why something cannot be fetched or taken in, or empty, and ErrorAt
	// since when.
	Error   string     `json:"last_error,omitempty"`
	ErrorAt *time.Time `json:"failing_since,omitempty"`
}

// FeedNoteFor is how long the note of a node counts: one that works says more.
const FeedNoteFor = 2 * time.Minute

// FeedStatus is how all nodes together get on with a feed.
type FeedStatus struct {
	// Nodes is how many nodes fetch.
	Nodes int `json:"nodes"`
	FeedLoad
	FeedNews
}

// Add counts the note of one more node.
func (s *FeedStatus) Add(note FeedNote) {
	s.Nodes++
	s.Parts += note.Parts
	s.Lag += note.Lag
	if note.LastAt != nil && (s.LastAt == nil || note.LastAt.After(*s.LastAt)) {
		s.LastAt = note.LastAt
	}
	if note.ErrorAt != nil && (s.ErrorAt == nil || note.ErrorAt.Before(*s.ErrorAt)) {
		s.Error, s.ErrorAt = note.Error, note.ErrorAt
	}
}
