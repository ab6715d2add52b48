package deliver_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

// TestWaitingPollWakes: a poll that waits is answered when there is something,
// whatever it is, and at its deadline otherwise.
func TestWaitingPollWakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		prepare  func(d *desk)
		soonest  time.Duration
		latest   time.Duration
		offsets  []core.Offset
		attempts []int
	}{
		{"on a commit", func(d *desk) {
			go func() { time.Sleep(3 * time.Second); d.put(`{}`) }()
		}, 3 * time.Second, 3 * time.Second, coretest.From(0, 1), []int{1}},
		{"on a commit of another node, by asking", func(d *desk) {
			go func() { time.Sleep(3500 * time.Millisecond); d.node(nil).put(`{}`) }()
		}, 3500 * time.Millisecond, 4500 * time.Millisecond, coretest.From(0, 1), []int{1}},
		{"on a commit of another node, by its hub", func(d *desk) {
			d.run()
			go func() { time.Sleep(3550 * time.Millisecond); d.node(nil).put(`{}`) }()
		}, 3550 * time.Millisecond, 3650 * time.Millisecond, coretest.From(0, 1), []int{1}},
		{"on a retry that is due", func(d *desk) {
			d.put(`{}`)
			require.NoError(d, d.nack("mail", d.poll("mail", 1, 0), core.Nack{Delay: new(core.Seconds(5300 * time.Millisecond))}))
		}, 5300 * time.Millisecond, 5300 * time.Millisecond, coretest.From(0, 1), []int{2}},
		{"on a lease that expires", func(d *desk) {
			d.put(`{}`)
			d.poll("mail", 1, 0)
		}, 30*time.Second + 500*time.Millisecond, 31 * time.Second, coretest.From(0, 1), []int{2}},
		{"on a lease that is given back", func(d *desk) {
			d.put(`{}`)
			lease := d.poll("mail", 1, 0).Lease
			go func() {
				time.Sleep(7 * time.Second)
				_, _ = d.Consumers.Extend(context.Background(), d.who, "orders", "mail", lease, new(core.Seconds(0)))
			}()
		}, 7 * time.Second, 8 * time.Second, coretest.From(0, 1), []int{1}},
		{"at its deadline", func(*desk) {}, 40 * time.Second, 40 * time.Second, nil, nil},
		{"when the server stops", func(d *desk) {
			go func() { time.Sleep(2 * time.Second); d.Consumers.Close(); d.Consumers.Close() }()
		}, 2 * time.Second, 2 * time.Second, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t)
				d.group("mail", core.Ordered, nil)
				c.prepare(d)
				begun := time.Now()
				got := d.poll("mail", 10, 40*time.Second)
				require.GreaterOrEqual(t, time.Since(begun), c.soonest)
				require.LessOrEqual(t, time.Since(begun), c.latest)
				require.Equal(t, c.offsets, coretest.Offsets(got.Events))
				require.Equal(t, c.attempts, got.Attempts)
				require.Equal(t, len(got.Events) > 0, !got.Lease.IsZero(), "a lease comes with events only")
			})
		})
	}
}

// TestPollOfOneWhoLeft: a consumer that hung up while it waited is handed
// nothing, so that nothing waits for its answer.
func TestPollOfOneWhoLeft(t *testing.T) {
	t.Parallel()
	for _, hangsUp := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.group("mail", core.Ordered, nil)
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			time.AfterFunc(time.Second/2, func() {
				if hangsUp {
					leave()
					return
				}
				d.put(`{}`)
			})
			poll := core.Poll{Wait: time.Minute, Gone: func() bool { return !hangsUp }}
			got, err := d.Consumers.Poll(ctx, d.who, "orders", "mail", poll)
			require.NoError(t, err)
			require.Empty(t, got.Events)
			require.Zero(t, d.status("mail").Leased)
			_, err = d.Consumers.Poll(ctx, d.who, "orders", "mail", core.Poll{})
			require.Equal(t, hangsUp, err != nil, "a call that has ended does nothing")
		})
	}
}

// TestPollOfOneWhoLeftBeforeItsTurn: a consumer that hung up is handed nothing,
// even when there are events by the time its poll is first looked at.
func TestPollOfOneWhoLeftBeforeItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		d.put(`{}`, `{}`)
		got, err := d.Consumers.Poll(t.Context(), d.who, "orders", "mail", core.Poll{Wait: time.Minute, Gone: func() bool { return true }})
		require.NoError(t, err)
		require.Empty(t, got.Events)
		require.Zero(t, d.status("mail").Leased)
	})
}

