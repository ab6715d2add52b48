package sqlite

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A transaction whose context ends at any moment of it leaves none open, which
// would refuse every append after it.
func TestNoTransactionStaysOpen(t *testing.T) {
	t.Parallel()
	opened, err := Open(t.Context(), &url.URL{Scheme: "sqlite", Opaque: t.TempDir()})
	require.NoError(t, err)
	s := opened.(*Storage)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for round := range 6000 {
		ctx := &ending{Context: t.Context(), left: 1 + round%6, over: make(chan struct{})}
		_ = s.transact(ctx, func() error { // whether it was in time does not matter
			_, err := s.deleteSome(ctx, core.ID{1}, 1, 1)
			return err
		})
		require.NoError(t, s.Append(t.Context(), time.Now(), nil), "round %d", round)
	}
}

// ending is a context that ends when it is asked for the left-th time whether
// it has.
type ending struct {
	context.Context
	mu   sync.Mutex
	left int
	over chan struct{}
}

// Done implements [context.Context].
func (e *ending) Done() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.left--; e.left == 0 {
		close(e.over)
	}
	return e.over
}

// Err implements [context.Context].
func (e *ending) Err() error {
	select {
	case <-e.over:
		return context.Canceled
	default:
		return nil
	}
}
