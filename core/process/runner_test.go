package process_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/eventflow-go/eventflow/adapters/memory"
	"github.com/eventflow-go/eventflow/core"
	"github.com/eventflow-go/eventflow/core/eventjson"
	"github.com/eventflow-go/eventflow/core/internal/coretest"
)

func draftOf(t require.TestingT, payload string) eventjson.Draft {
	draft, err := eventjson.DecodeEvent([]byte(`{"event_type":"paid","subject":"s","payload":`+payload+`}`), eventjson.StreamInPath)
	require.NoError(t, err)
	return draft
}

// numbers are n payloads.
func numbers(n int) (all []string) {
	for i := range n {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

func TestWhatPassesTheFilterArrivesTransformed(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.put(`"old"`) // a processor begins with what is to come
		p.processor(func(s *core.ProcessorSpec) { s.Filter, s.Transform = "yes", `{"shaped":true}` })
		p.put(`"yes"`, `"no"`, `"yes"`)
		pass(time.Second)
		require.ElementsMatch(p, []core.Offset{1, 3}, p.box.got(), "in any order: the group is shared")
		require.JSONEq(p, `{"shaped":true}`, string(p.box.mail[0].Event.Payload))
		pass(2 * time.Second)
		view := p.view()
		require.EqualValues(p, 0, view.Status.Lag)
		view.LastDay.Latency = 0
		require.Equal(p, core.DeliveryCount{Delivered: 2, Filtered: 1}, view.LastDay)
		trace, err := p.delivery.Tracer.Trace(p.Context(), p.who, p.box.mail[0].Event.ID.String())
		require.NoError(p, err)
		require.Len(p, trace.Groups, 1)
		require.True(p, trace.Groups[0].Processor)
		require.Equal(p, core.TraceSettled, trace.Groups[0].State)
		verdict := p.verdict(p.box.mail[0].Event.ID)
		require.Equal(p, core.VerdictDelivered, verdict.Outcome)
		require.False(p, verdict.AsOfNow)
		require.Len(p, verdict.Deliveries, 1)
		filtered := p.events()[2].ID
		require.Equal(p, core.EventVerdict{Outcome: core.VerdictFiltered, AsOfNow: true, Deliveries: []core.DeliveryAttempt{}}, *p.verdict(filtered))
		p.change(core.ProcessorChange{Filter: new("")})
		require.Equal(p, core.EventVerdict{Outcome: core.VerdictPassed, AsOfNow: true, Deliveries: []core.DeliveryAttempt{}}, *p.verdict(filtered))
	})
}

func TestAProcessorMayBeginWithTheStream(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.put(numbers(3)...)
		p.processor(func(s *core.ProcessorSpec) { s.Start = &core.Start{} })
		pass(time.Second)
		require.Len(p, p.box.got(), 3)
	})
}

// TestAFailureIsTriedAgain: with growing waits, and after the last attempt the event is
// a dead letter.
func TestAFailureIsTriedAgain(t *testing.T) {
	inPlant(t, func(p *plant) {
		var tries []time.Time
		p.box.answer = func(out core.Outgoing) core.Sent {
			if out.Event.Offset != 0 {
				return core.Sent{}
			}
			tries = append(tries, time.Now())
			require.Equal(p, len(tries), out.Attempt)
			return core.Sent{Err: errors.New("closed"), Status: 500, Response: "no"}
		}
		p.processor(func(s *core.ProcessorSpec) { s.MaxAttempts = new(3) })
		p.put(numbers(3)...)
		pass(time.Minute)
		require.ElementsMatch(p, []core.Offset{1, 2}, p.box.got(), "in a shared group the others go on")
		require.Len(p, tries, 3)
		failing, err := p.Processors.Failing(p.Context(), p.who)
		require.NoError(p, err)
		require.EqualValues(p, 1, failing, "nothing has arrived since")
		require.GreaterOrEqual(p, tries[1].Sub(tries[0]), 500*time.Millisecond)
		require.GreaterOrEqual(p, tries[2].Sub(tries[1]), time.Second)
		require.Equal(p, []core.Offset{0}, p.letters())
		verdict := p.verdict(p.events()[0].ID)
		require.Equal(p, core.VerdictFailed, verdict.Outcome)
		require.Equal(p, "closed", verdict.Reason)
		require.Len(p, verdict.Deliveries, 3)
		page, err := p.Deliveries.List(p.Context(), p.who, "orders", "mail", core.DeliveryQuery{Outcome: core.Retrying})
		require.NoError(p, err)
		require.Len(p, page.Items, 2)
		require.Equal(p, 500, page.Items[0].Status)
		require.Equal(p, "closed", page.Items[0].Error)
		require.WithinDuration(p, tries[2], *page.Items[0].NextTry, 1100*time.Millisecond)
	})
}

