// Package history is the oracle of the crash tests. Producers and followers
// record what they asked and what they were answered, outside the server, and
// [Check] compares that record with the log as it is read at the end.
//
// An answer has three outcomes. Acknowledged events must be in the log, refused
// ones must not, and a call whose outcome is unknown may have stored all of its
// events or none. Nothing is inferred from a call that was never answered.
//
// The checker knows an event by its marker, a text inside its payload that no
// other event of any stream has. A retry repeats marker, key and payload. It takes a key to
// be remembered for the whole history, and the log to be read from offset 0.
// Events that the server refuses one by one must not share a call with others:
// after an unknown outcome they would look like half a batch.
package history

// Call is one request of a producer to one stream. The calls of a producer
// follow one another.
type Call struct {
	Producer int
	Stream   string
	Events   []Sent
}

// Sent is an event as its producer sent it.
type Sent struct {
	Key     string // the idempotency key, or ""
	Marker  string // is part of Payload, and of no other event's
	Payload string
}

// Receipt is the answer to one event of a call.
type Receipt struct {
	ID        string `json:"id,omitempty"`
	Offset    int64  `json:"offset"`
	Duplicate bool   `json:"duplicate,omitempty"`
	Refused   bool   `json:"refused,omitempty"` // this event alone; ID and Offset mean nothing
}

// Seen is an event as a follower read it.
type Seen struct {
	Offset int64  `json:"offset"`
	ID     string `json:"id"`
}

// Stored is an event of the final log.
type Stored struct {
	Offset  int64
	ID      string
	Key     string // "" also when the log was read without keys
	Payload string
}

// History is a record of calls, their answers and what followers saw.
type History struct {
	events    []*event // in the order of their first call
	byPayload map[string]*event
	calls     []*call
	steps     []step
	followers []*follower
}

// event is one marker, however often it was sent.
type event struct {
	n         int // its index in History.events
	stream    string
	key       string
	marker    string
	payload   string
	sharesKey bool // events with other markers were sent with the same key
	sends     []send
}

// send is an event's place in a call.
type send struct {
	call *call
	item int
}

type call struct {
	op       int64
	producer int
	stream   string
	events   []*event
	outcome  outcome
	receipts []Receipt // one for each event when acknowledged
}

type outcome byte

const (
	unknown outcome = iota
	acked
	refused
)

// step is a record in the order of recording: a call was made, a call was
// acknowledged, or a follower read a page.
type step struct {
	made, acked *call
	stream      string
	page        []Seen
}

// follower is what one follower saw of one stream.
type follower struct {
	number int
	stream string
	seen   []Seen
}

// refused says that this send cannot have stored anything.
func (s send) refused() bool {
	return s.call.outcome == refused || s.call.outcome == acked && s.call.receipts[s.item].Refused
}

// receipt returns what acknowledged the send, if anything did.
func (s send) receipt() (Receipt, bool) {
	if s.call.outcome != acked || s.call.receipts[s.item].Refused {
		return Receipt{}, false
	}
	return s.call.receipts[s.item], true
}

// chances counts the sends that can have stored the event.
func (e *event) chances() int {
	n := 0
	for _, s := range e.sends {
		if !s.refused() {
			n++
		}
	}
	return n
}

// capacity is how often the event may be in the log.
func (e *event) capacity() int {
	if e.key != "" {
		return min(e.chances(), 1)
	}
	return e.chances()
}

// first returns the first send that can have stored the event.
func (e *event) first() send {
	for _, s := range e.sends {
		if !s.refused() {
			return s
		}
	}
	return send{}
}
