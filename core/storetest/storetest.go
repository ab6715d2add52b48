// Package storetest is the contract of a storage adapter in executable form:
// every sentence of core's ports, as a test. An adapter in any module runs it:
//
//	func TestStorage(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) core.Storage { … }, storetest.Features{…})
//	}
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Features says what an adapter offers beyond the ports; what it does not
// offer is not tested.
type Features struct {
	// Reopen closes a storage and opens the same data again. Nil: nothing
	// survives Close, and Check must say so.
	Reopen func(t *testing.T, storage core.Storage) core.Storage
	// Second opens the same data again while the first handle is in use, as
	// another process would. Nil: only one process can have the data.
	Second func(t *testing.T, storage core.Storage) core.Storage
	// Seed makes the random histories repeatable; zero takes a new one, which a
	// failure prints.
	Seed uint64
}

// Run runs the suite. open returns a new, empty storage; the suite closes it.
func Run(t *testing.T, open func(t *testing.T) core.Storage, features Features) {
	for name, test := range map[string]func(*suite){
		"append/offsets are gapless in the order of batches and entries": gapless,
		"append/every field comes back as it was stored":                 fields,
		"append/payload and context are kept byte for byte":              verbatim,
		"append/an earlier time is refused and stores nothing":           clock,
		"append/a cancelled call stores nothing":                         cancelled,
		"append/nothing of the batches is kept":                          inputReused,
		"append/concurrent appends stay gapless for a follower":          concurrent,
		"keys/a known key answers with the first event":                  duplicate,
		"keys/a known key with another payload stores nothing":           mismatch,
		"keys/belong to one stream":                                      keysPerStream,
		"keys/are forgotten after their window":                          keyWindow,
		"keys/a race stores one event":                                   keyRace,
		"read/ranges, order and limit":                                   ranges,
		"read/the answer ends when it holds enough bytes":                bounded,
		"read/filters":                                      filters,
		"read/an unknown stream is empty":                   unknownStream,
		"read/the answer belongs to the caller":             outputOwned,
		"read all/is ordered by time, stream and offset":    allOrdered,
		"read all/continues from any position":              allPositions,
		"read all/shows one organization only":              allIsolated,
		"offset at/finds the first event not before a time": offsetAt,
		"trim/removes whole periods and no newer event":     trim,
		"trim/never gives an offset again":                  trimAll,
		"trim/forgets the keys of what it removes":          trimKeys,
		"history/random histories agree with the model":     history,
		"check/is honest about durability":                  check,
		"close/later calls fail and do not panic":           closed,
		"reopen/everything is still there":                  reopen,
		"second/two handles share one log":                  second,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storage := open(t)
			t.Cleanup(func() { _ = storage.Close() }) // may be closed by the test
			test(&suite{T: t, storage: storage, features: features, at: start})
		})
	}
}

// start is the time of the first append; days lie between some of the others.
var start = time.Date(2026, 3, 1, 10, 0, 0, 123_456_000, time.UTC)

const day = 24 * time.Hour

// suite is one running test.
type suite struct {
	*testing.T
	storage  core.Storage
	features Features
	at       time.Time
	count    int
}

func (s *suite) no(err error, doing string, args ...any) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: %v", fmt.Sprintf(doing, args...), err)
	}
}

func (s *suite) check(holds bool, contract string, args ...any) {
	s.Helper()
	if !holds {
		s.Fatalf(contract, args...)
	}
}

// id is an id of a time, for entries, and of no time, for streams.
func id(at time.Time) core.ID {
	var random [10]byte
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	return core.NewID(at, random[:])
}

var org = core.ID{0: 1, 15: 1}

func newStream() core.ID { return id(start) }

// entries makes n entries received at a time.
func (s *suite) entries(n int) []core.Entry {
	made := make([]core.Entry, n)
	for i := range made {
		s.count++
		made[i] = core.Entry{Event: core.Event{
			ID: id(s.at), Type: "test.happened", Version: 1, OccurredAt: s.at, Source: "suite",
			Payload: fmt.Appendf(nil, `{"n": %d}`, s.count),
		}}
	}
	return made
}

func (s *suite) keyed(key, payload string) []core.Entry {
	made := s.entries(1)
	made[0].IdempotencyKey, made[0].Payload = key, []byte(payload)
	made[0].Fingerprint = core.Fingerprint([]byte((payload + "................")[:16]))
	return made
}

func batch(stream core.ID, entries []core.Entry) core.Batch {
	for i := range entries {
		entries[i].Stream = stream
	}
	return core.Batch{Org: org, Stream: stream, Entries: entries}
}

func (s *suite) append(batches ...core.Batch) {
	s.Helper()
	s.no(s.storage.Append(context.Background(), s.at, batches), "Append")
}

func (s *suite) read(stream core.ID, scan core.Scan) []core.Event {
	s.Helper()
	if scan.Limit == 0 {
		scan.Limit = 1000
	}
	events, err := s.storage.Read(context.Background(), stream, scan)
	s.no(err, "Read")
	return events
}

func (s *suite) bounds(stream core.ID) core.Bounds {
	s.Helper()
	bounds, err := s.storage.Bounds(context.Background(), []core.ID{stream})
	s.no(err, "Bounds")
	s.check(len(bounds) == 1, "Bounds of one stream answers %d", len(bounds))
	return bounds[0]
}

// gaplessFrom checks that events are at first, first+1, ….
func (s *suite) gaplessFrom(events []core.Event, first core.Offset) {
	s.Helper()
	for i := range events {
		s.check(events[i].Offset == first+core.Offset(i), "offsets have no gap: event %d is at %d, not %d", i, events[i].Offset, first+core.Offset(i))
	}
}

// same checks that an event came back as it was stored.
func (s *suite) same(got core.Event, want core.Event) {
	s.Helper()
	s.check(got.ID == want.ID && got.Stream == want.Stream && got.Offset == want.Offset, "identity: got %v@%d, stored %v@%d", got.ID, got.Offset, want.ID, want.Offset)
	s.check(got.Type == want.Type && got.Version == want.Version && got.Source == want.Source && got.Subject == want.Subject &&
		got.APIKeyID == want.APIKeyID && got.IdempotencyKey == want.IdempotencyKey, "fields: got %+v, stored %+v", got, want)
	s.check(got.OccurredAt == want.OccurredAt, "occurred_at: got %v, stored %v", got.OccurredAt, want.OccurredAt)
	s.check(got.ReceivedAt == want.ReceivedAt, "received_at: got %v, stored %v", got.ReceivedAt, want.ReceivedAt)
	s.check(bytes.Equal(got.Payload, want.Payload), "payload is kept byte for byte: got %.100q, stored %.100q", got.Payload, want.Payload)
	s.check(bytes.Equal(got.Context, want.Context), "context is kept byte for byte: got %.100q, stored %.100q", got.Context, want.Context)
}