// What a sink has not sent, because it leaves a destination alone that is away, is no attempt:
// no event becomes a dead letter without having been sent, and nobody works for nothing
// meanwhile. Everything arrives in the end, in order where that is asked.
func TestWhatIsNotSentIsNoAttempt(t *testing.T) {
	for _, mode := range []core.Mode{core.Ordered, core.Shared} {
		t.Run(string(mode), func(t *testing.T) {
			inPlant(t, func(p *plant) {
				var asked, highest int
				back := time.Now().Add(time.Hour)
				p.box.answer = func(out core.Outgoing) core.Sent {
					asked++
					highest = max(highest, out.Attempt)
					if time.Now().Before(back) && out.Event.Offset > 0 {
						return core.Sent{Err: errors.New("not sent"), Verdict: core.NotSent, After: 10 * time.Second}
					}
					return core.Sent{}
				}
				p.processor(func(s *core.ProcessorSpec) { s.Mode, s.MaxAttempts = mode, new(2) })
				p.put(numbers(20)...)
				pass(59 * time.Minute)
				require.Empty(p, p.letters())
				require.Less(p, asked, 2*8*360+30, "two leases, and what is under way of each, every ten seconds")
				require.EqualValues(p, 19, p.view().Status.Lag)
				pass(2 * time.Minute)
				require.Empty(p, p.letters())
				require.Equal(p, 1, highest)
				require.EqualValues(p, 20, p.view().LastDay.Delivered)
				if mode == core.Ordered {
					require.Equal(p, coretest.From(0, 20), p.box.got())
				} else {
					require.ElementsMatch(p, coretest.From(0, 20), p.box.got())
				}
			})
		})
	}
}

// TestOrderHoldsWhereItIsAsked: nothing overtakes an event that is tried again.
func TestOrderHoldsWhereItIsAsked(t *testing.T) {
	inPlant(t, func(p *plant) {
		failures := 0
		p.box.answer = func(out core.Outgoing) core.Sent {
			if out.Event.Offset == 2 && failures < 3 {
				failures++
				return core.Sent{Err: errors.New("closed")}
			}
			return core.Sent{}
		}
		p.box.traits = core.SinkTraits{Parallel: 8}
		p.processor(func(s *core.ProcessorSpec) { s.Mode = core.Ordered })
		p.put(numbers(10)...)
		pass(time.Minute)
		require.Equal(p, coretest.From(0, 10), p.box.got())
		require.Equal(p, 1, p.box.most, "one event at a time")
	})
}

// TestNothingIsSentBehindABatchThatFailed: while a batch is on its way the next one is
// made, and it stays where it is if the first one fails.
func TestNothingIsSentBehindABatchThatFailed(t *testing.T) {
	inPlant(t, func(p *plant) {
		failures := 0
		p.box.answer = func(out core.Outgoing) core.Sent {
			if out.Event.Offset == 2 && failures < 3 {
				failures++
				return core.Sent{Err: errors.New("closed")}
			}
			return core.Sent{}
		}
		p.box.traits, p.box.takes = core.SinkTraits{Batch: 4, Parallel: 8}, time.Second
		p.put(numbers(10)...)
		p.processor(func(s *core.ProcessorSpec) {
			s.Mode, s.Start, s.Transform = core.Ordered, &core.Start{Offset: new(core.Offset(0))}, `{}`
		})
		pass(time.Minute)
		got := p.box.got()
		require.Less(p, slices.Index(got, 2), slices.Index(got, 4), "%v", got)
		require.Equal(p, coretest.From(0, 10), slices.Compact(slices.Sorted(slices.Values(got))))
		require.Equal(p, 1, p.box.most, "one batch at a time")
	})
}

func TestWhatCanNeverArriveIsADeadLetterAtOnce(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.answer = func(out core.Outgoing) core.Sent {
			if out.Event.Offset == 1 {
				return core.Sent{Err: errors.New("too large"), Verdict: core.NeverAgain}
			}
			return core.Sent{}
		}
		p.processor(func(s *core.ProcessorSpec) { s.Mode, s.Transform = core.Ordered, "fail" })
		p.put(`1`, `2`, `"x"`, `4`)
		pass(time.Second)
		require.Equal(p, []core.Offset{0, 3}, p.box.got())
		require.ElementsMatch(p, []core.Offset{1, 2}, p.letters(), "a transform that fails would fail again")
		pass(2 * time.Second)
		page, err := p.Deliveries.List(p.Context(), p.who, "orders", "mail", core.DeliveryQuery{Outcome: core.Dead})
		require.NoError(p, err)
		require.Len(p, page.Items, 2)
		require.ElementsMatch(p, []string{"too large", "transform: 1:2: has failed"}, []string{page.Items[0].Error, page.Items[1].Error}, "people read no codes")
	})
}

