package deliver_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// A replay goes on for as long as whoever started it may start one. Nobody else's does
// anything of it, and a catalog that does not answer refuses nobody.
func TestAReplayEndsWithThePermissionOfWhoStartedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.die("mail", 50)
		started := map[core.ID]core.Replay{}
		for _, id := range []core.ID{{}, {1}, {2}, {3}, {4}} {
			d.who.Key = id
			started[id] = d.replayAll("mail", core.MinReplayRate)
			require.Equal(t, id, started[id].CreatedBy)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go d.node(nil).Replayer.Run(ctx, nil)
		go d.Replayer.Run(ctx, nil)
		time.Sleep(150 * time.Second)
		d.left.Store(core.ID{1}, core.Errorf(core.CodeUnauthorized, "revoked"))
		d.left.Store(core.ID{2}, core.Errorf(core.CodeForbidden, "another role"))
		d.left.Store(core.ID{3}, core.Unavailable(coretest.ErrBroken, time.Second, "no answer"))
		d.left.Store(core.ID{}, core.Errorf(core.CodeUnauthorized, "nobody"))
		time.Sleep(time.Second + time.Millisecond) // after the next look of each node
		synctest.Wait()
		given := map[core.ID]int64{}
		for id, replay := range started {
			now := d.replayed(replay)
			given[id] = now.Done
			if (id == core.ID{1}) || (id == core.ID{2}) {
				require.Equal(t, core.ReplayStopped, now.State, "%v", id)
				require.Contains(t, now.Error, "may not do so any more")
			} else {
				require.Equal(t, core.ReplayRunning, now.State, "%v", id)
				require.Empty(t, now.Error)
			}
		}
		d.left.Delete(core.ID{3})
		time.Sleep(5 * time.Minute)
		for id, replay := range started {
			now := d.replayed(replay)
			require.Equal(t, now.State == core.ReplayStopped, now.Done == given[id], "%v: %+v", id, now)
		}
	})
}
