package archive_test

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/archive"
	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/storetest"
)

const day = 24 * time.Hour

// box is a bucket in memory.
type box struct {
	mu      sync.Mutex
	objects map[string][]byte
	// broken fails calls while it is not nil. The calls before it did something if after
	// is set.
	broken error
	after  bool
	puts   int
	gets   int
}

func newBox() *box { return &box{objects: map[string][]byte{}} }

// set changes the box while it may be in use.
func (b *box) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func (b *box) Put(_ context.Context, name string, content []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.puts++; b.broken == nil || b.after {
		b.objects[name] = slices.Clone(content)
	}
	return b.broken
}

func (b *box) Get(_ context.Context, name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gets++
	if b.broken != nil {
		return nil, b.broken
	}
	content, is := b.objects[name]
	if !is {
		return nil, archive.ErrMissing
	}
	return slices.Clone(content), nil
}

func (b *box) Remove(_ context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == nil || b.after {
		delete(b.objects, name)
	}
	return b.broken
}

func (b *box) Check(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

func (b *box) Close() error { return nil }

func (b *box) names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

// opened is a tier over the log in memory, or over another log.
func opened(t *testing.T, under core.Storage, segments core.Segments, bucket archive.Bucket) core.Storage {
	t.Helper()
	if under == nil {
		var err error
		under, err = memory.Open(t.Context(), nil)
		require.NoError(t, err)
	}
	return archive.New(under, archive.Options{Segments: segments, Bucket: bucket, Logger: slog.New(slog.DiscardHandler)})
}

func TestStorage(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) core.Storage {
		return opened(t, nil, memory.NewCatalog(), newBox())
	}, storetest.Features{Copies: true, Tiered: true})
}

// eager hands over all that it can after each append, so that the suite reads hardly
// anything from the store. Streams with idempotency keys stay there: these are not
// remembered in the archive.
type eager struct {
	core.Storage
	core.Copyable
	keyed *keyed
}

// keyed are streams with idempotency keys, whichever server has stored them.
type keyed struct{ sync.Map }

func (e *eager) Append(ctx context.Context, at time.Time, batches []core.Batch) error {
	for i := range batches {
		if slices.ContainsFunc(batches[i].Entries, func(entry core.Entry) bool { return entry.IdempotencyKey != "" }) {
			e.keyed.Store(batches[i].Stream, true)
		}
	}
	if err := e.Storage.Append(ctx, at, batches); err != nil {
		return err
	}
	for i := range batches {
		if err := e.handOver(ctx, batches[i].Org, batches[i].Stream, at); err != nil {
			return err
		}
	}
	return nil
}

func (e *eager) handOver(ctx context.Context, org, stream core.ID, at time.Time) error {
	if _, stays := e.keyed.Load(stream); stays {
		return nil
	}
	_, err := e.Storage.(core.Tiered).HandOver(context.WithoutCancel(ctx), org, stream, at.Add(2*day))
	return err
}

// The whole contract holds where events leave the store as soon as they can.
func TestStorageThatHandsOverAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) core.Storage {
		tier := opened(t, nil, memory.NewCatalog(), newBox())
		return &eager{Storage: tier, Copyable: tier.(core.Copyable), keyed: &keyed{}}
	}, storetest.Features{Copies: true})
}
