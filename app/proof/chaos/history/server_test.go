package history_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/app/proof/chaos/history"
)

const orders, payments = "orders", "payments"

// server is a model of a server that keeps its promises, and the record of what
// its clients saw. Tests break its promises by hand.
type server struct {
	t    require.TestingT
	file bytes.Buffer
	rec  *history.Recorder
	logs map[string][]history.Stored
	sent int
}

func newServer(t require.TestingT) *server {
	s := &server{t: t, logs: map[string][]history.Stored{}}
	s.rec = history.NewRecorder(&s.file)
	return s
}

// event returns an event that was never sent; the markers are prefixes of one
// another.
func (s *server) event(key string) history.Sent {
	s.sent++
	marker := fmt.Sprintf("m-%d", s.sent)
	return history.Sent{Key: key, Marker: marker, Payload: fmt.Sprintf(`{"marker": "%s", "price": 1.50}`, marker)}
}

func (s *server) events(n int) []history.Sent {
	events := make([]history.Sent, n)
	for i := range events {
		events[i] = s.event("")
	}
	return events
}

func (s *server) invoke(producer int, stream string, events ...history.Sent) *history.Op {
	return s.rec.Invoke(history.Call{Producer: producer, Stream: stream, Events: events})
}

// store commits events, as a correct server does.
func (s *server) store(stream string, events ...history.Sent) []history.Receipt {
	receipts := make([]history.Receipt, len(events))
	for i, e := range events {
		receipt, found := s.find(stream, e.Key)
		if !found {
			receipt = s.append(stream, e)
		}
		receipts[i] = receipt
	}
	return receipts
}

// append stores an event, whatever its key.
func (s *server) append(stream string, e history.Sent) history.Receipt {
	offset := int64(len(s.logs[stream]))
	id := fmt.Sprintf("%s-%d", stream, offset)
	s.logs[stream] = append(s.logs[stream], history.Stored{Offset: offset, ID: id, Key: e.Key, Payload: e.Payload})
	return history.Receipt{ID: id, Offset: offset}
}

func (s *server) find(stream, key string) (history.Receipt, bool) {
	for _, e := range s.logs[stream] {
		if key != "" && e.Key == key {
			return history.Receipt{ID: e.ID, Offset: e.Offset, Duplicate: true}, true
		}
	}
	return history.Receipt{}, false
}

// send is a whole call that goes well.
func (s *server) send(producer int, stream string, events ...history.Sent) []history.Receipt {
	op := s.invoke(producer, stream, events...)
	receipts := s.store(stream, events...)
	op.Acked(receipts)
	return receipts
}

// read returns a page of the log.
func (s *server) read(stream string, from, to int) []history.Seen {
	var page []history.Seen
	for _, e := range s.logs[stream][from:to] {
		page = append(page, history.Seen{Offset: e.Offset, ID: e.ID})
	}
	return page
}

func (s *server) load() *history.History {
	require.NoError(s.t, s.rec.Err())
	h, err := history.Load(bytes.NewReader(s.file.Bytes()))
	require.NoError(s.t, err)
	return h
}

func (s *server) check() []history.Violation { return history.Check(s.load(), s.logs) }

// traffic is a clean history with every outcome in it: orders 0–9, payments
// 0–1, and follower 0 up to date with both.
func traffic(t *testing.T) *server {
	s := newServer(t)
	s.send(0, orders, s.event(""))       // 0
	s.send(1, orders, s.events(3)...)    // 1–3
	s.send(0, payments, s.event("same")) // 0
	keyed := s.event("same")
	op := s.invoke(2, orders, keyed)
	s.store(orders, keyed) // 4
	op.Unknown()
	s.send(2, orders, keyed) // a duplicate of 4
	s.invoke(0, orders, s.event("")).Refused()
	s.invoke(0, orders, s.events(2)...).Unknown() // nothing stored
	half := s.events(3)
	s.invoke(0, orders, half...).Acked([]history.Receipt{
		s.append(orders, half[0]), {Refused: true}, s.append(orders, half[2]), // 5, 6
	})
	s.invoke(1, payments, s.event("lost")) // never answered
	s.rec.Observed(0, orders, s.read(orders, 0, 4))
	whole := s.events(3)
	op = s.invoke(1, orders, whole...)
	s.store(orders, whole...) // 7–9
	op.Unknown()
	s.send(0, payments, s.event("")) // 1
	s.rec.Observed(0, orders, s.read(orders, 4, 10))
	s.rec.Observed(0, payments, s.read(payments, 0, 2))
	return s
}
