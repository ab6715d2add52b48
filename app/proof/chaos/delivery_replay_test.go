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
	letters, crashes := 2000, 1
	if thorough() {
		letters, crashes = 10_000, 2
	}
	r := startReplay(t, letters)
	r.crash()
	t.Parallel() // only now: the others can run while the hold ends
	for range crashes - 1 {
		r.crash()
	}
	until(t, "the replay ends", func() bool { return r.look() && r.State != core.ReplayRunning })
	require.Equal(t, core.ReplayDone, r.State, r.Error)
	until(t, "the lag ends", settled(t, r.clients[0], r.group.Name))
	r.drain()
	t.Logf("replayed after %s, with %d given back and %d gone", r.UpdatedAt.Sub(r.CreatedAt), r.Done, r.Gone)
	end := ending(t, r.clients[0], r.group)
	for offset := range end.End {
		end.Replayed = append(end.Replayed, offset)
	}
	r.check(end)
}

// replaying is a replay of dead letters, with consumers that wait for them.
type replaying struct {
	*supply
	core.Replay
	node  *node
	group core.Group
}

func startReplay(t *testing.T, letters int) *replaying {
	t.Helper()
	store := "sqlite:" + t.TempDir()
	n := newNode(t, store)
	n.start()
	client := n.client(n.key())
	createStreams(t, client, deliveryStream)
	group := createGroup(t, client, "shared", core.Shared, attempts)
	park(t, client, group, letters)
	s := newSupply(newDeliveryRecord(t, store), client)
	replay, err := client.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Stream: deliveryStream, Group: group.Name})
	require.NoError(t, err)
	require.EqualValues(t, letters, replay.Total)
	s.consume(group, 3)
	return &replaying{supply: s, Replay: replay, node: n, group: group}
}

// look reads how far the replay is, if the server says so.
func (r *replaying) look() bool {
	got, err := r.clients[0].Replay(r.t.Context(), r.ID.String())
	if err == nil {
		r.Replay = got
	}
	return err == nil
}

// crash kills and restarts the server in the midst of the replay.
func (r *replaying) crash() {
	r.t.Helper()
	before := r.Done
	until(r.t, "the replay gets on", func() bool { return r.look() && r.Done > before })
	r.node.kill()
	r.node.start()
	until(r.t, "the replay is there", r.look)
	require.Equal(r.t, core.ReplayRunning, r.State, "it was killed in the midst of it")
	r.t.Logf("killed with %d of %d letters given back", r.Done, r.Total)
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
