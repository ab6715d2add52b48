package core_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// manyStreams is a catalog that holds nothing but streams.
type manyStreams struct {
	core.StreamCatalog
	streams []core.Stream
}

func (c manyStreams) AllStreams(_ context.Context, after core.ID, limit int) ([]core.Stream, error) {
	for i, stream := range c.streams {
		if string(stream.ID[:]) > string(after[:]) {
			return c.streams[i:min(i+limit, len(c.streams))], nil
		}
	}
	return nil, nil
}

// trims records what is to be removed.
type trims struct {
	core.Progresses
	core.Sessions
	mu    sync.Mutex
	calls map[core.ID]time.Time
}

// taken returns the calls since it was last asked.
func (t *trims) taken() map[core.ID]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	calls := t.calls
	t.calls = map[core.ID]time.Time{}
	return calls
}

// They stand for what is forgotten besides.
var forgottenAttempts, forgottenSessions = core.ID{0: 0xff, 1: 1}, core.ID{0: 0xff, 1: 2}

func (t *trims) ForgetAttempts(_ context.Context, before time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[forgottenAttempts] = before
	return nil
}

func (t *trims) ForgetSessions(_ context.Context, before time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[forgottenSessions] = before
	return nil
}

var errBroken = errors.New("broken")

func (t *trims) Trim(_ context.Context, stream core.ID, before time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls[stream] = before
	if stream == (core.ID{0, 3}) {
		return errBroken
	}
	return nil
}

func TestEveryStreamIsTrimmedToItsRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var catalog manyStreams
		for i := range 2500 {
			catalog.streams = append(catalog.streams, core.Stream{ID: core.ID{byte(i >> 8), byte(i)}, RetentionDays: 1 + i%90})
		}
		trimmed := &trims{calls: map[core.ID]time.Time{}}
		ctx, cancel := context.WithCancel(t.Context())
		started := time.Now().UTC()
		go core.NewRetention(catalog, trimmed, trimmed, trimmed, slog.New(slog.DiscardHandler)).Run(ctx)
		synctest.Wait()
		calls := trimmed.taken()
		require.Len(t, calls, 2501, "all but the zero id, one that fails included, attempts and sessions")
		require.Equal(t, started.AddDate(0, 0, -7), calls[forgottenAttempts])
		require.Equal(t, started, calls[forgottenSessions])
		for _, stream := range catalog.streams[1:] {
			require.Equal(t, started.AddDate(0, 0, -stream.RetentionDays), calls[stream.ID])
		}
		time.Sleep(time.Hour) // the bubble's clock, not the machine's
		synctest.Wait()
		require.Len(t, trimmed.taken(), 2501, "an hour later again")
		cancel()
	})
}
