package grouptest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/deliver"
	"github.com/eventflow-go/eventflow/core/eventlog"
)

// world is a stream, a group on it, some nodes that serve them, and the model: its
// belief about each event.
type world struct {
	*testing.T
	random *rand.Rand
	log    core.EventLog
	store  core.GroupStore
	now    time.Time
	stream core.Stream
	group  core.Group
	nodes  []*deliver.UseCases
	// seeks says that the history has resets, in place of replays: after a reset one
	// event may have several dead letters, and the model knows them by offset.
	seeks bool

	// keys are the ordering keys of the events, by offset; "" is none.
	keys []string
	// fates are the model's beliefs about the events, by offset.
	fates []fate
	// replays are the same for dead letters that are being replayed. At such an offset
	// a poll hands out the letter, not the event.
	replays map[core.Offset]*fate
	// leases are the ones that the model takes for held.
	leases []*lease
	// dead is how many dead letters each event must have.
	dead map[core.Offset]int
	// committed is the highest committed offset that a status has shown, which may not
	// go down without a reset.
	committed core.Offset
	// doing is the current step in words, for failures.
	doing string
}

// fate is the model's belief about an event. An event is settled, or a lease holds it,
// or it waits, or it was never handed out.
type fate struct {
	// attempts is how often it was handed out.
	attempts int
	settled  bool
	lease    *lease
	// waits says that it was handed out before and will be again, not before due. due
	// is zero where the model leaves the backoff to the group.
	waits bool
	due   time.Time
}

// lease holds the events that a poll handed out, until they are settled.
type lease struct {
	id      core.ID
	until   time.Time
	offsets []core.Offset
}

// org is the organization that tests act for, other is one that must notice nothing.
var (
	org   = core.ID{0: 0x0a, 6: 0x70, 8: 0x80}
	other = core.ID{0: 0x0b, 6: 0x70, 8: 0x80}
	who   = core.Principal{Org: org, Role: core.RoleAdmin}
)

// everything allows everything: these tests begin after authorization.
type everything struct{}

// Allow implements [core.Authorizer].
func (everything) Allow(core.Principal, core.ID, core.Action) error { return nil }

// oneStream is a catalog that holds one stream, for good.
type oneStream struct{ stream core.Stream }

// errOneStream answers who wants to change it.
var errOneStream = errors.New("this catalog holds one stream, for good")

// CreateStream implements [core.StreamCatalog].
func (oneStream) CreateStream(context.Context, core.Stream) error { return errOneStream }

// UpdateStream implements [core.StreamCatalog].
func (oneStream) UpdateStream(context.Context, core.Stream) error { return errOneStream }

// NoteRemoval implements [core.StreamCatalog].
func (oneStream) NoteRemoval(context.Context, core.ID, core.Removal) error { return errOneStream }

// only returns the stream when it is the one in question.
func (c oneStream) only(is bool) (core.Stream, error) {
	if !is {
		return core.Stream{}, core.Errorf(core.CodeNotFound, "there is no such stream")
	}
	return c.stream, nil
}

// Stream implements [core.StreamCatalog].
func (c oneStream) Stream(_ context.Context, org, id core.ID) (core.Stream, error) {
	return c.only(org == c.stream.Org && id == c.stream.ID)
}

// StreamNamed implements [core.StreamCatalog].
func (c oneStream) StreamNamed(_ context.Context, org core.ID, name string) (core.Stream, error) {
	return c.only(org == c.stream.Org && name == c.stream.Name)
}

// Streams implements [core.StreamCatalog].
func (c oneStream) Streams(_ context.Context, org core.ID, after string, _ int) ([]core.Stream, error) {
	if org != c.stream.Org || after >= c.stream.Name {
		return nil, nil
	}
	return []core.Stream{c.stream}, nil
}

// AllStreams implements [core.StreamCatalog].
func (c oneStream) AllStreams(_ context.Context, after core.ID, _ int) ([]core.Stream, error) {
	if bytes.Compare(after[:], c.stream.ID[:]) >= 0 {
		return nil, nil
	}
	return []core.Stream{c.stream}, nil
}

// start is when every test begins.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// newID makes an id of random numbers, so that a seed repeats it.
func newID(random *rand.Rand, at time.Time) core.ID {
	var b [10]byte
	for i := range b {
		b[i] = byte(random.UintN(256))
	}
	return core.NewID(at, b[:])
}

// newWorld returns a world with an empty stream and a node or two. A store may hold
// other worlds: the id of the stream is not of the seed.
func newWorld(t *testing.T, log core.EventLog, store core.GroupStore, seed uint64) *world {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	w := &world{
		T: t, random: random, log: log, store: store, now: start, replays: map[core.Offset]*fate{}, dead: map[core.Offset]int{}, committed: -1,
		stream: core.Stream{ID: newID(rand.New(rand.NewPCG(rand.Uint64(), 1)), start), Org: org, Name: "orders", RetentionDays: 90, Revision: 1},
	}
	for range 1 + random.IntN(2) {
		w.nodes = append(w.nodes, w.newNode())
	}
	return w
}

