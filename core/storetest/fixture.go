package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// start is the time of a test's first append. Some of the later ones are days
// after it, so that an adapter's periods are crossed.
var start = time.Date(2026, 3, 1, 10, 0, 0, 123_456_000, time.UTC)

const day = 24 * time.Hour

// org is the organization of all streams, except in the tests about organizations.
var org = core.ID{0: 1, 15: 1}

// suite is one running test.
type suite struct {
	*testing.T
	storage  core.Storage
	features Features
	// at is the time of the next append.
	at    time.Time
	count int
}

// closing closes a storage when the test ends. Tests may close it before.
func (s *suite) closing(storage core.Storage) core.Storage {
	s.Cleanup(func() { _ = storage.Close() })
	return storage
}

// handles are the ways to the data that the adapter allows at once.
func (s *suite) handles() []core.Storage {
	if s.features.Second == nil {
		return []core.Storage{s.storage}
	}
	return []core.Storage{s.storage, s.closing(s.features.Second(s.T, s.storage))}
}

// must ends the test when a call that cannot fail does.
func (s *suite) must(err error, call string) {
	s.Helper()
	if err != nil {
		s.Fatalf("%s: unexpected error: %v", call, err)
	}
}

// check ends the test when the contract does not hold.
func (s *suite) check(holds bool, broken string, args ...any) {
	s.Helper()
	if !holds {
		s.Fatalf(broken, args...)
	}
}

// newID is a random id of a time, as entries have them.
func newID(at time.Time) core.ID {
	var random [10]byte
	_, _ = rand.Read(random[:]) // never fails: see the package's documentation
	return core.NewID(at, random[:])
}

// newStream is a stream that was never written to. All that a test gets are on one
// shard, so that one append may name them; which one depends on the test.
func (s *suite) newStream() core.ID {
	if s.features.Shards == nil {
		return newID(start)
	}
	return s.features.Shards(s.shard())
}

func (s *suite) newStreams(n int) []core.ID {
	streams := make([]core.ID, n)
	for i := range streams {
		streams[i] = s.newStream()
	}
	return streams
}

// shard is the one whose streams newStream makes.
func (s *suite) shard() int {
	name := fnv.New32()
	_, _ = name.Write([]byte(s.Name()))
	return int(name.Sum32()) % core.ShardsOf(s.storage)
}

// elsewhere is a new stream on another shard than those of newStream, where there is one.
func (s *suite) elsewhere() core.ID {
	if s.features.Shards == nil {
		return s.newStream()
	}
	return s.features.Shards((s.shard() + 1) % core.ShardsOf(s.storage))
}

// byShard parts batches into those that one append may hold.
func (s *suite) byShard(batches []core.Batch) [][]core.Batch {
	s.Helper()
	if s.features.Shards == nil {
		return [][]core.Batch{slices.Clone(batches)}
	}
	parts := make([][]core.Batch, core.ShardsOf(s.storage))
	for _, b := range batches {
		shard := s.shardOf(b.Stream)
		parts[shard] = append(parts[shard], b)
	}
	return slices.DeleteFunc(parts, func(part []core.Batch) bool { return len(part) == 0 })
}

// entries makes n different entries, to be appended at s.at.
func (s *suite) entries(n int) []core.Entry {
	made := make([]core.Entry, n)
	for i := range made {
		s.count++
		made[i].Event = core.Event{
			ID: newID(s.at), Offset: -1, Type: "test.happened", Version: 1, OccurredAt: s.at, Source: "suite",
			Payload: fmt.Appendf(nil, `{"n": %d}`, s.count),
		}
	}
	return made
}

// keyed makes one entry with an idempotency key; entries with equal payloads
// have equal fingerprints.
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

// append appends at s.at, once for each shard, and returns the events that must be in the
// log then.
func (s *suite) append(batches ...core.Batch) []core.Event {
	s.Helper()
	for _, part := range s.byShard(batches) {
		s.must(s.storage.Append(context.Background(), s.at, part), "Append")
	}
	return s.stored(batches)
}

// stored returns the events that an append at s.at stored, as they must be
// read.
func (s *suite) stored(batches []core.Batch) []core.Event {
	s.Helper()
	var events []core.Event
	for _, b := range batches {
		for i := range b.Entries {
			switch b.Entries[i].Outcome {
			case core.Stored:
				event := b.Entries[i].Event
				event.Stream, event.ReceivedAt = b.Stream, s.at
				events = append(events, event)
			case core.Duplicate, core.Mismatch:
			default:
				s.Fatalf("Append must set the Outcome of every entry, got %d", b.Entries[i].Outcome)
			}
		}
	}
	return events
}