// TestPollersShareTheWork: whoever asks at the same time, every event goes to
// one of them; an ordered group has one run in flight.
func TestPollersShareTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Ordered, nil)
		d.group("bill", core.Shared, nil)
		for range 5 {
			d.put(many(1000)...)
		}
		ask := func(group string) (runs [][]core.Offset, all []core.Offset) {
			var mu sync.Mutex
			var pollers sync.WaitGroup
			nodes := []*site{d.site, d.node(nil), d.node(nil)}
			for i := range 60 {
				pollers.Go(func() {
					got := nodes[i%len(nodes)].poll(group, 100, 0)
					mu.Lock()
					defer mu.Unlock()
					if len(got.Events) > 0 {
						runs, all = append(runs, coretest.Offsets(got.Events)), append(all, coretest.Offsets(got.Events)...)
					}
				})
			}
			pollers.Wait()
			slices.Sort(all)
			return runs, all
		}
		runs, all := ask("bill")
		require.Len(t, runs, 50)
		require.Equal(t, coretest.From(0, 5000), all)
		runs, all = ask("mail")
		require.Len(t, runs, 1)
		require.Equal(t, coretest.From(0, 100), all)
	})
}

// TestManyWaitingPollers: one event for very many who wait costs the stores a
// few calls, and goes to one of them. The race detector keeps 256 goroutines
// apart, and now and then fails itself where there are more.
func TestManyWaitingPollers(t *testing.T) {
	t.Parallel()
	const many = 100
	for _, mode := range []core.Mode{core.Ordered, core.Shared} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.run()
			d.group("mail", mode, nil)
			var served, empty int
			var mu sync.Mutex
			var pollers sync.WaitGroup
			for range many {
				pollers.Go(func() {
					got := d.poll("mail", 10, time.Minute)
					mu.Lock()
					defer mu.Unlock()
					if served += len(got.Events); len(got.Events) == 0 {
						empty++
					}
				})
			}
			synctest.Wait()
			time.Sleep(10*time.Second + 550*time.Millisecond)
			synctest.Wait()
			d.catalog.progress.slow(time.Millisecond) // as stores are
			d.catalog.advance.slow(time.Millisecond)
			before := d.calls()
			d.put(`{}`)
			time.Sleep(50 * time.Millisecond)
			synctest.Wait()
			mu.Lock()
			require.Equal(t, 1, served)
			mu.Unlock()
			require.LessOrEqual(t, d.calls()-before, 20)
			d.Consumers.Close()
			pollers.Wait()
			require.Equal(t, many-1, empty)
		})
	}
}

// TestNodesSeeEachOther: a node whose state is old neither hands out what
// another one has handed out nor refuses what that one made.
func TestNodesSeeEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newDesk(t)
		a.group("mail", core.Ordered, nil)
		a.group("bill", core.Shared, nil)
		a.put(many(20)...)
		b := a.node(nil)
		first := a.poll("mail", 5, 0)
		require.NoError(t, b.ack("mail", first.Lease))
		second := b.poll("mail", 5, 0)
		require.Equal(t, coretest.From(5, 5), coretest.Offsets(second.Events))
		require.Empty(t, a.poll("mail", 5, 0).Events, "the other's run is in flight")
		require.NoError(t, a.ack("mail", second.Lease), "a lease of the other")
		require.Equal(t, coretest.From(10, 5), coretest.Offsets(b.poll("mail", 5, 0).Events))

		for i := range core.Offset(10) {
			require.Equal(t, coretest.From(2*i, 1), coretest.Offsets(a.poll("bill", 1, 0).Events))
			require.Equal(t, coretest.From(2*i+1, 1), coretest.Offsets(b.poll("bill", 1, 0).Events))
		}
		_, err := b.Groups.Reset(t.Context(), a.who, "orders", "bill", core.Start{})
		require.NoError(t, err)
		require.Equal(t, coretest.From(0, 3), coretest.Offsets(a.poll("bill", 3, 0).Events))
	})
}

