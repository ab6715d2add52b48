// Package archive is a tier under any storage: old events go into object storage, or into
// a folder, and are read as if they were still in the store.
//
// An object holds a run of a stream's events within a day (UTC), as the destination
// "objectstore" writes them: lines of JSON, compressed by gzip, which DuckDB, Spark and
// pandas read.
//
//	<prefix>/org=<id>/stream=<id>/date=2026-03-01/
//	    00000000000000000000-00000000000000049999-5891b5b522d5df08.ndjson.gz
//
// What objects there are, the catalog knows ([core.Segments]): so the bounds of a stream
// are known without the archive, and an archive that is away keeps nobody from reading
// what is in the store. The order of things is what keeps events safe:
//
//	hand over:  write the object, read it back and compare every event, add its segment,
//	            and only then trim the store
//	remove:     drop the segments, trim the store, remove the objects, forget the segments
//
// After a crash between any two of them, the same call again goes on. Events that are in
// both places for a while are read from the store.
//
// The files, in reading order:
//
//   - archive.go: the tier, and what it passes on;
//   - handover.go: events on their way into the archive;
//   - remove.go: events that go for good;
//   - read.go, readall.go: reading from both places;
//   - runs.go: which segments a stream's events are in;
//   - lines.go: events as lines, and an object as events;
//   - shelf.go: objects that were read lately;
//   - bucket.go, s3.go, folder.go: where objects are kept;
//   - state.go: whether the archive answers;
//   - examine.go: a look for damage.
package archive

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/eventflow-go/eventflow/core"
)

// Options are what a tier works with.
type Options struct {
	// Segments says what is in the archive.
	Segments core.Segments
	// Bucket keeps the objects.
	Bucket Bucket
	Logger *slog.Logger
	// Fetched is told of each object that was read from the bucket, and of each that could
	// not be. It may be nil.
	Fetched func(bytes int, err error)
}

// Tier is a storage whose old events are in an archive. It implements [core.Storage] and
// [core.Tiered]. It does whatever else the storage below it does for the log.
type Tier struct {
	core.Storage
	segments core.Segments
	bucket   Bucket
	logger   *slog.Logger
	shelf    *shelf
	state    *state

	// moving is held by the one hand-over of this process that is at work. Two of one
	// stream would make the same objects, each for itself.
	moving chan struct{}

	// mu guards kept.
	mu sync.Mutex
	// kept is where each stream that was read from the archive began in the store, the last
	// time that somebody looked. It begins there or later now, and never earlier.
	kept map[core.ID]core.Offset
}

var (
	_ core.Storage      = (*Tier)(nil)
	_ core.Tiered       = (*Tier)(nil)
	_ core.Examiner     = (*Tier)(nil)
	_ core.Rememberer   = (*Tier)(nil)
	_ core.Confirmer    = (*Tier)(nil)
	_ core.Preparer     = (*Tier)(nil)
	_ core.Timekeeper   = (*Tier)(nil)
	_ core.Migrated     = (*Tier)(nil)
	_ core.Sharded      = (*Tier)(nil)
	_ core.Homed        = (*Tier)(nil)
	_ core.ShardChecker = (*Tier)(nil)
	_ core.GroupLimited = (*Tier)(nil)
	_ core.Copyable     = (*copyable)(nil)
)

// New puts a tier over a storage, which it closes. It is a [core.Copyable] if the storage
// is.
func New(storage core.Storage, o Options) core.Storage {
	state := &state{bucket: o.Bucket, logger: o.Logger}
	tier := &Tier{
		Storage: storage, segments: o.Segments, bucket: o.Bucket, logger: o.Logger, state: state,
		shelf: newShelf(state, o.Fetched), moving: make(chan struct{}, 1), kept: map[core.ID]core.Offset{},
	}
	if log, able := storage.(core.Copyable); able {
		return &copyable{tier, log}
	}
	return tier
}

// Close implements [core.Storage].
func (t *Tier) Close() error {
	return errors.Join(t.Storage.Close(), t.bucket.Close())
}

// Under returns the storage that the tier is over, for those who ask about its engine.
func (t *Tier) Under() core.Storage { return t.Storage }

