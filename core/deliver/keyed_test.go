package deliver_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
)

// byKey sets an ordering key.
func byKey(spec *core.GroupSpec) { spec.OrderingKey = "payload.k" }

// ks are payloads with these keys.
func ks(keys ...string) (payloads []string) {
	for _, key := range keys {
		payloads = append(payloads, fmt.Sprintf(`{"k":%q}`, key))
	}
	return payloads
}

// offsets are those of a delivery.
func offsets(d core.Delivery) (all []core.Offset) {
	for i := range d.Events {
		all = append(all, d.Events[i].Offset)
	}
	return all
}

// A key is for groups that have no order otherwise, and is checked before anything is
// made.
func TestOrderingKeysAreChecked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, spec := range []core.GroupSpec{
		{Name: "a", OrderingKey: core.OrderingSubject},
		{Name: "a", Mode: core.Ordered, OrderingKey: "payload.k"},
		{Name: "a", Mode: core.Shared, OrderingKey: "type"},
		{Name: "a", Mode: core.Shared, OrderingKey: `payload."k`},
	} {
		_, err := d.Groups.Create(t.Context(), d.who, "orders", spec)
		require.Equal(t, core.CodeValidation, core.CodeOf(err))
		require.ErrorContains(t, err, "ordering_key")
	}
	require.Equal(t, "payload.k", d.group("mail", core.Shared, byKey).OrderingKey)
}

// A poll that finds only events whose keys are busy sleeps, and costs nothing. It is
// handed the next of the key in the moment in which the one before it is settled.
func TestABlockedPollSleepsUntilTheKeyGoesOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, byKey)
		d.put(ks("a", "a", "a")...)
		first := d.poll("mail", 10, 0)
		require.Equal(t, []core.Offset{0}, offsets(first))
		require.Empty(t, d.poll("mail", 10, 0).Events)
		var second core.Delivery
		var waiting sync.WaitGroup
		waiting.Go(func() { second = d.poll("mail", 10, time.Minute) })
		time.Sleep(2500 * time.Millisecond) // the first look of each second counts as news
		synctest.Wait()
		steps, asked := d.catalog.advance.count(), d.calls()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Equal(t, steps, d.catalog.advance.count())
		require.Equal(t, 20, d.calls()-asked, "the progress and the bounds, once a second")
		settled := time.Now()
		require.NoError(t, d.ack("mail", first.Lease))
		waiting.Wait()
		require.Equal(t, []core.Offset{1}, offsets(second))
		require.Equal(t, settled, time.Now())
	})
}

// A log that takes its time to show the keys of new events holds up the polls that want
// them, and nobody's answer.
func TestASlowLogHoldsUpNoAcks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, byKey)
		d.put(ks("a", "b")...)
		first := d.poll("mail", 1, 0)
		other := d.node(nil) // it has nothing of the stream in memory
		d.put(ks("a", "c")...)
		d.log.SlowReading.Store(int64(20 * time.Second))
		var came core.Delivery
		var waiting sync.WaitGroup
		waiting.Go(func() { came = other.poll("mail", 10, 0) })
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, other.ack("mail", first.Lease))
		require.Equal(t, begun, time.Now(), "the ack goes through the node that reads")
		waiting.Wait()
		require.Equal(t, []core.Offset{1, 2, 3}, offsets(came))
	})
}

// A log that cannot be read is an error of the poll. No event is taken for one without a
// key.
func TestABlindLogTakesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.group("mail", core.Shared, byKey)
	d.put(ks("a", "a")...)
	d.log.Blind.Store(true)
	other := d.node(nil)
	_, err := other.Consumers.Poll(t.Context(), d.who, "orders", "mail", core.Poll{})
	require.Equal(t, core.CodeUnavailable, core.CodeOf(err))
	d.log.Blind.Store(false)
	require.Equal(t, []core.Offset{0}, offsets(other.poll("mail", 10, 0)))
}

// A node begins where the group is, whoever made the steps before, and hands out nothing
// that another node's consumers have. Retention takes what waits behind a key, too.
func TestKeysOnSeveralNodes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	nodes := []*site{d.site, d.node(nil), d.node(nil)}
	d.group("mail", core.Shared, byKey)
	const events, keys = 600, 7
	for i := range events {
		d.put(ks(string(rune('a' + i*i%keys)))...)
	}
	held := map[string]core.Delivery{}
	last := map[string]core.Offset{}
	for done := 0; done < events; {
		progressed := false
		for i, n := range nodes {
			came := n.poll("mail", 1+i, 0)
			for j := range came.Events {
				key := string(came.Events[j].Payload)
				require.NotContains(t, held, key, "one at a time")
				require.Greater(t, came.Events[j].Offset+1, last[key], "in order")
				held[key], last[key] = came, came.Events[j].Offset+1
			}
			progressed = progressed || len(came.Events) > 0
		}
		for key, one := range held {
			offset := last[key] - 1
			require.NoError(t, nodes[done%len(nodes)].ack("mail", one.Lease, offset))
			delete(held, key)
			done++
			progressed = true
			if done%3 == 0 {
				break
			}
		}
		require.True(t, progressed, "%d of %d", done, events)
	}
	require.Zero(t, d.status("mail").Lag)
}

// A lease of many small spans is read in as few pieces as there is sense in.
func TestALeaseOfManyKeysIsReadInOneGo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.group("mail", core.Shared, byKey)
	var payloads []string
	for i := range 1000 {
		payloads = append(payloads, ks(fmt.Sprint(i%500))...)
	}
	d.put(payloads...)
	other := d.node(nil)
	reads := d.log.Reads.Load()
	came := other.poll("mail", 1000, 0)
	require.Len(t, came.Events, 500)
	require.LessOrEqual(t, d.log.Reads.Load()-reads, int64(3), "the keys, and the events")
	require.EqualValues(t, 500, d.status("mail").Waiting)
	_, err := d.Groups.Reset(t.Context(), d.who, "orders", "mail", core.Start{Offset: new(core.Offset(10))})
	require.NoError(t, err)
	require.EqualValues(t, 10, other.poll("mail", 1000, 0).Events[0].Offset)
}
