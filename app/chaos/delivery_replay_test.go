package chaos_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// A killed server holds a replay until half a minute after its last step: that
// is how long the restarted one waits before it goes on.
func TestTheServerIsKilledDuringAReplay(t *testing.T) {
	t.Parallel()
	letters, crashes := 2000, 1
	if thorough() {
		letters, crashes = 10_000, 2
	}
	store := "sqlite:" + t.TempDir()
	n := newNode(t, store)
	n.start()
	client := n.client(n.key())
	createStreams(t, client, deliveryStream)
	group := createGroup(t, client, "shared", core.Shared, attempts)
	park(t, client, group, letters)

	s := newSupply(newDeliveryRecord(t, store), client)
	started := time.Now()
	replay, err := client.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Stream: deliveryStream, Group: group.Name})
	require.NoError(t, err)
	require.EqualValues(t, letters, replay.Total)
	s.consume(group, 3)
	look := func() bool {
		got, err := client.Replay(t.Context(), replay.ID.String())
		if err == nil {
			replay = got
		}
		return err == nil
	}
	for range crashes {
		before := replay.Done
		until(t, "the replay gets on", func() bool { return look() && replay.Done > before })
		n.kill()
		n.start()
		until(t, "the replay is there", look)
		require.Equal(t, core.ReplayRunning, replay.State, "it was killed in the midst of it")
		t.Logf("killed with %d of %d letters given back", replay.Done, replay.Total)
	}
	until(t, "the replay ends", func() bool { return look() && replay.State != core.ReplayRunning })
	require.Equal(t, core.ReplayDone, replay.State, replay.Error)
	until(t, "the lag ends", settled(t, client, group.Name))
	s.drain()
	t.Logf("replayed after %s, with %d given back and %d gone", time.Since(started).Round(time.Millisecond), replay.Done, replay.Gone)
	end := ending(t, client, group)
	for offset := range end.End {
		end.Replayed = append(end.Replayed, offset)
	}
	s.check(end)
}

// park makes so many dead letters, of which each tenth event will fail again.
func park(t *testing.T, client *rest.Client, group core.Group, letters int) {
	t.Helper()
	publish(t, client, letters, func(n int) string {
		switch n % 20 {
		case 0:
			return `{` + failsAtOnce + `}`
		case 10:
			return `{` + failsAtLast + `}`
		}
		return `{}`
	})
	for parked := 0; parked < letters; {
		got, err := client.Poll(t.Context(), deliveryStream, group.Name, rest.PollOptions{Limit: core.MaxPageSize, Wait: 10 * time.Second})
		require.NoError(t, err)
		require.NotNil(t, got.Lease)
		nacks := make([]rest.Nack, len(got.Events))
		for i := range nacks {
			nacks[i] = rest.Nack{Offset: &got.Events[i].Offset, Action: core.NackPark, Reason: "parked to be replayed"}
		}
		require.NoError(t, client.Nack(t.Context(), deliveryStream, group.Name, got.Lease.ID, nacks...))
		parked += len(got.Events)
	}
	require.Len(t, letterOffsets(t, client, group.Name), letters)
}