// TestADestinationThatWantsNoMoreEndsItsProcessor: nothing is lost by it, and the events
// wait for somebody to resume it.
func TestADestinationThatWantsNoMoreEndsItsProcessor(t *testing.T) {
	inPlant(t, func(p *plant) {
		gone := true
		p.box.answer = func(core.Outgoing) core.Sent {
			if gone {
				return core.Sent{Err: errors.New("410 Gone"), Verdict: core.TurnedAway}
			}
			return core.Sent{}
		}
		p.processor(nil)
		p.put(numbers(5)...)
		pass(5 * time.Second)
		view := p.view()
		require.Equal(p, core.ProcessorDisabled, view.State)
		require.Contains(p, view.Reason, "410 Gone")
		page, err := p.Deliveries.List(p.Context(), p.who, "orders", "mail", core.DeliveryQuery{})
		require.NoError(p, err)
		require.NotEmpty(p, page.Items)
		require.Nil(p, page.Items[0].NextTry, "nobody sends it until the processor is resumed")
		require.Len(p, p.disabled, 1)
		failing, err := p.Processors.Failing(p.Context(), p.who)
		require.NoError(p, err)
		require.EqualValues(p, 1, failing)
		require.EqualValues(p, 5, view.Status.Lag)
		gone = false
		_, err = p.Processors.Resume(p.Context(), p.who, "orders", "mail")
		require.NoError(p, err)
		pass(5 * time.Second)
		require.ElementsMatch(p, coretest.From(0, 5), p.box.got())
		require.Empty(p, p.letters())
	})
}

func TestADestinationThatFailsForLongIsDisabled(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.stop()
		p.after = 2 * time.Hour
		p.mill = p.node()
		p.box.answer = func(core.Outgoing) core.Sent { return core.Sent{Err: errors.New("closed")} }
		p.processor(nil)
		for range 13 {
			p.put(`1`)
			pass(10 * time.Minute)
		}
		view := p.view()
		require.Equal(p, core.ProcessorDisabled, view.State)
		require.Contains(p, view.Reason, "nothing has arrived")
	})
}

// One event that failed says nothing about the days after it, on which none came.
func TestADestinationThatFailedOnceAndWasNotAskedAgainIsNotDisabled(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.stop()
		p.after = 2 * time.Hour
		p.mill = p.node()
		closed := true
		p.box.answer = func(core.Outgoing) core.Sent {
			if closed {
				return core.Sent{Err: errors.New("closed")}
			}
			return core.Sent{}
		}
		p.processor(nil)
		p.put(`1`)
		pass(3 * time.Hour)
		require.Equal(p, core.ProcessorRunning, p.view().State)
		p.stop()
		p.mill = p.node()
		pass(time.Minute)
		require.Equal(p, core.ProcessorRunning, p.view().State)
		closed = false
		p.put(`2`)
		pass(time.Minute)
		require.Nil(p, p.view().FailingSince)
		require.Len(p, p.box.got(), 1)
	})
}

// A store that is away for a moment says nothing about a processor.
func TestAStoreThatFailsDisablesNothing(t *testing.T) {
	inPlant(t, func(p *plant) {
		_, err := p.streams.Create(p.Context(), p.who, core.StreamSpec{Name: "copies"})
		require.NoError(p, err)
		made := p.processor(func(spec *core.ProcessorSpec) {
			spec.State = core.ProcessorPaused
			spec.Destination = []byte(`{"type":"stream","stream":"copies"}`)
		})
		p.stop()
		broken := &brokenProcessors{Catalog: p.catalog}
		p.store = broken
		p.mill = p.node()
		broken.fails.Store(true)
		made.State, made.Revision = core.ProcessorRunning, made.Revision+1
		require.NoError(p, p.catalog.UpdateProcessor(p.Context(), made.Processor))
		pass(5 * time.Second)
		broken.fails.Store(false)
		pass(5 * time.Second)
		require.Equal(p, core.ProcessorRunning, p.view().State)
		require.Empty(p, p.disabled)
	})
}

// brokenProcessors is a catalog that cannot list processors while it fails.
type brokenProcessors struct {
	*memory.Catalog
	fails atomic.Bool
}

