package app_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/rest"
	"github.com/eventflow-go/eventflow/core"
)

// A replay that takes hours ends with the key that started it: when the key is revoked,
// by another process as well, and when it expires. How soon is held in core/deliver, by
// a clock that no busy machine delays.
func TestAReplayEndsWithItsKey(t *testing.T) {
	t.Parallel()
	for name, store := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, store := newHome(t), store(t)
			server := h.serve(store)
			good := server.client(h.key(store))
			_, err := good.CreateStream(t.Context(), core.StreamSpec{Name: "orders"})
			require.NoError(t, err)
			_, err = good.CreateGroup(t.Context(), "orders", core.GroupSpec{Name: "mail"})
			require.NoError(t, err)
			events := make([]rest.NewEvent, 10)
			for i := range events {
				events[i] = rest.NewEvent{Type: "order.paid", Payload: []byte(`{}`)}
			}
			_, err = good.PublishBatch(t.Context(), "orders", events)
			require.NoError(t, err)
			got, err := good.Poll(t.Context(), "orders", "mail", rest.PollOptions{})
			require.NoError(t, err)
			nacks := make([]rest.Nack, len(got.Events))
			for i := range nacks {
				nacks[i] = rest.Nack{Offset: &got.Events[i].Offset, Action: core.NackPark}
			}
			require.NoError(t, good.Nack(t.Context(), "orders", "mail", got.Lease.ID, nacks...))

			begin := func(flags ...string) (core.Replay, error) {
				made := h.run([]string{secret, store}, append([]string{"key", "create", "--label", "test", "--role", "developer"}, flags...)...)
				require.Zero(t, made.code, made.stderr)
				client := server.client(strings.TrimSpace(made.stdout))
				return client.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Stream: "orders", Group: "mail", Rate: core.MinReplayRate})
			}
			stops := func(replay core.Replay) {
				var now core.Replay
				require.Eventually(t, func() bool {
					now, err = good.Replay(t.Context(), replay.ID.String())
					return err == nil && now.State == core.ReplayStopped
				}, patience, 50*time.Millisecond)
				require.Contains(t, now.Error, "may not do so any more")
			}
			others, err := good.ReplayDeadLetters(t.Context(), rest.ReplayRequest{Stream: "orders", Group: "mail", Rate: core.MinReplayRate})
			require.NoError(t, err)
			revoked, err := begin()
			require.NoError(t, err)
			require.Equal(t, core.ReplayRunning, revoked.State)
			require.Zero(t, h.run([]string{secret, store}, "key", "revoke", revoked.CreatedBy.String()).code)
			stops(revoked)
			expired, err := begin("--expires", "3s")
			for _, longer := range []string{"10s", "1m"} { // on a busy machine it may be over before it begins
				if core.CodeOf(err) == core.CodeUnauthorized {
					expired, err = begin("--expires", longer)
				}
			}
			require.NoError(t, err)
			stops(expired)
			now, err := good.Replay(t.Context(), others.ID.String())
			require.NoError(t, err)
			require.Equal(t, core.ReplayRunning, now.State)
		})
	}
}
