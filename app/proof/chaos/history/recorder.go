package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// Recorder writes a history as JSON lines, each with one Write, so that what
// was recorded survives the recording process. It is safe for concurrent use.
type Recorder struct {
	ops atomic.Int64

	mu  sync.Mutex
	w   io.Writer
	err error
}

// NewRecorder returns a recorder of one history.
func NewRecorder(w io.Writer) *Recorder { return &Recorder{w: w} }

// Op is a recorded call that waits for its outcome.
type Op struct {
	rec      *Recorder
	number   int64
	events   int
	answered atomic.Bool
}

// line is one record of the file.
type line struct {
	Kind     string    `json:"record"`
	At       time.Time `json:"at"` // for people who compare it with logs
	Op       int64     `json:"op,omitempty"`
	Producer int       `json:"producer,omitempty"`
	Follower int       `json:"follower,omitempty"`
	Stream   string    `json:"stream,omitempty"`
	Events   []sent    `json:"events,omitempty"`
	Receipts []Receipt `json:"receipts,omitempty"`
	Seen     []Seen    `json:"seen,omitempty"`
}

// sent is [Sent] on file. The payload is in base64, for JSON strings would
// repair what is not UTF-8.
type sent struct {
	Key     string `json:"key,omitempty"`
	Marker  string `json:"marker"`
	Payload []byte `json:"payload"`
}

const (
	kindCall    = "call"
	kindAcked   = "acked"
	kindRefused = "refused"
	kindUnknown = "unknown"
	kindSeen    = "seen"
)

// Invoke records a call; the request may be sent once it has returned. Exactly
// one method of the Op follows when the answer is there. A call without an
// answer counts as unknown.
func (r *Recorder) Invoke(c Call) *Op {
	op := &Op{rec: r, number: r.ops.Add(1), events: len(c.Events)}
	events := make([]sent, len(c.Events))
	for i, e := range c.Events {
		events[i] = sent{Key: e.Key, Marker: e.Marker, Payload: []byte(e.Payload)}
	}
	r.write(line{Kind: kindCall, Op: op.number, Producer: c.Producer, Stream: c.Stream, Events: events})
	return op
}

// Acked records that the call was answered with a receipt for each event, in
// the order of the events.
func (op *Op) Acked(receipts []Receipt) {
	if len(receipts) != op.events {
		op.rec.fail(fmt.Errorf("history: call %d has %d events and %d receipts", op.number, op.events, len(receipts)))
		return
	}
	op.answer(line{Kind: kindAcked, Receipts: receipts})
}

// Refused records that the whole call was refused: nothing may be stored.
func (op *Op) Refused() { op.answer(line{Kind: kindRefused}) }

// Unknown records that the answer says nothing about what is stored: a broken
// connection, a time-out or a 5xx.
func (op *Op) Unknown() { op.answer(line{Kind: kindUnknown}) }

func (op *Op) answer(l line) {
	if op.answered.Swap(true) {
		op.rec.fail(fmt.Errorf("history: call %d was answered twice", op.number))
		return
	}
	l.Op = op.number
	op.rec.write(l)
}

// Observed records a page that a follower read, in the order it saw the events.
// A follower starts at offset 0 and goes on where its last page ended, also
// after errors; one that starts anew takes a new number.
func (r *Recorder) Observed(follower int, stream string, page []Seen) {
	if len(page) > 0 {
		r.write(line{Kind: kindSeen, Follower: follower, Stream: stream, Seen: page})
	}
}

// Err returns the errors that make the record useless: failed writes and calls
// answered twice or with the wrong number of receipts. A test asks it before it
// trusts the history.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func (r *Recorder) write(l line) {
	l.At = time.Now().UTC()
	text, err := json.Marshal(l)
	if err != nil {
		r.fail(err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.w.Write(append(text, '\n')); err != nil {
		r.err = errors.Join(r.err, err)
	}
}

func (r *Recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = errors.Join(r.err, err)
}