// TestPollIsBoundedInBytes: what is too much for one answer comes with the
// next, as if it had not been handed out.
func TestPollIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	for _, mode := range []core.Mode{core.Ordered, core.Shared} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.group("mail", mode, nil)
			large := `"` + strings.Repeat("x", 1<<20-2) + `"`
			d.put(slices.Repeat([]string{large}, 20)...)
			for _, want := range [][]core.Offset{coretest.From(0, 16), coretest.From(16, 4)} {
				got := d.poll("mail", 20, 0)
				require.Equal(t, want, coretest.Offsets(got.Events))
				require.Equal(t, slices.Repeat([]int{1}, len(want)), got.Attempts)
				require.Equal(t, want[len(want)-1]+1, got.NextOffset)
				require.Equal(t, int64(len(want)), d.status("mail").Leased)
				require.NoError(t, d.ack("mail", got.Lease))
			}
			require.Zero(t, d.status("mail").Lag)
		})
	}
}

// TestRetentionUnderAGroup: what retention removes before it is settled is
// counted as missed, once, wherever it was; what a consumer holds is not.
func TestRetentionUnderAGroup(t *testing.T) {
	t.Parallel()
	for _, mode := range []core.Mode{core.Ordered, core.Shared} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.group("slow", mode, visibility(2*time.Hour))
			d.group("busy", mode, visibility(2*time.Hour))
			d.group("once", mode, attempts(1))
			time.Sleep(23 * time.Hour)
			d.put(many(10)...)
			held := d.poll("slow", 2, 0)
			require.NoError(t, d.nack("busy", d.poll("busy", 4, 0), core.Nack{Delay: new(core.Seconds(0))}))
			require.NoError(t, d.ack("busy", d.poll("busy", 1, 0).Lease))
			d.poll("once", 3, 0)
			time.Sleep(90 * time.Minute) // into another day
			d.put(many(3)...)
			require.NoError(t, d.log.Trim(t.Context(), d.stream, time.Now()))

			require.Equal(t, int64(8), d.status("slow").Missed)
			require.NoError(t, d.ack("slow", held.Lease), "it was handed out in time")
			require.Equal(t, int64(9), d.status("busy").Missed)
			for group, missed := range map[string]int64{"slow": 8, "busy": 9, "once": 10} {
				require.Equal(t, coretest.From(10, 3), coretest.Offsets(d.poll(group, 20, 0).Events), group)
				require.Equal(t, missed, d.status(group).Missed, group)
				require.Equal(t, int64(3), d.status(group).Lag, group)
				require.Zero(t, d.status(group).DeadLetters, "what is gone cannot become a dead letter")
			}
		})
	}
}

// TestRetentionDuringAPoll: what retention removes between the lease and the
// reading is missed at once, and holds nothing up.
func TestRetentionDuringAPoll(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit  int
		wanted []core.Offset
	}{{3, coretest.From(10, 2)}, {20, coretest.From(10, 2)}} {
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t)
			d.group("mail", core.Ordered, visibility(12*time.Hour))
			time.Sleep(24*time.Hour - 200*time.Millisecond)
			d.put(many(10)...)
			node := d.node(nil) // which has no events in memory
			require.NoError(t, node.ack("mail", node.poll("mail", 1, 0).Lease))
			time.Sleep(300 * time.Millisecond)
			d.put(many(2)...)
			require.NoError(t, d.log.Trim(t.Context(), d.stream, time.Now()))
			got := node.poll("mail", c.limit, 5*time.Second)
			require.Equal(t, c.wanted, coretest.Offsets(got.Events))
			for _, offset := range c.wanted {
				require.NoError(t, node.ack("mail", got.Lease, offset))
			}
			require.Equal(t, int64(9), d.status("mail").Missed)
			require.Zero(t, d.status("mail").Lag)
		})
	}
}

// TestGroupDeletedUnderPolls: polls that wait hear that their group is gone.
func TestGroupDeletedUnderPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t)
		d.group("mail", core.Shared, nil)
		nodes := []*site{d.site, d.node(nil)}
		begun := time.Now()
		var pollers sync.WaitGroup
		for i := range 20 {
			pollers.Go(func() {
				_, err := nodes[i%2].Consumers.Poll(t.Context(), d.who, "orders", "mail", core.Poll{Wait: time.Minute})
				coretest.RequireRefusal(t, err, core.CodeNotFound, "")
				require.LessOrEqual(t, time.Since(begun), 6*time.Second)
			})
		}
		time.Sleep(5 * time.Second)
		require.NoError(t, d.Groups.Delete(t.Context(), d.who, "orders", "mail", 0))
		pollers.Wait()
		d.group("mail", core.Shared, nil)
		d.put(`{}`)
		require.Equal(t, coretest.From(0, 1), coretest.Offsets(d.poll("mail", 1, 0).Events), "another group of the name begins anew")
	})
}
