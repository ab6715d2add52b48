// Package frail is a storage that goes away when a test says so, and comes back: SQLite, in
// front of which there may be a file.
package frail

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"time"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
	"github.com/eventflow-go/eventflow/core"
)

// Scheme is the scheme of the storage's URLs, as in frail:FOLDER.
const Scheme = "frail"

// Away is what is behind the name of the folder in the name of the file that makes the
// storage go away. With [Hangs] in it calls answer nothing; with any other text they are
// refused.
const (
	Away  = ".away"
	Hangs = "hangs"
)

// shard is what a storage has to be.
type shard interface {
	core.Storage
	core.Movable
	core.Labelled
}

type storage struct {
	shard
	file string
}

// Open opens the storage in a folder.
func Open(ctx context.Context, u *url.URL) (core.Storage, error) {
	opened, err := sqlite.Open(ctx, &url.URL{Scheme: "sqlite", Opaque: u.Opaque})
	if err != nil {
		return nil, err
	}
	return storage{opened.(shard), u.Opaque + Away}, nil
}

// err is why nothing goes. Where the storage hangs it comes only when nobody waits any more.
func (s storage) err(ctx context.Context) error {
	text, err := os.ReadFile(s.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if string(text) == Hangs {
		<-ctx.Done()
		return ctx.Err()
	}
	return core.Unavailable(nil, time.Second, "the event store cannot be reached")
}

// Append implements [core.Appender].
func (s storage) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	if err := s.err(ctx); err != nil {
		return err
	}
	return s.shard.Append(ctx, at, batches)
}

// Read implements [core.Reader].
func (s storage) Read(ctx context.Context, stream core.ID, scan core.Scan) ([]core.Event, error) {
	if err := s.err(ctx); err != nil {
		return nil, err
	}
	return s.shard.Read(ctx, stream, scan)
}

// ReadAll implements [core.Reader].
func (s storage) ReadAll(ctx context.Context, org core.ID, scan core.AllScan) ([]core.Event, error) {
	if err := s.err(ctx); err != nil {
		return nil, err
	}
	return s.shard.ReadAll(ctx, org, scan)
}

// Bounds implements [core.Reader].
func (s storage) Bounds(ctx context.Context, streams []core.ID) ([]core.Bounds, error) {
	if err := s.err(ctx); err != nil {
		return nil, err
	}
	return s.shard.Bounds(ctx, streams)
}

// OffsetAt implements [core.Reader].
func (s storage) OffsetAt(ctx context.Context, stream core.ID, at time.Time) (core.Offset, error) {
	if err := s.err(ctx); err != nil {
		return 0, err
	}
	return s.shard.OffsetAt(ctx, stream, at)
}

// Check implements [core.Storage].
func (s storage) Check(ctx context.Context) error {
	if err := s.err(ctx); err != nil {
		return err
	}
	return s.shard.Check(ctx)
}
