package core

import "encoding/json"

// TrialSpec says what to try: a filter and a transform over the last events of a stream,
// or over a sample.
type TrialSpec struct {
	Filter    string `json:"filter"`
	Transform string `json:"transform"`
	// Last is how many of the stream's events to try: 1 to [MaxTrialEvents],
	// [DefaultTrialEvents] when zero.
	Last int `json:"last"`
	// Event is a sample, as a producer would send it. With it no event of the stream is
	// tried.
	Event json.RawMessage `json:"event"`
}

// The limits of a trial.
const (
	DefaultTrialEvents = 10
	MaxTrialEvents     = 100
)

// Trial is what a filter and a transform make of one event: it passes, or does not, or
// one of them fails at the places that Errors name.
type Trial struct {
	Event  Event    `json:"event"`
	Passed bool     `json:"passed"`
	Result *Event   `json:"result,omitempty"`
	Errors []Detail `json:"errors,omitempty"`
}
