package core

import "time"

// Summary is an organization in numbers, as far as a principal may see it.
type Summary struct {
	// At is when it was counted: a moment ago, or longer when counting takes long.
	At time.Time `json:"at"`
	// Streams is how many streams there are. Events is how many events they keep.
	// Stored is how many they ever got, so two looks at it tell how fast they grow.
	Streams int64 `json:"streams"`
	Events  int64 `json:"events"`
	Stored  int64 `json:"stored"`
	// Groups is how many consumer groups read them. Behind is how many of these have
	// events before them, and Lag the number of these events together. Consumed says
	// that a group has settled something.
	Groups      int64 `json:"groups"`
	Behind      int64 `json:"groups_behind"`
	Lag         int64 `json:"lag"`
	DeadLetters int64 `json:"dead_letters"`
	Consumed    bool  `json:"consumed"`
	// FailingProcessors is how many processors have failed since their last success, or
	// were disabled by the server.
	FailingProcessors int64 `json:"failing_processors"`
	// Busiest are the largest among the streams that got events in the last hour.
	// Furthest are the groups with the highest lag.
	Busiest  []StreamName    `json:"busiest"`
	Furthest []GroupOverview `json:"furthest"`
	// Missing says of which streams nothing is counted but that they are there, because
	// their shards are away. It is in answers to who asks for a part, and only then.
	Missing *Missing `json:"missing,omitempty"`
}

// StreamName is a stream by its id and its name.
type StreamName struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
}

// MaxHistogramBuckets bounds a histogram.
const MaxHistogramBuckets = 240

// Histogram is how many events a stream received, by time.
type Histogram struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Counts are the numbers of events of equal parts of the time from From to To.
	Counts []int64 `json:"counts"`
}

// GroupCensus is a group in numbers.
type GroupCensus struct {
	Stream ID
	Group  ID
	Name   string
	// Lag is how many events are not settled.
	Lag         int64
	DeadLetters int64
}
