package memory

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Catalog keeps what people configure in the process's memory. It implements
// [core.Catalog].
type Catalog struct {
	// mu is held by each call from its beginning to its end. So no call sees half
	// of another one, and what a call has checked still holds when it stores.
	mu     sync.Mutex
	closed bool

	// Nobody else holds what these maps hold: a thing is copied on its way in and
	// on its way out, with the slices and pointers in it.
	organizations map[core.ID]core.Organization
	streams       map[core.ID]core.Stream
	keys          map[core.ID]core.APIKey
	users         map[core.ID]core.User
	sessions      map[core.ID]core.Session
	tickets       map[core.ID]core.Ticket
	groups        map[core.ID]core.Group
	// progress and attempts are by the ids of their groups. Each group has a
	// progress.
	progress map[core.ID]core.Progress
	attempts map[core.ID][]core.Attempt
	letters  map[core.ID]core.DeadLetter
	replays  map[core.ID]core.Replay
	schemas  map[core.ID]core.SchemaVersion
	// quarantine holds the events of all streams.
	quarantine map[core.ID]core.Quarantined
	// processors are without their groups, which are in groups under the same ids.
	processors map[core.ID]core.Processor
	deliveries map[core.ID]core.DeliveryAttempt
	// counts are by processor and by when an hour began.
	counts    map[core.ID]map[time.Time]core.DeliveryCount
	sources   map[core.ID]core.Source
	refusals  map[core.ID]core.SourceRefusal
	segments  map[segmentKey]heldSegment
	feedNotes map[feedKey]core.FeedNote
	// extents are by the names of stores.
	extents map[string]map[int]uint64
}

var _ core.Catalog = (*Catalog)(nil)

// NewCatalog returns an empty catalog.
func NewCatalog() *Catalog {
	return &Catalog{
		extents:       map[string]map[int]uint64{},
		organizations: map[core.ID]core.Organization{}, streams: map[core.ID]core.Stream{}, keys: map[core.ID]core.APIKey{},
		users: map[core.ID]core.User{}, sessions: map[core.ID]core.Session{}, tickets: map[core.ID]core.Ticket{},
		groups: map[core.ID]core.Group{}, progress: map[core.ID]core.Progress{}, attempts: map[core.ID][]core.Attempt{},
		letters: map[core.ID]core.DeadLetter{}, replays: map[core.ID]core.Replay{},
		schemas: map[core.ID]core.SchemaVersion{}, quarantine: map[core.ID]core.Quarantined{},
		processors: map[core.ID]core.Processor{}, deliveries: map[core.ID]core.DeliveryAttempt{},
		counts:  map[core.ID]map[time.Time]core.DeliveryCount{},
		sources: map[core.ID]core.Source{}, refusals: map[core.ID]core.SourceRefusal{},
		segments:  map[segmentKey]heldSegment{},
		feedNotes: map[feedKey]core.FeedNote{},
	}
}

// enter begins a call: on nil the catalog is locked, and the call unlocks it.
func (c *Catalog) enter(ctx context.Context) error {
	c.mu.Lock()
	err := ctx.Err()
	if c.closed {
		err = errClosed
	}
	if err != nil {
		c.mu.Unlock()
	}
	return err
}

// Check implements [core.Catalog].
func (c *Catalog) Check(ctx context.Context) error {
	if err := c.enter(ctx); err != nil {
		return err
	}
	c.mu.Unlock()
	return nil
}

// Close implements [core.Catalog].
func (c *Catalog) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

var (
	errTaken = errors.New("the catalog in memory already holds this id or hash")
	errMoved = core.Errorf(core.CodePreconditionFailed, "it has changed since it was read; read it again")
)

func missing(what string) error {
	return core.Errorf(core.CodeNotFound, "there is no such %s", what)
}

// add stores a new thing.
func add[T any](all map[core.ID]T, id core.ID, thing T) error {
	if _, taken := all[id]; taken {
		return errTaken
	}
	all[id] = thing
	return nil
}

// find returns the thing that is the one in question. There is one at most.
func find[T any](all map[core.ID]T, is func(T) bool) (T, bool) {
	for _, thing := range all {
		if is(thing) {
			return thing, true
		}
	}
	var none T
	return none, false
}

// sorted returns the things that belong to an answer, in its order. They are
// still the catalog's own.
func sorted[T any](all map[core.ID]T, belongs func(T) bool, order func(a, b T) int) []T {
	found := []T{}
	for _, thing := range all {
		if belongs(thing) {
			found = append(found, thing)
		}
	}
	slices.SortFunc(found, order)
	return found
}

// page returns at most limit of the things, for the caller to keep.
func page[T any](things []T, limit int, own func(T) T) []T {
	things = things[:min(len(things), limit)]
	for i := range things {
		things[i] = own(things[i])
	}
	return things
}

func byID(a, b core.ID) int { return bytes.Compare(a[:], b[:]) }

// utc is a time as the port has it come back.
func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// utcOrNone is utc for a time that may not be there. It returns another pointer.
func utcOrNone(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(utc(*t))
}
