package app

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx/fxtest"
)

// What waits is done before the server has stopped, what finds no room at once,
// and what fails is logged.
func TestWhatIsDoneLaterIsDone(t *testing.T) {
	t.Parallel()
	var logged bytes.Buffer
	lc := fxtest.NewLifecycle(t)
	later := newLater(lc, slog.New(slog.NewTextHandler(&logged, nil)))
	done := 0
	work := func(ctx context.Context) error {
		_, bounded := ctx.Deadline()
		require.True(t, bounded)
		done++
		return nil
	}
	for range maxLater - 1 {
		later(t.Context(), work)
	}
	later(t.Context(), func(context.Context) error { return errors.New("no disk") })
	require.Zero(t, done, "nobody waits for it")
	later(t.Context(), work)
	require.Equal(t, 1, done, "there is no room for more")
	require.NoError(t, lc.Start(t.Context()))
	require.NoError(t, lc.Stop(t.Context()))
	require.Equal(t, maxLater, done)
	require.Equal(t, 1, strings.Count(logged.String(), "no disk"), logged.String())
}
