package deliver_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// A summary is of all streams and groups, not of a page of them.
func TestASummaryCountsEverything(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		sum := d.summary(d.who)
		require.Equal(t, core.Summary{At: sum.At, Streams: 1, Busiest: []core.StreamName{}, Furthest: []core.GroupOverview{}}, sum)
		for i := range core.MaxPageSize + 5 {
			d.open(fmt.Sprintf("stream %04d", i))
		}
		d.put(many(5)...)
		d.group("billing", core.Shared, nil)
		for i := range 8 {
			d.group(fmt.Sprintf("mail %d", i), core.Ordered, func(spec *core.GroupSpec) { spec.Start = core.Start{End: i < 7} })
		}
		first := d.poll("billing", 2, 0)
		require.NoError(t, d.ack("billing", first.Lease, 0))
		require.NoError(t, d.Consumers.Nack(t.Context(), d.who, "orders", "billing", first.Lease, []core.Nack{{Offset: 1, Action: core.NackPark}}))
		time.Sleep(time.Minute)
		sum = d.summary(d.who)
		require.EqualValues(t, core.MaxPageSize+6, sum.Streams)
		require.EqualValues(t, 5, sum.Events)
		require.EqualValues(t, 5, sum.Stored)
		require.EqualValues(t, 9, sum.Groups)
		require.EqualValues(t, 2, sum.Behind)
		require.EqualValues(t, 3+5, sum.Lag)
		require.EqualValues(t, 1, sum.DeadLetters)
		require.True(t, sum.Consumed)
		require.Equal(t, []core.StreamName{{ID: d.stream, Name: "orders"}}, sum.Busiest)
		require.Len(t, sum.Furthest, 6)
		require.Equal(t, "mail 7", sum.Furthest[0].Name)
		require.Equal(t, "orders", sum.Furthest[0].StreamName)
		require.Equal(t, "billing", sum.Furthest[1].Name)
		require.EqualValues(t, 3, sum.Furthest[1].Status.Lag)
	})
}

// Who looks often is told what was counted a moment ago, and nobody what others
// may see.
func TestASummaryIsKeptForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		other := d.open("other")
		d.put(many(2)...)
		require.EqualValues(t, 2, d.summary(d.who).Events)
		asked := d.calls()
		d.put(many(1)...)
		require.EqualValues(t, 2, d.summary(d.who).Events)
		require.Equal(t, asked, d.calls(), "nothing was counted")
		narrow := d.who
		narrow.Streams = []core.ID{other}
		require.EqualValues(t, 0, d.summary(narrow).Events)
		require.EqualValues(t, 1, d.summary(narrow).Streams)
		stranger := core.Principal{Org: core.ID{9}, Role: core.RoleAdmin}
		require.EqualValues(t, 0, d.summary(stranger).Streams)
		time.Sleep(2 * time.Second)
		require.EqualValues(t, 3, d.summary(d.who).Events)
		time.Sleep(time.Hour)
		require.Empty(t, d.summary(d.who).Busiest, "nothing came for an hour")
	})
}

// However long it takes to count, all who ask wait for one count, and who asks
// again is told.
func TestASummaryIsCountedToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.put(many(2)...)
		d.log.Slow.Store(int64(time.Minute))
		asked := d.calls()
		for range 4 {
			ctx, cancel := context.WithTimeout(t.Context(), 14*time.Second)
			_, err := d.Numbers.Summary(ctx, d.who, false)
			cancel()
			require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
		}
		require.EqualValues(t, 2, d.summary(d.who).Events)
		require.Equal(t, asked+1, d.calls(), "counted once")
		time.Sleep(18 * time.Minute)
		require.EqualValues(t, 2, d.summary(d.who).Events)
		require.Equal(t, asked+1, d.calls(), "what took long is kept for long")
		time.Sleep(time.Minute)
		d.log.Slow.Store(int64(time.Hour))
		_, err := d.Numbers.Summary(t.Context(), d.who, false)
		require.Equal(t, core.CodeUnavailable, core.CodeOf(err), "a store that does not answer")
		d.log.Slow.Store(0)
		require.EqualValues(t, 2, d.summary(d.who).Events)
	})
}

func (d *desk) summary(who core.Principal) core.Summary {
	sum, err := d.Numbers.Summary(d.Context(), who, false)
	require.NoError(d, err)
	return sum
}

// While a shard is away, the list of streams says which have no numbers, and metrics have
// those of the others. A sum is whole, or says what it lacks to who has asked for a part.
func TestNumbersAreKnownWithoutAShard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.open("there")
		d.put(many(5)...)
		d.group("billing", core.Shared, nil)
		_, err := d.Groups.Create(t.Context(), d.who, "there", core.GroupSpec{Name: "mail"})
		require.NoError(t, err)
		for _, away := range []*core.ID{nil, &d.stream, nil} {
			d.log.Away.Store(away)
			page, err := d.Numbers.Overview(t.Context(), d.who, core.StreamQuery{})
			require.NoError(t, err)
			require.Len(t, page.Items, 2)
			orders, there := page.Items[0], page.Items[1]
			require.False(t, there.Unavailable)
			require.Equal(t, 1, there.Groups)
			require.Equal(t, away != nil, orders.Unavailable)
			census, err := d.Numbers.Census(t.Context())
			require.NoError(t, err)
			sum, err := d.Numbers.Summary(t.Context(), d.who, true)
			require.NoError(t, err)
			_, err = d.Numbers.Summary(t.Context(), d.who, false)
			if away != nil {
				require.Equal(t, &core.Missing{Shards: []int{0}, Streams: []core.StreamName{{ID: d.stream, Name: "orders"}}}, sum.Missing)
				require.EqualValues(t, 2, sum.Streams)
				require.EqualValues(t, 1, sum.Groups)
				require.Equal(t, core.StreamOverview{Stream: orders.Stream, Unavailable: true}, orders)
				require.Len(t, census, 1)
				require.Equal(t, "mail", census[0].Name)
				require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
			} else {
				require.Nil(t, sum.Missing)
				require.EqualValues(t, 5, orders.Stats.Events)
				require.Len(t, census, 2)
				require.NoError(t, err)
			}
			time.Sleep(time.Minute) // until a summary is counted anew
		}
	})
}