// Prepare implements [core.Preparer].
func (t *Tier) Prepare(ctx context.Context, now, until time.Time) error {
	if room, able := t.Storage.(core.Preparer); able {
		return room.Prepare(ctx, now, until)
	}
	return nil
}

// Time implements [core.Timekeeper].
func (t *Tier) Time(ctx context.Context) (time.Time, error) {
	if keeper, able := t.Storage.(core.Timekeeper); able {
		return keeper.Time(ctx)
	}
	return time.Time{}, nil
}

// Schema implements [core.Migrated].
func (t *Tier) Schema(ctx context.Context) (at, known int64, err error) {
	if tables, able := t.Storage.(core.Migrated); able {
		return tables.Schema(ctx)
	}
	return 0, 0, nil
}

// Shards implements [core.Sharded].
func (t *Tier) Shards() int { return core.ShardsOf(t.Storage) }

// ShardOf implements [core.Sharded]. What is in the archive is on no shard: a stream that
// moves to another one keeps it.
func (t *Tier) ShardOf(ctx context.Context, stream core.ID) (int, error) {
	if sharded, able := t.Storage.(core.Sharded); able {
		return sharded.ShardOf(ctx, stream)
	}
	return 0, nil
}

// CheckShards implements [core.ShardChecker].
func (t *Tier) CheckShards(ctx context.Context) []error { return core.CheckShards(ctx, t.Storage) }

// SetHomes implements [core.Homed].
func (t *Tier) SetHomes(homes core.Homes) {
	if homed, able := t.Storage.(core.Homed); able {
		homed.SetHomes(homes)
	}
}

// GroupLimits implements [core.GroupLimited].
func (t *Tier) GroupLimits() core.GroupLimits { return core.GroupLimitsOf(t.Storage) }

// Remembered implements [core.Rememberer]. The keys of events in the archive are not
// remembered.
func (t *Tier) Remembered(ctx context.Context, stream core.ID, from, to core.Offset) ([]core.Remembered, error) {
	if store, able := t.Storage.(core.Rememberer); able {
		return store.Remembered(ctx, stream, from, to)
	}
	return nil, nil
}

// Confirm implements [core.Confirmer].
func (t *Tier) Confirm(ctx context.Context, stream core.ID) error {
	if confirmer, able := t.Storage.(core.Confirmer); able {
		return confirmer.Confirm(ctx, stream)
	}
	return nil
}

// copyable is a tier over a storage that can be copied. A copy of it holds what is in
// the archive, too.
type copyable struct {
	*Tier
	log core.Copyable
}

// Logs implements [core.Copyable].
func (c *copyable) Logs(ctx context.Context) ([]core.StreamLog, error) {
	logs, err := c.log.Logs(ctx)
	if err != nil {
		return nil, err
	}
	streams, bounds := make([]core.ID, len(logs)), make([]core.Bounds, len(logs))
	for i := range logs {
		streams[i], bounds[i] = logs[i].Stream, logs[i].Bounds
	}
	if err := c.stretch(ctx, streams, bounds); err != nil {
		return nil, err
	}
	for i := range logs {
		logs[i].Bounds = bounds[i]
	}
	return logs, nil
}

// Entries implements [core.Copyable]. The fingerprints of events in the archive are not
// remembered.
func (c *copyable) Entries(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Entry, error) {
	return read(ctx, &reader[core.Entry]{
		tier: c.Tier, stream: stream, store: c.log.Entries,
		event: func(e *core.Entry) *core.Event { return &e.Event },
		entry: func(e core.Event) core.Entry { return core.Entry{Event: e} },
	}, scan)
}

// Put implements [core.Copyable]. It puts into the store. Where the stream is to begin
// behind the beginning of what is in the archive, all of that goes.
func (c *copyable) Put(ctx context.Context, stretch core.Stretch) error {
	if err := c.log.Put(ctx, stretch); err != nil {
		return err
	}
	there, err := c.segments.Archived(ctx, []core.ID{stretch.Stream})
	if err != nil || there[0].Objects == 0 || there[0].First >= stretch.First {
		return err
	}
	return c.DiscardArchive(ctx, stretch.Stream)
}
