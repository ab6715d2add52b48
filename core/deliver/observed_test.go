package deliver_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// What is handed out is told, and so is each answer that was stored, with its lease: also
// that of a consumer who names an offset only.
func TestDeliveriesAndAnswersAreTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		d.put(many(8)...)
		first := d.poll("mail", 2, 0)
		require.Equal(t, []told{{lease: first.Lease, events: 2, at: time.Now()}}, d.take())
		require.Empty(t, d.poll("mail", 0, 0).Events[6:])
		second := d.take()[0]
		require.Equal(t, 6, second.events)
		require.Empty(t, d.poll("mail", 1, 0).Events)
		require.Empty(t, d.take(), "nothing was handed out")
		time.Sleep(3 * time.Second)
		require.Equal(t, first.Lease.Time().Add(3*time.Second), time.Now().UTC(), "a lease's id says when it was made")

		answer := func(err error) []told { require.NoError(t, err); return d.take() }
		require.Equal(t, []told{{lease: first.Lease, at: time.Now()}}, answer(d.ack("mail", first.Lease, 0)))
		first.Events = first.Events[1:]
		require.Equal(t, []told{{lease: first.Lease, at: time.Now()}}, answer(d.nack("mail", first, core.Nack{Action: core.NackPark})))
		commit := func(offset core.Offset) error {
			_, err := d.Consumers.Commit(d.Context(), d.who, "orders", "mail", offset, core.ID{})
			return err
		}
		require.Equal(t, []told{{lease: second.lease, at: time.Now()}}, answer(commit(4)))
		require.Equal(t, []told{{at: time.Now()}}, answer(commit(4)), "a repeated answer is about no lease")
		require.Error(t, d.ack("mail", first.Lease))
		_, err := d.Consumers.Extend(d.Context(), d.who, "orders", "mail", second.lease, nil)
		require.NoError(t, err)
		require.Empty(t, d.take(), "neither a refusal nor a wish for time is an answer")
	})
}
