package core

import "time"

// Summary is an organization in numbers, as far as a principal may see it.
type Summary struct {
	// At is when it was counted: a moment ago, and longer where counting takes
	// long.
	At time.Time `json:"at"`
	// Streams is how many streams there are, Events how many events they keep and
	// Stored how many they ever got, which says how fast they grow.
	Streams int64 `json:"streams"`
	Events  int64 `json:"events"`
	Stored  int64 `json:"stored"`
	// Groups is how many consumer groups read them, Behind how many of these have
	// something before them, Lag how much that is together. Consumed says that
	// one has settled something.
	Groups      int64 `json:"groups"`
	Behind      int64 `json:"groups_behind"`
	Lag         int64 `json:"lag"`
	DeadLetters int64 `json:"dead_letters"`
	Consumed    bool  `json:"consumed"`
	// Busiest are the streams that hold the most of those that got something in
	// the last hour, Furthest the groups with the highest lag.
	Busiest  []StreamName    `json:"busiest"`
	Furthest []GroupOverview `json:"furthest"`
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
