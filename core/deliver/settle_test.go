package deliver

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// Whoever comes back with a lease that ended is told how it did.
func TestALeaseThatEndedSaysHow(t *testing.T) {
	t.Parallel()
	group := &core.Group{Mode: core.Shared, MaxAttempts: 3}
	until := leaseStart.Add(time.Minute)
	for name, c := range map[string]struct {
		end  func(s *groupState, id core.ID)
		want error
	}{
		"ack":      {func(s *groupState, id core.ID) { _, _ = s.ack(leaseStart, id, nil) }, errsLostLease[leaseSettled]},
		"commit":   {func(s *groupState, id core.ID) { _, _ = s.commit(leaseStart, 9, id) }, errsLostLease[leaseSettled]},
		"give up":  {func(s *groupState, id core.ID) { _, _ = s.extend(leaseStart, id, 0) }, errsLostLease[leaseSettled]},
		"expire":   {func(s *groupState, _ core.ID) { s.expire(until, group, func() float64 { return 0 }) }, errsLostLease[leaseExpired]},
		"seek":     {func(s *groupState, _ core.ID) { s.seek(leaseStart, 0) }, errsLostLease[leaseReset]},
		"was none": {func(s *groupState, _ core.ID) { s.Leases = nil }, errLostLease},
	} {
		id, state := core.ID{1}, &groupState{Next: 10}
		state.hold(id, until, []span{{From: 0, To: 10, Attempts: 1}})
		c.end(state, id)
		state, err := openState(state.encode())
		require.NoError(t, err)
		_, err = state.clone().ack(leaseStart, id, nil)
		require.Equal(t, c.want, err, name)
		_, err = state.commit(leaseStart, 10, id)
		require.Equal(t, c.want, err, name)
		require.Equal(t, core.CodeConflict, core.CodeOf(err), name)
	}
}

// What is remembered of leases is bounded.
func TestOnlyTheLastLeasesAreRemembered(t *testing.T) {
	t.Parallel()
	state := &groupState{}
	for i := range byte(maxPast + 5) {
		state.hold(core.ID{i}, leaseStart.Add(time.Minute), []span{{From: 0, To: 1}})
		_, err := state.ack(leaseStart, core.ID{i}, nil)
		require.NoError(t, err)
	}
	require.Len(t, state.Past, maxPast)
	require.Equal(t, errLostLease, state.lost(core.ID{4}))
	require.Equal(t, errsLostLease[leaseSettled], state.lost(core.ID{5}))
}