func (b *brokenProcessors) Processors(ctx context.Context, scan core.ProcessorScan) ([]core.Processor, error) {
	if b.fails.Load() {
		return nil, errors.New("the connection was lost")
	}
	return b.Catalog.Processors(ctx, scan)
}

func TestTheDestinationSaysWhenToComeAgain(t *testing.T) {
	inPlant(t, func(p *plant) {
		var tries []time.Time
		p.box.answer = func(core.Outgoing) core.Sent {
			if tries = append(tries, time.Now()); len(tries) == 1 {
				return core.Sent{Err: errors.New("busy"), After: 2 * time.Minute}
			}
			return core.Sent{}
		}
		p.processor(nil)
		p.put(`1`)
		pass(3 * time.Minute)
		require.Len(p, tries, 2)
		require.GreaterOrEqual(p, tries[1].Sub(tries[0]), 2*time.Minute)
	})
}

// TestACleanStopRepeatsNothing: a node that stops lets what is under way arrive, gives
// the rest back, and another node goes on with it at once.
func TestACleanStopRepeatsNothing(t *testing.T) {
	for _, mode := range []core.Mode{core.Shared, core.Ordered} {
		t.Run(string(mode), func(t *testing.T) {
			inPlant(t, func(p *plant) {
				p.box.takes, p.box.traits = 100*time.Millisecond, core.SinkTraits{Parallel: 4}
				p.processor(func(s *core.ProcessorSpec) { s.Mode = mode })
				p.put(numbers(50)...)
				pass(250 * time.Millisecond)
				p.stop()
				before := len(p.box.got())
				require.Positive(p, before)
				require.Less(p, before, 50)
				p.mill = p.node()
				pass(20 * time.Second)
				got := p.box.got()
				if mode == core.Shared {
					slices.Sort(got)
				}
				require.Equal(p, coretest.From(0, 50), got)
			})
		})
	}
}

// TestNodesShareTheWork: no event arrives twice, and both take part.
func TestNodesShareTheWork(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.takes, p.box.traits = 50*time.Millisecond, core.SinkTraits{Parallel: 2}
		other := p.node()
		p.processor(nil)
		pass(2 * time.Second)
		p.put(numbers(100)...)
		pass(time.Minute)
		got := p.box.got()
		slices.Sort(got)
		require.Equal(p, coretest.From(0, 100), got)
		require.Equal(p, 4, p.box.most, "each node has as many under way as the sink takes")
		other.stop()
	})
}

func TestASlowDestinationKeepsItsLease(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.takes = 50 * time.Second
		p.processor(func(s *core.ProcessorSpec) { s.Visibility = new(core.Seconds(5 * time.Second)) })
		p.put(numbers(3)...)
		pass(10 * time.Minute)
		got := p.box.got()
		slices.Sort(got)
		require.Equal(p, coretest.From(0, 3), got, "none twice")
	})
}

func TestBatchesAreFilled(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.traits = core.SinkTraits{Batch: 100, Linger: 10 * time.Second, BatchBytes: 1 << 20, Parallel: 1}
		p.processor(nil)
		for range 30 {
			p.put(numbers(5)...)
			pass(time.Second)
		}
		pass(20 * time.Second)
		require.Len(p, p.box.got(), 150)
		require.Less(p, len(p.box.batches), 8, "batches wait to be filled: %v", p.box.batches)
		require.Equal(p, coretest.From(0, 150), p.box.got(), "a sink of batches gets them in order")
	})
}

func TestAPausedProcessorSendsNothing(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.processor(nil)
		p.put(`1`)
		pass(time.Second)
		_, err := p.Processors.Pause(p.Context(), p.who, "orders", "mail")
		require.NoError(p, err)
		pass(2 * time.Second)
		p.put(`2`)
		pass(time.Minute)
		require.Len(p, p.box.got(), 1)
		_, err = p.Processors.Resume(p.Context(), p.who, "orders", "mail")
		require.NoError(p, err)
		pass(2 * time.Second)
		require.Len(p, p.box.got(), 2)
	})
}

