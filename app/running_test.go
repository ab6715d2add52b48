package app

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/fx"

	"github.com/eventflow-go/eventflow/adapters/sqlite"
)

// A server that is told to stop while it begins to listen stops as any other: what has
// started is stopped, and nothing has failed.
func TestAServerMayBeStoppedAtOnce(t *testing.T) {
	t.Parallel()
	cfg := DefaultConfig()
	cfg.Store, cfg.Addr = "sqlite:"+t.TempDir(), "127.0.0.1:0"
	cfg.Secret = "a-secret-for-a-server-that-lives-for-seconds"
	ctx, cancel := context.WithCancel(t.Context())
	running, err := start(ctx, newProgram([]Option{SharedStorage("sqlite", sqlite.Open)}), cfg, fx.Invoke(func(lc fx.Lifecycle) {
		lc.Append(fx.StartHook(cancel))
		lc.Append(fx.StartHook(func() {})) // one more, which comes after the stop
	}))
	require.NoError(t, err)
	require.NoError(t, running.Stop())
}
