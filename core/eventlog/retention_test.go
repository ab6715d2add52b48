package eventlog_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventlog"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// attic is a catalog and a log that record what is to be removed from them.
type attic struct {
	*memory.Catalog
	core.EventLog
	mu    sync.Mutex
	calls map[core.ID]time.Time
	// whole says that nothing fails.
	whole atomic.Bool
}

// taken returns the calls since it was last asked.
func (a *attic) taken() map[core.ID]time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	calls := a.calls
	a.calls = map[core.ID]time.Time{}
	return calls
}

func (a *attic) note(what core.ID, before time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls[what] = before
}

// They stand for what is forgotten besides.
var forgottenAttempts, forgottenSessions = core.ID{0: 0xff, 1: 1}, core.ID{0: 0xff, 1: 2}

func (a *attic) ForgetAttempts(ctx context.Context, before time.Time) error {
	a.note(forgottenAttempts, before)
	return a.Catalog.ForgetAttempts(ctx, before)
}

func (a *attic) ForgetSessions(ctx context.Context, before time.Time) error {
	a.note(forgottenSessions, before)
	return a.Catalog.ForgetSessions(ctx, before)
}

// Trim implements [core.Trimmer]. It fails for one stream.
func (a *attic) Trim(_ context.Context, stream core.ID, before time.Time) error {
	a.note(stream, before)
	if stream == (core.ID{0, 3}) && !a.whole.Load() {
		return coretest.ErrBroken
	}
	return nil
}

func TestEveryStreamIsTrimmedToItsRetention(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		trimmed := &attic{Catalog: memory.NewCatalog(), EventLog: coretest.OpenLog(t), calls: map[core.ID]time.Time{}}
		streams := make([]core.Stream, 2500)
		for i := range streams {
			streams[i] = core.Stream{ID: core.ID{byte(i >> 8), byte(i)}, Name: fmt.Sprint(i), RetentionDays: 1 + i%90}
			require.NoError(t, trimmed.CreateStream(t.Context(), streams[i]))
		}
		ctx, cancel := context.WithCancel(t.Context())
		started := time.Now().UTC()
		go eventlog.NewRetention(eventlog.RetentionPorts{
			Catalog: trimmed, Log: trimmed, Attempts: trimmed, Sessions: trimmed, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
		}).Run(ctx, nil)
		synctest.Wait()
		calls := trimmed.taken()
		require.Len(t, calls, 2501, "all but the zero id, one that fails included, attempts and sessions")
		require.Equal(t, started.AddDate(0, 0, -7), calls[forgottenAttempts])
		require.Equal(t, started, calls[forgottenSessions])
		for _, stream := range streams[1:] {
			require.Equal(t, started.AddDate(0, 0, -stream.RetentionDays), calls[stream.ID])
		}
		trimmed.whole.Store(true)
		time.Sleep(5 * time.Minute) // the bubble's clock, not the machine's
		synctest.Wait()
		require.Len(t, trimmed.taken(), 2501, "soon again, as one has failed")
		time.Sleep(time.Hour - time.Second)
		synctest.Wait()
		require.Empty(t, trimmed.taken())
		time.Sleep(time.Second)
		synctest.Wait()
		require.Len(t, trimmed.taken(), 2501, "an hour later again")
		cancel()
	})
}