// refused appends at s.at, which must be too early, and returns the time that
// would not be.
func (s *suite) refused(batches ...core.Batch) time.Time {
	s.Helper()
	err := s.storage.Append(context.Background(), s.at, batches)
	var behind *core.ClockError
	s.check(errors.As(err, &behind), "an append at a time before the stream's last event must be refused with a *core.ClockError, got %v", err)
	return behind.Last
}

// comesBack appends entries to an empty stream and checks that they are read
// as they were stored.
func (s *suite) comesBack(stream core.ID, entries []core.Entry) {
	s.Helper()
	want := s.append(batch(stream, entries))
	s.same(s.everything(stream), want)
}

func (s *suite) trim(stream core.ID, before time.Time) {
	s.Helper()
	s.must(s.storage.Trim(context.Background(), stream, before), "Trim")
}

// all is a limit that no test reaches.
const all = 1 << 20

func (s *suite) read(stream core.ID, scan core.Scan) []core.Event {
	s.Helper()
	events, err := s.storage.Read(context.Background(), stream, scan)
	s.must(err, "Read")
	return events
}

// everything returns all retained events of a stream.
func (s *suite) everything(stream core.ID) []core.Event {
	s.Helper()
	return s.read(stream, core.Scan{Limit: all})
}

func (s *suite) bounds(stream core.ID) core.Bounds {
	s.Helper()
	bounds, err := s.storage.Bounds(context.Background(), []core.ID{stream})
	s.must(err, "Bounds")
	s.check(len(bounds) == 1, "Bounds of one stream must answer one element, got %d", len(bounds))
	return bounds[0]
}

func (s *suite) hasBounds(stream core.ID, first, next core.Offset, last time.Time) {
	s.Helper()
	want := core.Bounds{First: first, Next: next, Last: last}
	got := s.bounds(stream)
	s.check(got == want, "Bounds must be %+v, got %+v", want, got)
}

// gapless checks that events are at the offsets first, first+1, ….
func (s *suite) gapless(events []core.Event, first core.Offset) {
	s.Helper()
	for i := range events {
		want := first + core.Offset(i)
		s.check(events[i].Offset == want, "offsets must be gapless: event %d is at %d, must be at %d", i, events[i].Offset, want)
	}
}

// same checks that events came back as they were stored.
func (s *suite) same(got, want []core.Event) {
	s.Helper()
	s.check(len(got) == len(want), "%d events must be read, got %d", len(want), len(got))
	for i := range want {
		s.sameEvent(got[i], want[i])
	}
}

func (s *suite) sameEvent(got, want core.Event) {
	s.Helper()
	differs := func(field string, is, was any) {
		s.Helper()
		s.Fatalf("%s of the event at %d must be read as it was stored: %v, got %v", field, want.Offset, was, is)
	}
	switch {
	case got.ID != want.ID:
		differs("ID", got.ID, want.ID)
	case got.Stream != want.Stream:
		differs("Stream", got.Stream, want.Stream)
	case got.Offset != want.Offset:
		differs("Offset", got.Offset, want.Offset)
	case got.Type != want.Type:
		differs("Type", got.Type, want.Type)
	case got.Version != want.Version:
		differs("Version", got.Version, want.Version)
	case got.OccurredAt != want.OccurredAt: // the location too
		differs("OccurredAt", got.OccurredAt, want.OccurredAt)
	case got.ReceivedAt != want.ReceivedAt:
		differs("ReceivedAt", got.ReceivedAt, want.ReceivedAt)
	case got.Source != want.Source:
		differs("Source", got.Source, want.Source)
	case got.Subject != want.Subject:
		differs("Subject", got.Subject, want.Subject)
	case !bytes.Equal(got.Payload, want.Payload):
		s.Fatalf("the payload must be kept byte for byte: stored %.100q, got %.100q", want.Payload, got.Payload)
	case !bytes.Equal(got.Context, want.Context):
		s.Fatalf("the context must be kept byte for byte: stored %.100q, got %.100q", want.Context, got.Context)
	case got.APIKeyID != want.APIKeyID:
		differs("APIKeyID", got.APIKeyID, want.APIKeyID)
	case got.IdempotencyKey != want.IdempotencyKey:
		differs("IdempotencyKey", got.IdempotencyKey, want.IdempotencyKey)
	}
}

func offsets(events []core.Event) []core.Offset {
	var list []core.Offset
	for i := range events {
		list = append(list, events[i].Offset)
	}
	return list
}