// newNode starts a server that remembers nothing. Starting one in the place of another
// is the crash of that one.
func (w *world) newNode() *deliver.UseCases {
	now := func() time.Time { return w.now }
	logger := slog.New(slog.DiscardHandler)
	streams := eventlog.NewStreams(eventlog.StreamPorts{Catalog: oneStream{w.stream}, Log: w.log, Authorizer: everything{}, Now: now})
	return deliver.New(deliver.Ports{
		Streams: streams, Recent: eventlog.NewRecent(w.log, nil, logger), Log: w.log, Store: w.store,
		Authorizer: everything{}, Logger: logger, Now: now,
	})
}

// node picks one of the nodes: whatever is asked next, any of them must answer it.
func (w *world) node() *deliver.UseCases { return w.nodes[w.random.IntN(len(w.nodes))] }

// create makes the group by one of the nodes.
func (w *world) create(kind kind, attempts int) {
	w.Helper()
	visibility, initial, longest := core.Seconds(10*time.Second), core.Seconds(time.Second), core.Seconds(8*time.Second)
	group, err := w.node().Groups.Create(w.Context(), who, "orders", core.GroupSpec{
		Name: "mail", Mode: kind.mode, OrderingKey: kind.ordering, Visibility: &visibility, MaxAttempts: &attempts, Backoff: &core.BackoffSpec{Initial: &initial, Max: &longest},
	})
	w.must(err)
	w.group = group
}

// must ends the history where something failed that has no reason to.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatalf("%s: %v", w.doing, err)
	}
}

// says notes the next step, for failures.
func (w *world) says(format string, args ...any) {
	w.doing = w.now.Format("15:04:05.000 ") + fmt.Sprintf(format, args...)
}

// append adds events to the stream.
func (w *world) append(n int) {
	w.Helper()
	w.says("append %d", n)
	entries := make([]core.Entry, n)
	for i := range entries {
		w.keys = append(w.keys, []string{"", "a", "b", "c"}[w.random.IntN(4)])
		payload := w.payload(core.Offset(len(w.keys) - 1))
		entries[i].Event = core.Event{
			ID: newID(w.random, w.now), Type: "made", Version: 1, OccurredAt: w.now, Source: "test", Payload: json.RawMessage(payload),
		}
	}
	w.must(w.log.Append(w.Context(), w.now, []core.Batch{{Org: org, Stream: w.stream.ID, Entries: entries}}))
	w.fates = append(w.fates, make([]fate, n)...)
}

// payload is what the event at an offset holds.
func (w *world) payload(offset core.Offset) string {
	return fmt.Sprintf(`{"n": %d, "k": %q}`, offset, w.keys[offset])
}

// fate returns the fate of the event, or of the letter, that a poll hands out at an
// offset.
func (w *world) fate(offset core.Offset) *fate {
	if replayed := w.replays[offset]; replayed != nil {
		return replayed
	}
	return &w.fates[offset]
}

// lapse ends the leases whose time is over, which fails an attempt at each event.
func (w *world) lapse() {
	kept := w.leases[:0]
	for _, l := range w.leases {
		if w.now.Before(l.until) {
			kept = append(kept, l)
			continue
		}
		for _, offset := range l.offsets {
			w.failed(offset)
		}
	}
	w.leases = kept
}

// failed notes that an attempt has failed.
func (w *world) failed(offset core.Offset) {
	f := w.fate(offset)
	f.lease = nil
	if f.attempts >= w.group.MaxAttempts {
		w.park(offset)
		return
	}
	f.waits = true
}

// park notes that an event is a dead letter now.
func (w *world) park(offset core.Offset) {
	if w.replays[offset] != nil {
		delete(w.replays, offset) // it was one before
		return
	}
	w.fates[offset] = fate{settled: true}
	w.dead[offset]++
}

// settle notes that an event is done with.
func (w *world) settle(offset core.Offset) {
	if w.replays[offset] != nil {
		delete(w.replays, offset)
		w.dead[offset]--
		return
	}
	w.fates[offset] = fate{settled: true}
}

// drop removes an offset from a lease.
func (l *lease) drop(offset core.Offset) {
	for i := range l.offsets {
		if l.offsets[i] == offset {
			l.offsets = append(l.offsets[:i:i], l.offsets[i+1:]...)
			return
		}
	}
}

// tidy forgets leases of which nothing is left.
func (w *world) tidy() {
	kept := w.leases[:0]
	for _, l := range w.leases {
		if len(l.offsets) > 0 {
			kept = append(kept, l)
		}
	}
	w.leases = kept
}