// TestTheGroupIsTheServers: nobody else reads it or changes it, and a reset works.
func TestTheGroupIsTheServers(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.processor(nil)
		_, err := p.delivery.Consumers.Poll(p.Context(), p.who, "orders", "mail", core.Poll{})
		coretest.RequireRefusal(p, err, core.CodeConflict, "")
		err = p.delivery.Groups.Delete(p.Context(), p.who, "orders", "mail", 0)
		coretest.RequireRefusal(p, err, core.CodeConflict, "")
		_, err = p.delivery.Groups.Change(p.Context(), p.who, "orders", "mail", core.GroupChange{MaxAttempts: new(9)}, 0)
		coretest.RequireRefusal(p, err, core.CodeConflict, "")
		p.put(numbers(2)...)
		pass(time.Second)
		_, err = p.delivery.Groups.Reset(p.Context(), p.who, "orders", "mail", core.Start{})
		require.NoError(p, err)
		pass(2 * time.Second)
		require.Equal(p, []core.Offset{0, 1, 0, 1}, sorted2(p.box.got()))
	})
}

// sorted2 sorts both halves.
func sorted2(all []core.Offset) []core.Offset {
	slices.Sort(all[:len(all)/2])
	slices.Sort(all[len(all)/2:])
	return all
}

// TestAStopThatGivesUpRepeatsNothing: what has arrived before a Send that takes too long
// for the stop is settled.
func TestAStopThatGivesUpRepeatsNothing(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.hangs = func(out core.Outgoing) bool { return out.Event.Offset == 3 && out.Attempt == 1 }
		p.processor(func(s *core.ProcessorSpec) { s.Mode = core.Ordered })
		p.put(numbers(6)...)
		pass(time.Second)
		p.stop()
		require.Equal(p, coretest.From(0, 3), p.box.got())
		p.mill = p.node()
		pass(time.Minute)
		require.Equal(p, coretest.From(0, 6), p.box.got())
	})
}

// TestTheShortestLeaseIsKept: no other node is handed the events meanwhile.
func TestTheShortestLeaseIsKept(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.takes = 700 * time.Millisecond
		p.node()
		p.processor(func(s *core.ProcessorSpec) { s.Mode, s.Visibility = core.Ordered, new(core.MinVisibility) })
		p.put(numbers(10)...)
		pass(time.Minute)
		require.Equal(p, coretest.From(0, 10), p.box.got())
		require.Equal(p, 1, p.box.most)
	})
}

// TestALeaseThatIsLostEndsItsWork: a reset gives the events to whoever asks next, and
// what is left of the lease before is not sent beside them.
func TestALeaseThatIsLostEndsItsWork(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.takes = 500 * time.Millisecond
		p.processor(func(s *core.ProcessorSpec) { s.Mode, s.Visibility = core.Ordered, new(core.Seconds(3*time.Second)) })
		p.put(numbers(100)...)
		pass(2 * time.Second)
		_, err := p.delivery.Groups.Reset(p.Context(), p.who, "orders", "mail", core.Start{})
		require.NoError(p, err)
		pass(time.Minute + 10*time.Second)
		got := p.box.got()
		require.Less(p, len(got), 110, "what was left of the lease is not sent to its end")
		require.Equal(p, coretest.From(0, 100), got[len(got)-100:])
	})
}

// TestALeaseThatIsLostEndsWithinSeconds: also one that is extended seldom, while another
// node sends the events anew.
func TestALeaseThatIsLostEndsWithinSeconds(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.box.takes = 400 * time.Millisecond
		p.processor(func(s *core.ProcessorSpec) { s.Mode, s.Visibility = core.Ordered, new(core.Seconds(10*time.Minute)) })
		p.put(numbers(100)...)
		pass(2 * time.Second)
		p.node()
		_, err := p.delivery.Groups.Reset(p.Context(), p.who, "orders", "mail", core.Start{})
		require.NoError(p, err)
		pass(2 * time.Second)
		before := len(p.box.got())
		require.LessOrEqual(p, p.box.most, 2, "the new lease, beside what was under way")
		p.box.forgetMost()
		pass(10 * time.Second)
		require.Equal(p, 1, p.box.most, "the lease before has ended")
		got := p.box.got()[before:]
		require.True(p, slices.IsSorted(got), "%v", got)
		require.Greater(p, len(got), 10)
	})
}

// TestAProcessorEndsWithItsStream: nothing of it goes on, on any node.
func TestAProcessorEndsWithItsStream(t *testing.T) {
	inPlant(t, func(p *plant) {
		p.processor(nil)
		p.put(numbers(2)...)
		pass(time.Second)
		require.Len(p, p.box.got(), 2)
		before := p.box.closed
		require.NoError(p, p.streams.Delete(p.Context(), p.who, "orders", 0))
		pass(5 * time.Second)
		require.Equal(p, before+1, p.box.closed, "the destination is let go of")
		failing, err := p.Processors.Failing(p.Context(), p.who)
		require.NoError(p, err)
		require.Zero(p, failing)
	})
}
